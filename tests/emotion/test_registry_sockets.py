"""News of models go to engineers, news of a trial to the one who brought it."""

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser

from clinic.models import User
from clinic.news import NOT_YOURS, SIGNED_OUT
from emotion import live
from emotion.models import Trial
from tests import factories
from tests.interviews.sockets import Socket

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def trial(engineer) -> Trial:
    return Trial.objects.create(owner=engineer, expires_at="2099-01-01T00:00Z")


async def closed(user, path: str) -> int:
    answer = await Socket(user, path).open()
    assert answer["type"] == "websocket.close"
    return answer["code"]


async def test_nobody_else_hears_of_models_or_of_somebody_s_trial(trial):
    other = await sync_to_async(factories.a_user)(User.Role.ENGINEER)
    clinician = await sync_to_async(factories.a_user)(User.Role.CLINICIAN)
    assert await closed(other, f"/ws/trials/{trial.pk}/") == NOT_YOURS
    for path in ("/ws/models/", f"/ws/trials/{trial.pk}/"):
        assert await closed(clinician, path) == NOT_YOURS
        assert await closed(AnonymousUser(), path) == SIGNED_OUT


async def test_its_owner_is_told_to_look(engineer, trial):
    mine, models = Socket(engineer, f"/ws/trials/{trial.pk}/"), Socket(engineer, "/ws/models/")
    for socket in (mine, models):
        assert (await socket.open())["type"] == "websocket.accept"
        assert await socket.hear() == {"look": True}
    await sync_to_async(live.tell_trial)(trial.pk)
    assert (await mine.hear())["trial"] == str(trial.pk)
    await sync_to_async(live.tell_registry)()
    assert (await models.hear())["look"]
    for socket in (mine, models):
        await socket.leave()
