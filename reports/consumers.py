"""The socket of a draft: its sentences as they are written, to the interview's own clinician."""

from channels.db import database_sync_to_async
from django.http import Http404

from clinic.models import User
from clinic.news import NewsConsumer
from interviews.access import interview_for
from reports import live


class DraftConsumer(NewsConsumer):
    async def group_for(self, user: User) -> str:
        pk = self.scope["url_route"]["kwargs"]["pk"]
        return live.group_name(pk) if await self._may_read(user, pk) else ""

    @database_sync_to_async
    def _may_read(self, user: User, pk: int) -> bool:
        try:
            return user.role == User.Role.CLINICIAN and bool(interview_for(user, pk).wrapped_key)
        except Http404:
            return False
