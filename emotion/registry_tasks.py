"""Trials, imports, packs and pulls over time. Each task may run twice: its job row says what is left to do."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from celery import Signature, shared_task
from django.db import DatabaseError, transaction
from kombu.exceptions import OperationalError as BrokerAway
from redis.exceptions import RedisError

from clinic import jobs, vault
from clinic.jobs import Outcome
from clinic.models import Job
from clinic.sending import again_after
from clinic.workspace import workspace
from emotion import live
from emotion.errors import EmotionError, EmotionRoomError, PullInterrupted, PullRefused
from emotion.models import FetchedModel, Pack, Trial, Upload
from emotion.queries.trials import BUILD, IMPORT, PULL, READ
from emotion.services import pulling, registry, trying

RETRY_AFTER = 5  # seconds, doubled with each attempt
TELL_EVERY = 1.0  # seconds between two news of one piece of work
PULL_SLICE = 20.0  # seconds: then others who wait for this worker come first, and the pull goes on behind them
FORGOTTEN_AFTER = timedelta(minutes=1)
REFUSALS = (EmotionRoomError, EmotionError, vault.VaultError)  # whose text a person may read
DATABASE_AWAY = again_after(RETRY_AFTER)

logger = logging.getLogger(__name__)


def enqueue_trial(trial: Trial) -> None:
    """Have it read, once the transaction around this call is committed. So with all that follow."""
    _enqueue(read_trial.si(str(trial.pk)), trial.subject, READ)


def enqueue_import(upload: Upload) -> None:
    _enqueue(import_checkpoint.si(str(upload.pk)), upload.subject, IMPORT)


def enqueue_pack(pack: Pack) -> None:
    _enqueue(build_pack.si(pack.pk), pack.subject, BUILD)


def enqueue_pull(wanted: FetchedModel) -> None:
    _enqueue(pull_model.si(wanted.name), wanted.subject, PULL)


@shared_task(name="emotion.tasks.read_trial", **DATABASE_AWAY)
def read_trial(trial_id: str) -> None:
    trial = Trial.objects.select_related("pack").filter(pk=UUID(trial_id)).first()
    if trial:
        verb = partial(trying.read_trial, trial)
        _work(trial.subject, READ, verb, read_trial.si(trial_id), partial(live.tell_trial, trial.pk))


@shared_task(name="emotion.tasks.import_checkpoint", **DATABASE_AWAY)
def import_checkpoint(upload_id: str) -> None:
    upload = Upload.objects.filter(pk=UUID(upload_id), checkpoint=None).first()
    if upload:
        verb = partial(_import, upload)
        _work(upload.subject, IMPORT, verb, import_checkpoint.si(upload_id), live.tell_registry)


def _import(upload: Upload, on_progress: Callable[[float], None]) -> None:
    with workspace() as folder:
        file = folder / (upload.name or "checkpoint.safetensors")
        trying.write_upload(upload, file)
        upload.checkpoint = registry.register_checkpoint(file, by=upload.owner)
    upload.save(update_fields=["checkpoint"])
    trying.erase_parts(upload)


@shared_task(name="emotion.tasks.build_pack", **DATABASE_AWAY)
def build_pack(pack_id: int) -> None:
    pack = Pack.objects.filter(pk=pack_id).first()
    if pack:
        _work(
            pack.subject,
            BUILD,
            lambda on_progress: registry.build_pack(pack),
            build_pack.si(pack_id),
            live.tell_registry,
        )


@shared_task(name="emotion.tasks.pull_model", **DATABASE_AWAY)
def pull_model(name: str) -> None:
    pull_slice(name)


def pull_slice(name: str, seconds: float = PULL_SLICE) -> None:
    """A slice of a pull; the rest queues up again behind whatever waits for this worker."""
    wanted = FetchedModel.objects.filter(name=name).first()
    job = jobs.claim(f"model:{name}", PULL, jobs.new_owner()) if wanted else None
    if wanted is None or job is None:
        return
    begun, teller = wanted.bytes_done, _BytesTeller(wanted)
    try:
        with jobs.kept_alive([job]):
            is_whole = pulling.pull(wanted, seconds, teller)
        teller.write()
        jobs.finish(job) if is_whole else jobs.retry(job)
        after = None if is_whole else 0
    except PullInterrupted as error:
        teller.write()
        if wanted.bytes_done > begun:  # it gets on: such a line may break as often as it likes
            jobs.retry(job)
            after = RETRY_AFTER
        else:
            is_waiting = jobs.release(job, str(error)).state == Job.State.WAITING
            after = RETRY_AFTER * 2 ** (job.attempts - 1) if is_waiting else None
    except (PullRefused, OSError) as error:
        jobs.fail(job, str(error))
        after = None
    if after is not None:
        _send(pull_model.si(name), wanted.subject, PULL, after)
    live.tell_registry()


@shared_task(name="emotion.tasks.look_after_registry", **DATABASE_AWAY)
def look_after_registry() -> None:
    """Delete what has had its time; queue again what a dead worker left."""
    trying.erase_expired()
    messages: dict[str, Callable[[str], Signature]] = {
        READ: read_trial.si,
        IMPORT: import_checkpoint.si,
        BUILD: lambda pk: build_pack.si(int(pk)),
        PULL: pull_model.si,
    }
    for job in jobs.stranded(FORGOTTEN_AFTER):
        if job.stage in messages and not job.subject.startswith(("answer:", "interview:")):
            _send(messages[job.stage](job.subject.partition(":")[2]), job.subject, job.stage)


def _work(
    subject: str, stage: str, verb: Callable[[Callable[[float], None]], Any], again: Signature, tell: Callable[[], None]
) -> None:
    """Claim the stage, call the verb, end the row, tell who watches."""
    job = jobs.claim(subject, stage, jobs.new_owner())
    if job is None:
        return
    tell()

    def work() -> dict[str, Outcome]:
        verb(_ShareTeller(job, tell))
        return {stage: Outcome()}

    try:
        if jobs.carry_out([job], work, REFUSALS):
            _send(again, subject, stage, RETRY_AFTER * 2 ** (job.attempts - 1))
    finally:
        tell()


@dataclass
class _ShareTeller:
    """Writes how far a piece of work is into its row, and tells who watches, once a second."""

    job: Job
    tell: Callable[[], None]
    _told_at: float = field(default=0.0)

    def __call__(self, share: float) -> None:
        now = time.monotonic()
        if share * 100 < self.job.percent + 1 or now - self._told_at < TELL_EVERY:
            return
        self._told_at = now
        try:
            jobs.beat(self.job, share * 100)
            self.tell()
        except DatabaseError:  # the work itself does not need the database now
            logger.warning("The progress of %s could not be kept.", self.job, exc_info=True)


@dataclass
class _BytesTeller:
    """The same for a pull, in bytes."""

    wanted: FetchedModel
    _told_at: float = field(default=0.0)

    def __call__(self, name: str, done: int, total: int | None) -> None:
        self.wanted.file, self.wanted.bytes_done, self.wanted.bytes_total = name, done, total
        if time.monotonic() - self._told_at >= TELL_EVERY:
            self._told_at = time.monotonic()
            self.write()
            live.tell_registry()

    def write(self) -> None:
        self.wanted.save(update_fields=["file", "bytes_done", "bytes_total", "source"])


def _enqueue(message: Signature, subject: str, stage: str) -> None:
    """Never fails because the broker is away: the row waits, and the next sweep finds it."""
    (job,) = jobs.open_jobs(subject, [stage])
    if jobs.is_final(job):
        jobs.retry(job)
    transaction.on_commit(lambda: _send(message, subject, stage), robust=True)


def _send(message: Signature, subject: str, stage: str, after: int = 0) -> None:
    jobs.queued(subject, [stage], timedelta(seconds=after))
    try:
        message.apply_async(countdown=after)
    except (BrokerAway, RedisError, OSError) as error:
        jobs.unqueued(subject, [stage])
        logger.warning("%s waits for the next sweep, the broker is away: %s", subject, error)
