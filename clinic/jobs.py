"""Job rows: claim a stage, say how far it is, end it. A lease tells a live worker from a dead one.

Celery may deliver a task twice; `claim` gives the stage to one of them only. A waiting row may carry a
lease too: until then a message in the queue is believed to speak for it.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop

from clinic.models import Job

LEASE = timedelta(seconds=settings.JOB_LEASE_SECONDS)
MOST_ATTEMPTS = 3  # then the input is set aside with its reason
# Longer than a usual queue: a message that is still on its way is not sent again each minute.
QUEUE_PATIENCE = timedelta(minutes=10)
FINAL = (Job.State.DONE, Job.State.FAILED)
# Worth another try: the broker, the database or a disk was away for a moment.
PASSING_FAULTS = (OSError, OperationalError, InterfaceError, MemoryError)
DIED = gettext_noop("The worker died three times on this input; it was set aside.")
AWAY = gettext_noop("The disk, the database or the memory was not there for a moment (%(name)s).")
UNEXPECTED = gettext_noop("An unexpected fault ended this step (%(name)s); the worker's log has the details.")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """How one stage ended. `reason`: why it failed, or why its result is empty."""

    reason: str = ""
    failed: bool = False


def open_jobs(subject: str, stages: Iterable[str]) -> list[Job]:
    """The rows of these stages, made where missing. May run twice."""
    stages = list(stages)
    Job.objects.bulk_create([Job(subject=subject, stage=stage) for stage in stages], ignore_conflicts=True)
    rows = {job.stage: job for job in Job.objects.filter(subject=subject, stage__in=stages)}
    return [rows[stage] for stage in stages]


def new_owner() -> str:
    """A name for one attempt of one worker: two attempts in one process must not pass for each other."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"


def claim(subject: str, stage: str, owner: str) -> Job | None:
    """The stage, now ours; None when it is done, failed for good, or somebody alive holds it."""
    held = claim_together(subject, [stage], owner)
    return held[0] if held else None


@transaction.atomic
def claim_together(subject: str, stages: Iterable[str], owner: str) -> list[Job]:
    """Stages that one piece of work ends together: all that are not final, or none while somebody alive holds one."""
    rows = Job.objects.select_for_update().filter(subject=subject, stage__in=list(stages)).exclude(state__in=FINAL)
    unfinished = list(rows.order_by("pk"))
    now = timezone.now()
    if any(job.state == Job.State.RUNNING and is_spoken_for(job) for job in unfinished):
        return []
    if any(job.attempts >= MOST_ATTEMPTS for job in unfinished):
        for job in unfinished:
            close(job, job.reason or DIED)
        return []
    for job in unfinished:
        job.state, job.owner, job.leased_until = Job.State.RUNNING, owner, now + LEASE
        job.attempts += 1
        job.percent, job.reason, job.started_at = 0, "", now
        job.save()
    return unfinished


def carry_out(
    held: list[Job], work: Callable[[], Mapping[str, Outcome]], refused_by: tuple[type[Exception], ...]
) -> bool:
    """Do the work of stages that were claimed, and end their rows. Whether it is worth another try.

    work        the outcome of each stage, by its name
    refused_by  errors whose text a person may read: the input is at fault, and would be again
    """
    try:
        with kept_alive(held):
            outcomes = work()
    except refused_by as error:
        _end_all(held, Job.State.FAILED, str(error))
    except PASSING_FAULTS as error:
        logger.warning("%s: a fault that may pass", held[0], exc_info=True)
        return any([release(job, AWAY % {"name": type(error).__name__}).state == Job.State.WAITING for job in held])
    except Exception as error:
        _end_all(held, Job.State.FAILED, UNEXPECTED % {"name": type(error).__name__})
        raise
    else:
        for job in held:
            outcome = outcomes[job.stage]
            _end(job, Job.State.FAILED if outcome.failed else Job.State.DONE, outcome.reason)
    return False


@contextmanager
def kept_alive(held: list[Job], every: timedelta = LEASE / 4) -> Iterator[None]:
    """Renew the lease of these stages while the block runs, however long one step of its work is silent."""
    done = threading.Event()
    thread = threading.Thread(target=_renew, args=(held, every, done), name="job-lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def beat(job: Job, percent: float) -> None:
    """Still alive, and this far. Does nothing when the stage was taken over by another worker."""
    job.percent, job.reason = max(0, min(99, int(percent))), ""
    job.leased_until = timezone.now() + LEASE
    _mine(job).update(percent=job.percent, reason="", leased_until=job.leased_until)


def say(job: Job, reason: str) -> None:
    """Still alive, and why nothing happens yet."""
    job.reason, job.leased_until = reason[:300], timezone.now() + LEASE
    _mine(job).update(reason=job.reason, leased_until=job.leased_until)


def finish(job: Job, reason: str = "") -> Job:
    """Done; a reason says why the result is empty, where it is."""
    return _end(job, Job.State.DONE, reason)


def fail(job: Job, reason: str) -> Job:
    return _end(job, Job.State.FAILED, reason)


def close(job: Job, reason: str) -> Job:
    """Failed without having been tried: what it needs will never come. The caller holds no lease on it."""
    job.state, job.reason, job.owner, job.leased_until = Job.State.FAILED, reason[:300], "", None
    job.ended_at = timezone.now()
    job.save()
    return job


def release(job: Job, reason: str) -> Job:
    """Back in the queue after a fault that may pass; failed when this was the last attempt."""
    if job.attempts >= MOST_ATTEMPTS:
        return fail(job, reason)
    changed = _mine(job).update(state=Job.State.WAITING, owner="", leased_until=None, reason=reason[:300])
    return _as_stored(job, changed)


def queued(subject: str, stages: Iterable[str], more: timedelta = timedelta()) -> None:
    """A message speaks for these waiting stages: leave them alone for a while."""
    until = timezone.now() + QUEUE_PATIENCE + more
    waiting = Job.objects.filter(subject=subject, stage__in=list(stages), state=Job.State.WAITING)
    waiting.update(leased_until=until)


def unqueued(subject: str, stages: Iterable[str]) -> None:
    """The message was not sent after all: the next sweep may take them."""
    waiting = Job.objects.filter(subject=subject, stage__in=list(stages), state=Job.State.WAITING)
    waiting.update(leased_until=None)


def of(*subjects: str) -> list[Job]:
    return list(Job.objects.filter(subject__in=subjects).order_by("pk"))


def is_final(job: Job) -> bool:
    return job.state in FINAL


def is_spoken_for(job: Job) -> bool:
    """Whether a worker or a message in the queue has it in hand."""
    return job.leased_until is not None and job.leased_until > timezone.now()


def stranded(older_than: timedelta, now: datetime | None = None) -> list[Job]:
    """Stages whose worker died, and stages that wait although nobody seems to know of them."""
    now = now or timezone.now()
    dead = Q(state=Job.State.RUNNING, leased_until__lt=now)
    unspoken_for = Q(leased_until__isnull=True) | Q(leased_until__lt=now)
    forgotten = Q(state=Job.State.WAITING, created_at__lt=now - older_than) & unspoken_for
    return list(Job.objects.filter(dead | forgotten))


def take_back() -> int:
    """Stages whose worker died wait again, their attempt counted; how many there were."""
    dead = Job.objects.filter(state=Job.State.RUNNING, leased_until__lt=timezone.now())
    return dead.update(state=Job.State.WAITING, owner="", leased_until=None, percent=0)


def retry(job: Job) -> Job:
    """A stage, ready for another three attempts: somebody asked for it. Whoever is at work on it loses it."""
    job.state, job.attempts, job.reason, job.owner, job.leased_until = Job.State.WAITING, 0, "", "", None
    job.percent = 0
    job.save()
    return job


def _renew(held: list[Job], every: timedelta, done: threading.Event) -> None:
    ours = Job.objects.filter(pk__in=[job.pk for job in held], owner=held[0].owner, state=Job.State.RUNNING)
    while not done.wait(every.total_seconds()):
        try:
            ours.all().update(leased_until=timezone.now() + LEASE)
        except DatabaseError:
            logger.warning("The lease of %s could not be renewed; trying again.", held[0], exc_info=True)
        finally:
            connection.close()  # this thread's own: it must not outlive the work


def _end_all(held: list[Job], state: Job.State, reason: str) -> None:
    for job in held:
        _end(job, state, reason)


def _end(job: Job, state: Job.State, reason: str) -> Job:
    """Ends it unless another worker took it over: then that one's word counts."""
    job.percent = 100 if state == Job.State.DONE else job.percent
    changed = _mine(job).update(
        state=state, reason=reason[:300], percent=job.percent, leased_until=None, ended_at=timezone.now()
    )
    return _as_stored(job, changed)


def _as_stored(job: Job, changed: int) -> Job:
    if not changed:
        logger.warning("%s was taken over by another worker; this one's result was dropped.", job)
    job.refresh_from_db()
    return job


def _mine(job: Job) -> QuerySet[Job]:
    return Job.objects.filter(pk=job.pk, owner=job.owner, attempts=job.attempts, state=Job.State.RUNNING)
