"""A study over time, in slices: a patient's report never waits behind it for longer than one of them."""

from __future__ import annotations

import logging
import time

from celery import shared_task
from django.db import transaction
from kombu.exceptions import OperationalError as BrokerAway
from redis.exceptions import RedisError

from clinic import jobs
from clinic.integrations.language import language_model
from clinic.jobs import Outcome
from clinic.models import Job
from clinic.sending import again_after
from reports.study import live, queries, services
from reports.study.errors import StudyError
from reports.study.rows import Study

SLICE = 240.0  # seconds of work for one message
TELL_EVERY = 1.0  # seconds

logger = logging.getLogger(__name__)


def enqueue(study: Study, stage: str) -> None:
    """Have it worked on, once the transaction around this call is committed. Where the broker is away it waits."""
    transaction.on_commit(lambda: _send(study.pk, stage), robust=True)


@shared_task(name="reports.tasks.work_on_study", **again_after(5))
def work_on_study(study_id: int, stage: str) -> None:
    """One slice of asking or of grading. May be delivered twice: one of them only gets the stage."""
    study = Study.objects.filter(pk=study_id).first()
    job = jobs.claim(study.subject, stage, jobs.new_owner()) if study else None
    if study is None or job is None:
        return
    if _carry_out(study, job, SLICE):
        enqueue(study, stage)


@shared_task(name="reports.tasks.look_after_studies")
def look_after_studies() -> None:
    """Studies whose worker died, or whose message was lost."""
    for job in Job.objects.filter(stage__in=[queries.ASK, queries.JUDGE], state=Job.State.WAITING):
        if not jobs.is_spoken_for(job):
            _send(int(job.subject.partition(":")[2]), job.stage)


def work_here(study: Study, stage: str) -> bool:
    """In this process until it ends, for a command. False where somebody else is at it, or it is done."""
    job = jobs.claim(study.subject, stage, jobs.new_owner())
    if job is None:
        return False
    _carry_out(study, job, float("inf"))
    return True


def _carry_out(study: Study, job: Job, seconds: float) -> bool:
    """Whether more of it is to be done."""
    ended: list[services.Ended] = []

    def work() -> dict[str, Outcome]:
        if job.stage == queries.ASK:
            ended.append(services.ask_all(study, language_model(study.model), _Progress(study, job), seconds))
        else:
            ended.append(services.judge_all(study, language_model(study.judge), _Progress(study, job), seconds))
        return {job.stage: Outcome()}

    live.tell(study.pk)
    try:
        if jobs.carry_out([job], work, (StudyError,)):
            return True
        study.refresh_from_db(fields=["stop_asked"])
        if ended and not ended[0].is_all and not study.stop_asked:
            jobs.retry(job)
            return True
        return False
    finally:
        live.tell(study.pk)


class _Progress:
    """Writes the share done into the row and tells who watches, at most once a second."""

    def __init__(self, study: Study, job: Job):
        self._study, self._job, self._told_at = study, job, 0.0

    def __call__(self, done: int, everything: int) -> None:
        if time.monotonic() - self._told_at < TELL_EVERY:
            return
        self._told_at = time.monotonic()
        jobs.beat(self._job, 100 * done / max(1, everything))
        live.tell(self._study.pk)


def _send(study_id: int, stage: str) -> None:
    subject = f"study:{study_id}"
    jobs.queued(subject, [stage])
    try:
        work_on_study.si(study_id, stage).apply_async()
    except (BrokerAway, RedisError, OSError) as error:
        logger.warning("%s waits for the next sweep, the broker is away: %s", subject, error)
        jobs.unqueued(subject, [stage])
