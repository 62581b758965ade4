"""Training over time. A message says "look whether a run can start"; which one, the rows say. It may come twice."""

from __future__ import annotations

import logging
import subprocess
import threading
from typing import Any

from celery import shared_task
from celery.signals import worker_ready
from django.db import InterfaceError, OperationalError, connection, transaction
from kombu.exceptions import OperationalError as BrokerAway
from redis.exceptions import RedisError

from clinic import jobs
from clinic.sending import again_after
from emotion import live, machine, registry_tasks  # noqa: F401 (Celery looks for tasks in this file)
from emotion.services import runs

RETRY_AFTER = 5  # seconds, doubled with each attempt
# A database that is away even for the rows themselves: Celery tries the task again.
DATABASE_AWAY = again_after(RETRY_AFTER)

logger = logging.getLogger(__name__)


def enqueue() -> None:
    """Have waiting runs started, once the transaction around this call is committed.

    Never fails because the broker is away: the rows wait, and the next sweep finds them.
    """
    transaction.on_commit(lambda: _send(), robust=True)


@shared_task(**DATABASE_AWAY)
def start_waiting_runs() -> None:
    """Each waiting run whose device is free here, in a process of its own. The worker is free again at once: a
    training of hours must not keep readings of interviews waiting."""
    found = machine.devices()
    runs.note_devices(machine.host_name(), found)
    for run in runs.claim_waiting(machine.host_name(), [device.name for device in found]):
        process = runs.spawn(run)
        watcher = threading.Thread(target=see_it_end, args=(process, run.pk, run.owner), daemon=True)
        watcher.start()
        live.tell(run.pk)


@shared_task(**DATABASE_AWAY)
def look_after_runs() -> None:
    """Take back what a dead worker held, then start what can start."""
    runs.take_back()
    start_waiting_runs()


@worker_ready.connect
def _look_once_leases_have_run_out(**_: Any) -> None:
    """A worker that comes back finds the runs of the one that was killed."""
    _send(look_after_runs, after=jobs.LEASE.total_seconds() + 1)


def see_it_end(process: subprocess.Popen[bytes], run_id: int, owner: str) -> None:
    """In a thread of the worker: a crash is seen when it happens, not when the lease has run out."""
    code = process.wait()
    try:
        if runs.note_end(run_id, owner, code):
            live.tell(run_id)
            _send()
    except (OperationalError, InterfaceError):
        logger.warning("How run %s ended could not be kept; the next sweep will see.", run_id, exc_info=True)
    finally:
        connection.close()  # this thread's own


def _send(task: Any = None, after: float = 0) -> None:
    try:
        (task or start_waiting_runs).si().apply_async(countdown=after)
    except (BrokerAway, RedisError, OSError) as error:
        logger.warning("Waiting runs start at the next sweep, the broker is away: %s", error)
