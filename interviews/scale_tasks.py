"""Work on scales over time: items read aloud, spoken answers understood. May run twice: job rows say what is left."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

from celery import Signature, shared_task

from clinic import jobs
from clinic.integrations.speaking import SpeakingError
from clinic.jobs import Outcome
from clinic.models import Job
from clinic.sending import again_after, send, send_on_commit
from interviews.models import Instrument, SpokenReply
from interviews.services import analysis, instruments, spoken
from interviews.stages import HEAR, SPEAK_ITEMS

RETRY_AFTER = 2  # seconds, doubled with each attempt
REFUSALS = (*analysis.REFUSALS, SpeakingError)
logger = logging.getLogger(__name__)
DATABASE_AWAY = again_after(RETRY_AFTER)


def enqueue_speaking(instrument: Instrument) -> None:
    """Have a published instrument's items read aloud, once the transaction around this call is committed."""
    (job,) = jobs.open_jobs(instrument.subject, [SPEAK_ITEMS])
    if jobs.is_final(job):
        jobs.retry(job)
    send_on_commit(speak_items.si(instrument.pk), instrument.subject, SPEAK_ITEMS)


def enqueue_hearing(reply: SpokenReply) -> None:
    """Have a spoken answer understood, once the transaction around this call is committed."""
    send_on_commit(hear_reply.si(reply.pk), reply.subject, HEAR)


@shared_task(**DATABASE_AWAY)
def speak_items(instrument_id: int) -> None:
    instrument = Instrument.objects.filter(pk=instrument_id).first()
    if instrument:
        again = speak_items.si(instrument_id)
        _work(instrument.subject, SPEAK_ITEMS, lambda job: instruments.speak(instrument, job), again)


@shared_task(**DATABASE_AWAY)
def hear_reply(reply_id: int) -> None:
    rows = SpokenReply.objects.select_related("scale__interview__patient", "scale__instrument")
    reply = rows.filter(pk=reply_id).first()
    if reply:  # else it was answered with a click meanwhile
        _work(reply.subject, HEAR, lambda job: spoken.hear(reply, job), hear_reply.si(reply_id))


def requeue(older_than: timedelta) -> None:
    """Send again what nobody does any more, and throw away spoken answers that nobody confirmed."""
    spoken.forget_old()
    again = {SPEAK_ITEMS: speak_items, HEAR: hear_reply}
    for job in jobs.stranded(older_than):
        if job.stage in again:
            send(again[job.stage].si(int(job.subject.rpartition(":")[2])), job.subject, job.stage)


def _work(subject: str, stage: str, verb: Callable[[Job], Mapping[str, Outcome]], again: Signature) -> None:
    job = jobs.claim(subject, stage, jobs.new_owner())
    try:
        if job and jobs.carry_out([job], lambda: verb(job), REFUSALS):
            send(again, subject, stage, after=RETRY_AFTER * 2 ** (job.attempts - 1))
    except Job.DoesNotExist:
        logger.info("%s was answered with a click while it was being heard.", subject)
