"""News over the socket: to the clinician of the interview and to nobody else, and never at the price of the work."""

import socket
import time

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.contrib.auth.models import AnonymousUser

from clinic import news
from clinic.models import Job
from interviews import live, tasks
from tests.interviews.broker import broker_in_memory
from tests.interviews.sockets import Socket
from tests.interviews.takes import a_clip, in_parts, keep

# Real commits: the consumer looks from another thread.
pytestmark = pytest.mark.django_db(transaction=True)
tell = database_sync_to_async(live.tell)


async def listening(user, path: str) -> Socket:
    opened = Socket(user, path)
    assert (await opened.open())["type"] == "websocket.accept"
    assert await opened.hear() == {"look": True}
    return opened


async def turned_away(user, path: str) -> int:
    answered = await Socket(user, path).open()
    assert answered["type"] == "websocket.close"
    return answered["code"]


async def test_the_clinician_hears_of_her_interview(clinician, interview):
    opened = await listening(clinician, f"/ws/interviews/{interview.pk}/")
    await tell(interview.pk, stage="faces", state="running", percent=40)
    news = {"look": True, "interview": interview.pk, "stage": "faces", "state": "running", "percent": 40}
    assert await opened.hear() == news
    await opened.leave()


async def test_the_list_hears_of_every_interview_of_the_caseload(clinician, interview):
    opened = await listening(clinician, "/ws/interviews/")
    await tell(interview.pk, stage="report")
    assert (await opened.hear())["interview"] == interview.pk
    await opened.leave()


async def test_nobody_hears_of_another_clinicians_interview(stranger, interview):
    opened = await listening(stranger, "/ws/interviews/")
    await tell(interview.pk, stage="report")
    assert await opened.receive_nothing(timeout=0.3)
    await opened.leave()


@pytest.fixture
def others(stranger, patient, strange_patient, admin, engineer) -> dict:
    return {
        "stranger": stranger,
        "the patient herself": patient.user,
        "another patient": strange_patient.user,
        "admin": admin,
        "engineer": engineer,
    }


async def test_others_are_turned_away_as_if_there_were_nothing(others, interview):
    answers = {who: await turned_away(user, f"/ws/interviews/{interview.pk}/") for who, user in others.items()}
    assert answers == dict.fromkeys(others, 4404)


async def test_an_interview_that_does_not_exist_looks_the_same(clinician):
    assert await turned_away(clinician, "/ws/interviews/4711/") == 4404


@pytest.mark.parametrize("path", ["/ws/interviews/", "/ws/interviews/1/"])
async def test_the_signed_out_are_turned_away(path, interview):
    assert await turned_away(AnonymousUser(), path) == 4401


async def test_a_patient_has_no_list_to_hear_of(patient):
    assert await turned_away(patient.user, "/ws/interviews/") == 4404


async def test_whoever_talks_into_the_socket_is_hung_up_on(clinician, interview):
    opened = await listening(clinician, f"/ws/interviews/{interview.pk}/")
    answered = await opened.say('{"type": "news", "news": {}}')
    assert (answered["type"], answered["code"]) == ("websocket.close", 4400)


async def test_the_work_is_told_of_stage_by_stage(clinician, interview, tmp_path):
    answer = await database_sync_to_async(interview.answers.first)()
    clip = a_clip(tmp_path / "clip.webm", seconds=1)
    await database_sync_to_async(keep)(answer, in_parts(clip))
    opened = await listening(clinician, f"/ws/interviews/{interview.pk}/")
    with broker_in_memory():
        await database_sync_to_async(tasks.join_recording)(answer.pk)
    told = []
    while not await opened.receive_nothing(timeout=0.3):
        told.append(await opened.hear())
    assert [(news["stage"], news["state"]) for news in (told[0], told[-1])] == [
        ("join", Job.State.RUNNING),
        ("join", Job.State.DONE),
    ]
    assert told[-1]["percent"] == 100
    await opened.leave()


def test_with_the_broker_away_telling_neither_fails_nor_waits(interview, settings):
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": ["unix:///nowhere/at/all.sock?db=2"]},
        }
    }
    assert type(get_channel_layer()).__name__ == "RedisPubSubChannelLayer"
    began = time.monotonic()
    live.tell(interview.pk, stage="faces")
    assert time.monotonic() - began < 2


def test_a_broker_that_never_answers_is_not_waited_for(interview, settings):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.CHANNEL_LAYERS = {
            "default": {
                "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
                "CONFIG": {"hosts": [f"redis://127.0.0.1:{silent.getsockname()[1]}/2"]},
            }
        }
        began = time.monotonic()
        live.tell(interview.pk, stage="faces")
        assert time.monotonic() - began < news.PATIENCE + 1
