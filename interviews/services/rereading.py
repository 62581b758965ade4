"""Answers that an earlier model pack has read, once more with the one that serves now: somebody asked for it."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet

import emotion.services
from clinic import jobs
from clinic.models import Job
from interviews.models import Answer, Recording
from interviews.stages import READ_STAGES


def answers_read_otherwise() -> QuerySet[Answer]:
    """Answers with a reading by another pack than the one that serves, whose work is done."""
    recordings = Recording.objects.filter(
        state=Recording.State.KEPT, pk__in=emotion.services.made_otherwise().values("recording")
    )
    return Answer.objects.filter(pk__in=recordings.values("answer"))


@transaction.atomic
def read_again(answer: Answer) -> bool:
    """The reading stages of an answer wait again; False where they are under way anyhow.

    The earlier reading stays until the new one takes its place. A report that was drafted from it stays as it is.
    """
    rows = list(Job.objects.select_for_update().filter(subject=answer.subject, stage__in=READ_STAGES))
    if len(rows) < len(READ_STAGES) or not all(jobs.is_final(job) for job in rows):
        return False
    for job in rows:
        jobs.retry(job)
    return True
