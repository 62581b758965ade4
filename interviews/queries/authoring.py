"""Disorders, their sets, and what a language model is being asked for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from clinic import jobs
from clinic.models import Job
from interviews.models import Disorder, NameCheck, Question, QuestionDraft, QuestionSet
from interviews.questions import faults_of_set
from interviews.stages import DRAFT, NAME

MOST_DRAFTS = 20  # shown of a disorder


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


@dataclass(frozen=True)
class DraftRow:
    """A draft that was asked for, and how far it is."""

    asked: QuestionDraft
    job: Job | None

    @property
    def is_at_work(self) -> bool:
        return self.job is not None and not jobs.is_final(self.job)

    @property
    def is_failed(self) -> bool:
        return self.job is not None and self.job.state == Job.State.FAILED


def drafts_of(disorder: Disorder) -> list[DraftRow]:
    """Those that are being written or have failed, the newest first: what was written stands among the sets."""
    asked = list(disorder.drafts.filter(question_set=None).select_related("disorder")[:MOST_DRAFTS])
    by_subject = {job.subject: job for job in jobs.of(*(one.subject for one in asked)) if job.stage == DRAFT}
    rows = [DraftRow(one, by_subject.get(one.subject)) for one in asked]
    return [row for row in rows if row.is_at_work or row.is_failed]


@dataclass(frozen=True)
class Doubted:
    """A question of a set, and what should be looked at again."""

    question: Question
    faults: tuple[str, ...]


def questions_of(question_set: QuestionSet) -> list[Doubted]:
    asked = list(question_set.questions.all())
    found = faults_of_set([question.text for question in asked], question_set.language)
    return [Doubted(question, tuple(faults)) for question, faults in zip(asked, found, strict=True)]
