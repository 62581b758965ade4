"""Sockets: news to the clinician of an interview, or of a caseload. Nothing is taken from the browser."""

from typing import Any

from channels.generic.websocket import AsyncJsonWebsocketConsumer

from clinic.models import User
from interviews import live
from interviews.models import Interview

# Close codes: the 4000s are ours to give, the rest of each is the HTTP status it stands for.
SIGNED_OUT = 4401
NOT_YOURS = 4404
NOT_LISTENING = 4400
TRY_AGAIN = 4503


class _NewsConsumer(AsyncJsonWebsocketConsumer):
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
        except live.BROKER_AWAY:
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


class InterviewConsumer(_NewsConsumer):
    async def group_for(self, user: User) -> str:
        pk = self.scope["url_route"]["kwargs"]["pk"]
        visible = await Interview.objects.visible_to(user).filter(pk=pk).aexists()
        return live.group_name(pk) if visible else ""


class CaseloadConsumer(_NewsConsumer):
    async def group_for(self, user: User) -> str:
        return live.caseload_name(user.pk) if user.role == User.Role.CLINICIAN else ""
