"""News: "look" to those who watch an interview. The rows are the truth; a page that hears nothing may still ask."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from interviews.models import Interview

PATIENCE = 2.0  # seconds; work is never held up by news of it

BROKER_AWAY = (OSError, RedisError)  # a wait that took too long is an OSError, too

logger = logging.getLogger(__name__)


def group_name(interview_id: int) -> str:
    """Those who watch one interview."""
    return f"interview-{interview_id}"


def caseload_name(clinician_id: int) -> str:
    """A clinician who watches the list of all of hers."""
    return f"caseload-{clinician_id}"


def tell(interview_id: int, **event: Any) -> None:
    """Tell the watchers of an interview and of its clinician's list. Carries absolute state, never a change.

    Never raises because the broker is away, and never waits long for it.
    """
    clinician_id = Interview.objects.values_list("patient__clinician_id", flat=True).filter(pk=interview_id).first()
    groups = [group_name(interview_id)]
    if clinician_id is not None:
        groups.append(caseload_name(clinician_id))
    news = {"type": "news", "news": {"look": True, "interview": interview_id, **event}}
    try:
        async_to_sync(_send)(groups, news)
    except BROKER_AWAY as error:
        logger.warning("Nobody could be told about interview %s: %s", interview_id, error)


async def _send(groups: list[str], news: dict[str, Any]) -> None:
    layer = get_channel_layer()
    async with asyncio.timeout(PATIENCE):
        for group in groups:
            await layer.group_send(group, news)
