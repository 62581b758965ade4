"""The socket of a draft: its sentences as they are written, to the interview's own clinician."""

from channels.db import database_sync_to_async
from django.http import Http404

from clinic.models import User
from clinic.news import NewsConsumer
from clinic.services import note_access_once
from interviews.access import SAME_SITTING, interview_for
from reports import live


class DraftConsumer(NewsConsumer):
    async def group_for(self, user: User) -> str:
        pk = self.scope["url_route"]["kwargs"]["pk"]
        return live.group_name(pk) if await self._may_read(user, pk) else ""

    @database_sync_to_async
    def _may_read(self, user: User, pk: int) -> bool:
        try:
            interview = interview_for(user, pk)
        except Http404:
            return False
        if user.role != User.Role.CLINICIAN or not interview.wrapped_key:
            return False
        note_access_once(user, "watch", f"report:{pk}", SAME_SITTING)
        return True
