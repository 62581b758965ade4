"""Training runs: queued, given to a device, stopped, gone on with. What happens inside of one is in training.py."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from clinic import jobs
from clinic.models import User
from emotion import machine
from emotion.errors import RunRefused
from emotion.ml.training.config import TrainingConfig
from emotion.models import Device, SavedConfig, TrainingRun

State = TrainingRun.State
MOST_ATTEMPTS = jobs.MOST_ATTEMPTS  # without an epoch in between; then the run has failed
LOG = "log.txt"
WORKER_ENDED = gettext_noop("The worker ended in the middle of it; it goes on from its last epoch.")
ENDED_THRICE = gettext_noop("It ended three times without finishing an epoch. The last time: %(how)s")


def folder_of(run: TrainingRun) -> Path:
    """Where a run keeps its state, its checkpoint and its log."""
    return settings.RUNS_DIR / str(run.key)


def queue(name: str, config: TrainingConfig, by: User) -> TrainingRun:
    return TrainingRun.objects.create(
        name=name,
        config=config.model_dump(mode="json"),
        epochs_planned=config.total_epochs,
        started_by=by,
        queued_at=timezone.now(),
    )


@transaction.atomic
def stop(run: TrainingRun) -> TrainingRun:
    """A waiting run stops at once, a running one after its next step. May run twice. Raises RunRefused."""
    run = TrainingRun.objects.select_for_update().get(pk=run.pk)
    if run.state == State.QUEUED:
        return _rest(run, State.STOPPED)
    if run.state not in TrainingRun.HELD:
        raise RunRefused(_("This run is not at work, so there is nothing to stop."))
    run.state = State.STOPPING
    run.save(update_fields=["state"])
    return run


@transaction.atomic
def resume(run: TrainingRun) -> TrainingRun:
    """Back into the queue, to go on from the last finished epoch. Raises RunRefused."""
    run = TrainingRun.objects.select_for_update().get(pk=run.pk)
    if run.state == State.DONE:
        raise RunRefused(_("This run is done. Start a new one from its config to train longer."))
    if run.state not in TrainingRun.AT_REST:
        raise RunRefused(_("This run is in the queue or at work already."))
    run.attempts, run.ended_at, run.now, run.queued_at = 0, None, {}, timezone.now()
    return wait_again(run, "")


@transaction.atomic
def discard(run: TrainingRun) -> None:
    """The row, its curves and its folder. A checkpoint in the registry is a file of its own and stays.

    Raises RunRefused.
    """
    run = TrainingRun.objects.select_for_update().get(pk=run.pk)
    if not run.is_at_rest:
        raise RunRefused(_("Stop this run first."))
    folder = folder_of(run)
    run.delete()
    transaction.on_commit(lambda: shutil.rmtree(folder, ignore_errors=True))


def keep_config(name: str, config: TrainingConfig, by: User, over: SavedConfig | None = None) -> SavedConfig:
    """Kept under this name, in place of `over` where one is given."""
    kept = over or SavedConfig()
    kept.name, kept.values, kept.saved_by = name, config.model_dump(mode="json"), by
    kept.save()
    return kept


def log_of(run: TrainingRun, most: int) -> bytes:
    """The end of what its processes wrote, at most so many bytes; empty while there is nothing."""
    try:
        with open(folder_of(run) / LOG, "rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - most))
            return log.read(most)
    except FileNotFoundError:
        return b""


# --- In a worker ---


def note_devices(host: str, found: Sequence[machine.Found]) -> None:
    """What this worker can train on, for the pages."""
    now = timezone.now()
    for device in found:
        Device.objects.update_or_create(
            name=f"{host}/{device.name}",
            defaults={
                "title": device.title,
                "memory": device.memory.total,
                "free": device.memory.free,
                "seen_at": now,
            },
        )


@transaction.atomic
def claim_waiting(host: str, here: Sequence[str]) -> list[TrainingRun]:
    """The waiting runs that can start on a free device of this machine, the longest waiting first; each is ours now."""
    rows = list(_unfinished().select_for_update().order_by("queued_at", "pk"))
    taken = {run.device.rpartition("/")[2] for run in rows if run.state in TrainingRun.HELD and _is_on(run, host)}
    claimed = []
    for run in rows:
        device = (
            machine.choose(run.config["device"], here, taken, settings.DEVICE) if run.state == State.QUEUED else None
        )
        if device:
            taken.add(device)
            claimed.append(_claim(run, f"{host}/{device}"))
    return claimed


def spawn(run: TrainingRun) -> subprocess.Popen[bytes]:
    """The run in an interpreter of its own: its memory, and its crashes, stay in it."""
    folder = folder_of(run)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    device = run.device.rpartition("/")[2]
    with open(folder / LOG, "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "django", "train_run", str(run.pk), run.owner],
            cwd=settings.BASE_DIR,
            env=machine.environment_for(device, run.config["device"]),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def note_end(run_id: int, owner: str, code: int) -> TrainingRun | None:
    """Its process is gone. Where it did not say how the run ended, it crashed: it goes on, or has failed.

    None when the run had ended well or is somebody else's by now.
    """
    return _give_up(TrainingRun.objects.filter(pk=run_id, owner=owner, state__in=TrainingRun.HELD), _how(code))


def take_back() -> int:
    """Runs whose process has not been heard of for longer than its lease; how many there were."""
    lost = TrainingRun.objects.filter(state__in=TrainingRun.HELD, leased_until__lt=timezone.now())
    return sum(
        _give_up(TrainingRun.objects.filter(pk=pk), WORKER_ENDED) is not None
        for pk in lost.values_list("pk", flat=True)
    )


def wait_again(run: TrainingRun, reason: str) -> TrainingRun:
    """Back in the queue, at its old place. The caller holds the row."""
    run.state, run.reason, run.owner, run.leased_until = State.QUEUED, reason, "", None
    run.save()
    return run


def fail(run: TrainingRun, reason: str) -> TrainingRun:
    return _rest(run, State.FAILED, reason)


def _unfinished() -> QuerySet[TrainingRun]:
    return TrainingRun.objects.filter(state__in=[State.QUEUED, *TrainingRun.HELD])


def _is_on(run: TrainingRun, host: str) -> bool:
    return run.device.rpartition("/")[0] == host


def _claim(run: TrainingRun, device: str) -> TrainingRun:
    now = timezone.now()
    run.state, run.device, run.owner, run.leased_until = State.RUNNING, device, jobs.new_owner(), now + jobs.LEASE
    run.attempts += 1
    run.started_at = run.started_at or now
    run.reason, run.now = "", {}
    run.save()
    return run


@transaction.atomic
def _give_up(rows: QuerySet[TrainingRun], how: str) -> TrainingRun | None:
    run = rows.select_for_update().filter(state__in=TrainingRun.HELD).first()
    if run is None:
        return None
    if run.state == State.STOPPING:
        return _rest(run, State.STOPPED)
    if run.attempts >= MOST_ATTEMPTS:
        return fail(run, ENDED_THRICE % {"how": how})
    return wait_again(run, how)


def _rest(run: TrainingRun, state: str, reason: str = "") -> TrainingRun:
    run.state, run.reason, run.owner, run.leased_until = state, reason[:500], "", None
    run.ended_at = timezone.now()
    run.save()
    return run


def _how(code: int) -> str:
    if code == -signal.SIGKILL:
        return _("Its process was killed from outside; where the system does that, memory has run out.")
    if code < 0:
        return _("Its process crashed (%(name)s); its log has the details.") % {"name": signal.Signals(-code).name}
    return _("Its process ended unexpectedly (code %(code)s); its log has the details.") % {"code": code}
