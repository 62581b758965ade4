"""A clinician's interviews as lists: rows with how far each is, at the same price however many there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from clinic.models import Job, Patient, User
from clinic.reasons import told
from interviews.models import Answer, Interview, InterviewQuerySet, RiskFlag
from interviews.queries import Progress, Stage, open_flags, progress_of
from interviews.stages import LABELS


@dataclass(frozen=True)
class Row:
    """One interview in a list."""

    interview: Interview
    progress: Progress


@dataclass(frozen=True)
class Failure:
    """A stage that failed, with the interview it belongs to."""

    interview: Interview
    position: int | None  # of the question; None for work on the whole interview
    stage: Stage


@dataclass(frozen=True)
class Day:
    """What needs a clinician today."""

    alerts: list[RiskFlag]  # words that call for a person, not acknowledged yet: all of them, whatever else is cut
    to_review: list[Row]
    under_way: list[Row]
    declined: list[Interview]  # the patient read what is recorded and did not agree, or took it back
    failures: list[Failure]
    count: int  # of all her interviews


FILTERS = {
    "review": Q(state=Interview.State.FINISHED) & ~Q(report__state="signed"),
    "underway": Q(state=Interview.State.STARTED),
    "invited": Q(state=Interview.State.INVITED),
    "signed": Q(report__state="signed"),
}
FILTER_WORDS: dict[str, Promise] = {
    "": _("All"),
    "review": _("To review"),
    "underway": _("In progress"),
    "invited": _("Invited"),
    "signed": _("Signed"),
}


def interviews_of(clinician: User, search: str = "", only: str = "") -> InterviewQuerySet:
    """Her interviews, newest first; `search` looks in patients' names and record numbers."""
    found = Interview.objects.visible_to(clinician).select_related("patient", "question_set__disorder")
    for word in search.split():
        found = found.filter(Q(patient__name__icontains=word) | Q(patient__record_number__icontains=word))
    return found.filter(FILTERS[only]) if only in FILTERS else found


def rows(interviews: Iterable[Interview]) -> list[Row]:
    """Three queries, however many interviews."""
    interviews = list(interviews)
    progress = progress_of(interviews)
    return [Row(interview, progress[interview.pk]) for interview in interviews]


def latest_by_patient(patients: Iterable[Patient]) -> dict[int, Interview]:
    """Each patient's newest interview, by her id."""
    found = (
        Interview.objects.filter(patient__in=list(patients)).select_related("question_set").order_by("created_at", "pk")
    )
    return {interview.patient_id: interview for interview in found}


def day(clinician: User, most: int = 8) -> Day:
    """What to put before her first."""
    mine = interviews_of(clinician)
    shown = rows(
        [
            *mine.filter(FILTERS["review"]).order_by("-finished_at")[:most],
            *mine.filter(FILTERS["underway"]).order_by("-started_at")[:most],
        ]
    )
    return Day(
        alerts=open_flags(clinician.pk),
        to_review=[row for row in shown if row.interview.state == Interview.State.FINISHED],
        under_way=[row for row in shown if row.interview.state == Interview.State.STARTED],
        declined=list(mine.exclude(refused_at=None).order_by("-refused_at")[:most]),
        failures=failures(clinician)[:most],
        count=mine.count(),
    )


def failures(clinician: User) -> list[Failure]:
    """Stages of her interviews that failed, newest first. Failures are few; so the search begins with them."""
    failed = list(Job.objects.filter(state=Job.State.FAILED).order_by("-ended_at")[:500])
    answers = Answer.objects.filter(
        pk__in=_ids(failed, "answer"), interview__in=Interview.objects.visible_to(clinician)
    )
    by_subject: dict[str, tuple[Interview, int | None]] = {
        answer.subject: (answer.interview, answer.question.position)
        for answer in answers.select_related("question", "interview__patient", "interview__question_set")
    }
    for interview in interviews_of(clinician).filter(pk__in=_ids(failed, "interview")):
        by_subject[interview.subject] = (interview, None)
    return [
        Failure(*by_subject[job.subject], Stage(job.stage, job.state, job.percent, told(job.reason)))
        for job in failed
        if job.subject in by_subject and job.stage in LABELS
    ]


def _ids(failed: Iterable[Job], kind: str) -> list[int]:
    named = (job.subject.partition(":") for job in failed)
    return [int(pk) for name, _, pk in named if name == kind and pk.isdecimal()]
