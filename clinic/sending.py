"""Messages for stages of work whose rows wait. When the broker is away the rows stay, and the next sweep finds them."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from celery import Signature
from django.db import InterfaceError, OperationalError, transaction
from kombu.exceptions import OperationalError as BrokerAway
from redis.exceptions import RedisError

from clinic import jobs

logger = logging.getLogger(__name__)


def again_after(seconds: int) -> dict[str, Any]:
    """For a task: a database that is away even for the row itself has Celery try again, each time twice as late."""
    return {
        "autoretry_for": (OperationalError, InterfaceError),
        "retry_backoff": seconds,
        "max_retries": jobs.MOST_ATTEMPTS,
    }


def send_on_commit(message: Signature, subject: str, *stages: str) -> None:
    transaction.on_commit(lambda: send(message, subject, *stages), robust=True)


def send(message: Signature, subject: str, *stages: str, after: int = 0) -> None:
    """Put a message in its queue. Never fails because the broker is away."""
    jobs.queued(subject, stages, timedelta(seconds=after))
    try:
        message.apply_async(countdown=after)
    except (BrokerAway, RedisError, OSError) as error:
        jobs.unqueued(subject, stages)
        logger.warning("%s waits for the next sweep, the broker is away: %s", subject, error)
