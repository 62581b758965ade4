"""Disorders, their sets, and what a language model is being asked for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from clinic import jobs
from clinic.models import Job
from interviews.models import Disorder, NameCheck, QuestionSet
from interviews.stages import NAME


@dataclass(frozen=True)
class SetRow:
    """One version of a set, and how many questions it asks."""

    set: QuestionSet
    asked: int


@dataclass(frozen=True)
class DisorderRow:
    disorder: Disorder
    sets: tuple[SetRow, ...]


def disorders_with_sets(disorders: Iterable[Disorder] | None = None) -> list[DisorderRow]:
    """Each disorder with the sets that are offered or drafted, in three queries however many there are."""
    found = list(Disorder.objects.all() if disorders is None else disorders)
    by_disorder: dict[int, list[SetRow]] = {}
    for one in sets_of(found).exclude(state=QuestionSet.State.RETIRED):
        by_disorder.setdefault(one.disorder_id, []).append(SetRow(one, one.asked))
    return [DisorderRow(disorder, tuple(by_disorder.get(disorder.pk, ()))) for disorder in found]


def sets_of(disorders: Iterable[Disorder]) -> QuerySet:
    rows = QuestionSet.objects.filter(disorder__in=list(disorders)).select_related("disorder", "approved_by")
    return rows.annotate(asked=Count("questions"))


def name_job(check: NameCheck) -> Job | None:
    return next((job for job in jobs.of(check.subject) if job.stage == NAME), None)
