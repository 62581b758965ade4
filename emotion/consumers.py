"""Sockets: news of training and of models, to engineers."""

from clinic.models import User
from clinic.news import NewsConsumer
from emotion import access, live
from emotion.models import Trial


class StudioConsumer(NewsConsumer):
    async def group_for(self, user: User) -> str:
        return live.STUDIO if user.role == User.Role.ENGINEER else ""


class RunConsumer(NewsConsumer):
    async def group_for(self, user: User) -> str:
        pk = self.scope["url_route"]["kwargs"]["pk"]
        return live.group_name(pk) if await access.runs_of(user).filter(pk=pk).aexists() else ""


class RegistryConsumer(NewsConsumer):
    async def group_for(self, user: User) -> str:
        return live.REGISTRY if user.role == User.Role.ENGINEER else ""


class TrialConsumer(NewsConsumer):
    async def group_for(self, user: User) -> str:
        pk = self.scope["url_route"]["kwargs"]["pk"]
        is_hers = user.role == User.Role.ENGINEER and await Trial.objects.filter(pk=pk, owner=user).aexists()
        return live.trial_group(pk) if is_hers else ""
