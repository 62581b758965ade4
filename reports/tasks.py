"""The report over time. May run twice: its job row says whether there is anything left to do."""

from __future__ import annotations

import time

from celery import shared_task
from django.db import InterfaceError, OperationalError
from kombu.exceptions import OperationalError as BrokerAway
from redis.exceptions import RedisError

from clinic import jobs
from clinic.errors import ConsentMissing
from clinic.integrations.language import language_model
from clinic.jobs import Outcome
from clinic.models import Job
from clinic.vault import VaultError
from interviews import live, queries
from interviews.stages import REPORT
from reports import services
from reports.drafting import Watcher
from reports.errors import ReportError
from reports.study import tasks as study_tasks  # noqa: F401 (Celery looks for tasks in this file)

REFUSALS = (ConsentMissing, ReportError, VaultError)
RETRY_AFTER = 5  # seconds, doubled with each attempt
TELL_EVERY = 1.0  # seconds


@shared_task(
    autoretry_for=(OperationalError, InterfaceError), retry_backoff=RETRY_AFTER, max_retries=jobs.MOST_ATTEMPTS
)
def draft_report(interview_id: int) -> None:
    interview = queries.interview_by_id(interview_id)
    if interview is None:  # erased while its message was waiting
        return
    jobs.open_jobs(interview.subject, [REPORT])
    job = jobs.claim(interview.subject, REPORT, jobs.new_owner())
    if job is None:
        return
    _tell(interview_id, job)
    progress = _Progress(interview_id, job)

    def work() -> dict[str, Outcome]:
        services.draft(interview, language_model(), Watcher(progress, on_wait=progress.wait))
        return {REPORT: Outcome()}

    try:
        if jobs.carry_out([job], work, REFUSALS):
            _again(interview_id, RETRY_AFTER * 2 ** (job.attempts - 1))
    finally:
        _tell(interview_id, job)


class _Progress:
    """Writes the share done into the row and tells who watches, at most once a second."""

    def __init__(self, interview_id: int, job: Job):
        self._interview_id, self._job, self._told_at = interview_id, job, 0.0

    def __call__(self, share: float) -> None:
        if time.monotonic() - self._told_at < TELL_EVERY or share * 100 < self._job.percent + 1:
            return
        self._told_at = time.monotonic()
        jobs.beat(self._job, share * 100)
        _tell(self._interview_id, self._job)

    def wait(self, why: str) -> None:
        """Says in the row what it waits for."""
        if time.monotonic() - self._told_at >= TELL_EVERY:
            self._told_at = time.monotonic()
            jobs.say(self._job, why)
            _tell(self._interview_id, self._job)


def _tell(interview_id: int, job: Job) -> None:
    live.tell(interview_id, stage=REPORT, state=job.state, percent=job.percent)


def _again(interview_id: int, seconds: int) -> None:
    """When the broker is away too, the row waits for the next sweep."""
    try:
        draft_report.apply_async((interview_id,), countdown=seconds)
    except (BrokerAway, RedisError, OSError):
        return
