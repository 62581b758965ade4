"""News of an interview: "look" to those who watch it. The rows are the truth."""

from __future__ import annotations

from typing import Any

from clinic import news
from interviews.models import Interview


def group_name(interview_id: int) -> str:
    """Those who watch one interview."""
    return f"interview-{interview_id}"


def caseload_name(clinician_id: int) -> str:
    """A clinician who watches the list of all of hers."""
    return f"caseload-{clinician_id}"


VOICES = "voices"  # admins who watch the questions being spoken
AUTHORS = "authors"  # those who look at disorders, question sets and what a model is asked for them


def tell(interview_id: int, **event: Any) -> None:
    """Tell the watchers of an interview and of its clinician's list. Never raises because the broker is away."""
    clinician_id = Interview.objects.values_list("patient__clinician_id", flat=True).filter(pk=interview_id).first()
    groups = [group_name(interview_id)]
    if clinician_id is not None:
        groups.append(caseload_name(clinician_id))
    news.send(groups, interview=interview_id, **event)


def tell_voices() -> None:
    """Tell those who watch the questions being spoken. Never raises because the broker is away."""
    news.send([VOICES])


def tell_authors() -> None:
    """Tell those who look at disorders and question sets. Never raises because the broker is away."""
    news.send([AUTHORS])
