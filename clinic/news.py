"""News: "look", to those who watch a page. The rows are the truth; a page that hears nothing may still ask."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from asgiref.sync import async_to_sync
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from clinic.models import User

PATIENCE = 2.0  # seconds; work is never held up by news of it
BROKER_AWAY = (OSError, RedisError)  # a wait that took too long is an OSError, too

# Close codes: the 4000s are ours to give, the rest of each is the HTTP status it stands for.
SIGNED_OUT = 4401
NOT_YOURS = 4404
NOT_LISTENING = 4400
TRY_AGAIN = 4503

logger = logging.getLogger(__name__)


def send(groups: Sequence[str], **news: Any) -> None:
    """Tell these groups of watchers to look. Carries absolute state, never a change.

    Never raises because the broker is away, and never waits long for it.
    """
    try:
        async_to_sync(_send)(groups, {"type": "news", "news": {"look": True, **news}})
    except BROKER_AWAY as error:
        logger.warning("%s could not be told: %s", ", ".join(groups), error)


async def _send(groups: Sequence[str], event: dict[str, Any]) -> None:
    layer = get_channel_layer()
    async with asyncio.timeout(PATIENCE):
        for group in groups:
            await layer.group_send(group, event)


class NewsConsumer(AsyncJsonWebsocketConsumer):
    """A socket that says "look" to those of its group. Nothing is taken from the browser."""

    group = ""

    async def connect(self) -> None:
        user = self.scope["user"]
        if not user.is_authenticated:
            return await self.close(SIGNED_OUT)
        group = await self.group_for(user)
        if not group:
            return await self.close(NOT_YOURS)
        try:
            await self.channel_layer.group_add(group, self.channel_name)
        except BROKER_AWAY:
            return await self.close(TRY_AGAIN)
        self.group = group
        await self.accept()
        # What happened between the page's own look and this moment.
        await self.send_json({"look": True})

    async def group_for(self, user: User) -> str:
        """The group this user may hear here; empty where there is none."""
        raise NotImplementedError

    async def disconnect(self, code: int) -> None:
        if self.group:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any) -> None:
        await self.close(NOT_LISTENING)

    async def news(self, event: dict[str, Any]) -> None:
        await self.send_json(event["news"])
