"""Sockets: news to the clinician of an interview or of a caseload, and to those who write questions."""

from clinic.models import User
from clinic.news import NewsConsumer
from interviews import live
from interviews.models import Interview


class InterviewConsumer(NewsConsumer):
    async def group_for(self, user: User) -> str:
        pk = self.scope["url_route"]["kwargs"]["pk"]
        visible = await Interview.objects.visible_to(user).filter(pk=pk).aexists()
        return live.group_name(pk) if visible else ""


class CaseloadConsumer(NewsConsumer):
    async def group_for(self, user: User) -> str:
        return live.caseload_name(user.pk) if user.role == User.Role.CLINICIAN else ""


class VoicesConsumer(NewsConsumer):
    async def group_for(self, user: User) -> str:
        return live.VOICES if user.role == User.Role.ADMIN else ""


class AuthorsConsumer(NewsConsumer):
    async def group_for(self, user: User) -> str:
        return live.AUTHORS if user.role in (User.Role.ADMIN, User.Role.CLINICIAN) else ""
