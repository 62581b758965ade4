"""The socket of a study's page: news of its progress, to engineers."""

from clinic.models import User
from clinic.news import NewsConsumer
from reports.study import live
from reports.study.rows import Study


class StudyConsumer(NewsConsumer):
    async def group_for(self, user: User) -> str:
        pk = self.scope["url_route"]["kwargs"]["pk"]
        may_watch = user.role == User.Role.ENGINEER and await Study.objects.filter(pk=pk).aexists()
        return live.group_name(pk) if may_watch else ""
