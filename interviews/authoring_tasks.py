"""What a language model is asked for authors of questions, over time. May run twice: the job rows say what is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from celery import Signature, shared_task
from django.conf import settings
from django.utils import translation
from django.utils.translation import get_language

from clinic import jobs
from clinic.integrations.language import language_model
from clinic.jobs import Outcome
from clinic.models import Job
from clinic.sending import again_after, send, send_on_commit
from interviews import live
from interviews.models import NameCheck, QuestionDraft
from interviews.services import drafting, intake
from interviews.stages import DRAFT, NAME

RETRY_AFTER = 5  # seconds, doubled with each attempt
TELL_EVERY = 1.0  # seconds between two news of a percent
DATABASE_AWAY = again_after(RETRY_AFTER)


def enqueue_name(check: NameCheck) -> None:
    """Have the language model asked about a name, once the transaction around this call is committed."""
    _enqueue(judge_name.si(check.pk, get_language() or ""), check.subject, NAME)


def enqueue_draft(asked: QuestionDraft) -> None:
    """Have a draft written, once the transaction around this call is committed."""
    _enqueue(write_draft.si(asked.pk, get_language() or ""), asked.subject, DRAFT)


@shared_task(**DATABASE_AWAY)
def write_draft(asked_id: int, language: str = "") -> None:
    """language: in which its asker is told what came of it; empty for the site's own."""
    asked = QuestionDraft.objects.select_related("disorder").filter(pk=asked_id).first()
    if asked is not None:
        again = write_draft.si(asked_id, language)
        with _speaking(language):
            _work(asked.subject, DRAFT, lambda tell: drafting.write(asked, language_model(), tell), again)


@shared_task(**DATABASE_AWAY)
def judge_name(check_id: int, language: str = "") -> None:
    """language: as above."""
    check = NameCheck.objects.filter(pk=check_id).first()
    if check is not None:
        again = judge_name.si(check_id, language)
        with _speaking(language):
            _work(check.subject, NAME, lambda tell: intake.decide(check, language_model(), tell), again)


def _speaking(language: str) -> AbstractContextManager[None]:
    return translation.override(language or settings.LANGUAGE_CODE)


def requeue(older_than: timedelta) -> None:
    """Send again what nobody does any more."""
    again = {NAME: judge_name, DRAFT: write_draft}
    for job in _ours(jobs.stranded(older_than), again):
        send(again[job.stage].si(int(job.subject.rpartition(":")[2])), job.subject, job.stage)


def _ours(stranded: Iterable[Job], stages: Mapping[str, Any]) -> list[Job]:
    return [job for job in stranded if job.stage in stages]


def _enqueue(message: Signature, subject: str, stage: str) -> None:
    (job,) = jobs.open_jobs(subject, [stage])
    if jobs.is_final(job):
        jobs.retry(job)
    send_on_commit(message, subject, stage)


def _work(
    subject: str, stage: str, verb: Callable[[Callable[[float], None]], Mapping[str, Outcome]], again: Signature
) -> None:
    """Claim the stage, call the verb, end the row, tell who watches."""
    job = jobs.claim(subject, stage, jobs.new_owner())
    if job is None:
        return
    live.tell_authors()
    told_at = time.monotonic()

    def tell(share: float) -> None:
        nonlocal told_at
        if share * 100 >= job.percent + 1 and time.monotonic() - told_at >= TELL_EVERY:
            told_at = time.monotonic()
            jobs.beat(job, share * 100)
            live.tell_authors()

    try:
        if jobs.carry_out([job], lambda: verb(tell), ()):
            send(again, subject, stage, after=RETRY_AFTER * 2 ** (job.attempts - 1))
    finally:
        live.tell_authors()
