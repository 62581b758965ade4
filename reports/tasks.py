"""The report over time. May run twice: its job row says whether there is anything left to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from celery import Task, shared_task
from kombu.exceptions import OperationalError as BrokerAway
from redis.exceptions import RedisError

from clinic import jobs
from clinic.errors import ConsentMissing
from clinic.integrations.language import LanguageModelError, language_model
from clinic.jobs import Outcome
from clinic.models import Job
from clinic.sending import again_after, send, send_on_commit
from clinic.vault import VaultError
from interviews import live, queries
from interviews.stages import REPORT
from reports import services
from reports.drafting import Watcher
from reports.errors import ReportError
from reports.live import Scribe
from reports.queries import COMPARE, comparison_subject
from reports.study import tasks as study_tasks  # noqa: F401 (Celery looks for tasks in this file)

if TYPE_CHECKING:
    from interviews.models import Interview

REFUSALS = (ConsentMissing, LanguageModelError, ReportError, VaultError)
RETRY_AFTER = 5  # seconds, doubled with each attempt
TELL_EVERY = 1.0  # seconds
FORGOTTEN_AFTER = timedelta(minutes=1)


DATABASE_AWAY = again_after(RETRY_AFTER)


@shared_task(**DATABASE_AWAY)
def draft_report(interview_id: int) -> None:
    interview = queries.interview_by_id(interview_id)
    if interview is None:  # erased while its message was waiting
        return
    scribe = Scribe(interview_id)

    def work(progress: _Progress) -> None:
        services.draft(interview, language_model(), Watcher(progress, scribe.take, progress.wait))

    _carry_out(interview_id, interview.subject, REPORT, work, draft_report)


@shared_task(**DATABASE_AWAY)
def compare_drafts(interview_id: int) -> None:
    interview = queries.interview_by_id(interview_id)
    if interview is None:
        return

    def work(progress: _Progress) -> None:
        services.compare(interview, language_model(), Watcher(progress, on_wait=progress.wait))

    _carry_out(interview_id, comparison_subject(interview_id), COMPARE, work, compare_drafts)


@shared_task
def look_after_comparisons() -> int:
    """Comparisons whose worker or message was lost, once more; how many there were."""
    lost = [job for job in jobs.stranded(FORGOTTEN_AFTER) if job.stage == COMPARE]
    for job in lost:
        send(compare_drafts.si(int(job.subject.rpartition(":")[2])), job.subject, COMPARE)
    return len(lost)


def enqueue_draft(interview: Interview) -> None:
    send_on_commit(draft_report.si(interview.pk), interview.subject, REPORT)


def enqueue_comparison(interview_id: int) -> None:
    send_on_commit(compare_drafts.si(interview_id), comparison_subject(interview_id), COMPARE)


def _carry_out(interview_id: int, subject: str, stage: str, work: Callable[[_Progress], None], again: Task) -> None:
    jobs.open_jobs(subject, [stage])
    job = jobs.claim(subject, stage, jobs.new_owner())
    if job is None:
        return
    _tell(interview_id, job)

    def outcomes() -> dict[str, Outcome]:
        work(_Progress(interview_id, job))
        return {stage: Outcome()}

    try:
        if jobs.carry_out([job], outcomes, REFUSALS):
            _again(again, interview_id, RETRY_AFTER * 2 ** (job.attempts - 1))
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
    live.tell(interview_id, stage=job.stage, state=job.state, percent=job.percent)


def _again(task: Task, interview_id: int, seconds: int) -> None:
    """When the broker is away too, the row waits for the next sweep."""
    try:
        task.apply_async((interview_id,), countdown=seconds)
    except (BrokerAway, RedisError, OSError):
        return
