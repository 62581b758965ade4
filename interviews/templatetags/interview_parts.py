"""What the pages of the room below show about interviews: clinic knows nobody above it, so its templates ask here."""

from collections.abc import Iterable

from django import template

from clinic.integrations import speaking
from clinic.models import Patient, User
from interviews import caseload
from interviews.models import Disorder, Interview, QuestionSet

register = template.Library()


@register.simple_tag
def clinicians_day(user: User) -> caseload.Day:
    return caseload.day(user)


@register.simple_tag
def interviews_of_patient(patient: Patient) -> list[caseload.Row]:
    mine = Interview.objects.filter(patient=patient).select_related("patient", "question_set__disorder")
    return caseload.rows(mine)


@register.simple_tag
def open_interviews(user: User) -> list[Interview]:
    """A patient's own, which she may still answer."""
    mine = Interview.objects.answerable_by(user).exclude(state=Interview.State.FINISHED)
    return list(mine.select_related("question_set"))


@register.filter
def with_latest_interview(patients: Iterable[Patient]) -> list[tuple[Patient, Interview | None]]:
    patients = list(patients)
    latest = caseload.latest_by_patient(patients)
    return [(patient, latest.get(patient.pk)) for patient in patients]


@register.simple_tag
def question_set_counts() -> dict[str, int]:
    sets = QuestionSet.objects
    return {
        "disorders": Disorder.objects.filter(is_active=True).count(),
        "published": sets.filter(state=QuestionSet.State.PUBLISHED).count(),
        "drafts": sets.filter(state=QuestionSet.State.DRAFT).count(),
    }


@register.filter
def voice_title(name: str) -> str:
    """A voice as people call it: "pico en-GB x0.9" is one of SVOX Pico's."""
    return speaking.voice_title(name)
