"""News of a study go to engineers."""

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser

from clinic.news import NOT_YOURS, SIGNED_OUT
from reports.study import live
from tests.interviews.sockets import Socket
from tests.reports.study_cases import a_study

pytestmark = pytest.mark.django_db(transaction=True)


async def test_an_engineer_is_told_to_look_and_nobody_else_is(engineer, clinician):
    study = await sync_to_async(a_study)(engineer)
    path = f"/ws/studies/{study.pk}/"
    for user, code in ((clinician, NOT_YOURS), (AnonymousUser(), SIGNED_OUT)):
        assert (await Socket(user, path).open())["code"] == code
    assert (await Socket(engineer, "/ws/studies/99999/").open())["code"] == NOT_YOURS
    hers = Socket(engineer, path)
    assert (await hers.open())["type"] == "websocket.accept"
    assert await hers.hear() == {"look": True}
    await sync_to_async(live.tell)(study.pk)
    assert (await hers.hear())["study"] == study.pk
    await hers.leave()
