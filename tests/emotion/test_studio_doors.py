"""Training is for engineers: to everybody else there is nothing at any of its doors, sockets and API included."""

import json

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.test import Client

from clinic.models import User
from emotion import live
from emotion.models import Device, SavedConfig, TrainingRun
from tests import factories
from tests.emotion.training_configs import TINY, tiny
from tests.interviews.sockets import Socket

GET = [
    "training/",
    "training/new/",
    "training/compare/",
    "training/configs/{config}/config.toml",
    "training/runs/{run}/",
    "training/runs/{run}/epochs/",
    "training/runs/{run}/config.toml",
    "training/runs/{run}/log.txt",
    "api/training/runs/",
    "api/training/runs/{run}/",
    "api/training/runs/{run}/curves/",
    "api/training/schema/",
]
POST = [
    "training/new/",
    "training/import/",
    "training/configs/{config}/forget/",
    "training/runs/{run}/stop/",
    "training/runs/{run}/resume/",
    "training/runs/{run}/discard/",
    "api/training/runs/",
    "api/training/runs/{run}/stop/",
    "api/training/runs/{run}/resume/",
    "api/training/checks/",
]
OTHERS = [User.Role.PATIENT, User.Role.CLINICIAN, User.Role.ADMIN]


@pytest.fixture
def rows(engineer) -> dict[str, int]:
    run = factories.a_training_run(engineer, epochs=1)
    config = SavedConfig.objects.create(name="Mine", values=tiny().model_dump(mode="json"))
    return {"run": run.pk, "config": config.pk}


def somebody(role: str) -> Client:
    client = Client()
    client.force_login(factories.a_patient().user if role == User.Role.PATIENT else factories.a_user(role))
    return client


@pytest.mark.parametrize("role", OTHERS)
def test_nobody_else_finds_anything(rows, role):
    client = somebody(role)
    told = {address: client.get(f"/{address.format(**rows)}").status_code for address in GET}
    told |= {f"post {address}": client.post(f"/{address.format(**rows)}").status_code for address in POST}
    assert set(told.values()) == {404}, told
    assert TrainingRun.objects.get().state == "queued"
    assert SavedConfig.objects.exists()


def test_the_signed_out_are_asked_to_sign_in(db, rows):
    client = Client()
    told = {address: client.get(f"/{address.format(**rows)}").status_code for address in GET}
    assert all(status in (302, 403) for status in told.values()), told


@pytest.mark.parametrize("role", OTHERS)
async def test_nobody_else_hears_of_runs(transactional_db, role):
    user = await database_sync_to_async(lambda: factories.a_user(role))()
    run = await database_sync_to_async(lambda: factories.a_training_run(user))()
    for path in ("/ws/training/", f"/ws/training/{run.pk}/"):
        answered = await Socket(user, path).open()
        assert (answered["type"], answered["code"]) == ("websocket.close", 4404)
    answered = await Socket(AnonymousUser(), "/ws/training/").open()
    assert answered["code"] == 4401


async def test_an_engineer_hears_of_a_run_and_of_the_list(transactional_db):
    engineer = await database_sync_to_async(lambda: factories.a_user(User.Role.ENGINEER))()
    run = await database_sync_to_async(lambda: factories.a_training_run(engineer))()
    one, all_of_them = Socket(engineer, f"/ws/training/{run.pk}/"), Socket(engineer, "/ws/training/")
    for opened in (one, all_of_them):
        assert (await opened.open())["type"] == "websocket.accept"
        assert await opened.hear() == {"look": True}
    await database_sync_to_async(live.tell)(run.pk)
    assert await one.hear() == await all_of_them.hear() == {"look": True, "run": run.pk}
    await one.leave()
    await all_of_them.leave()


# --- The API ---


def test_a_run_is_queued_watched_stopped_and_gone_on_with_through_the_api(client, engineer):
    client.force_login(engineer)

    def ask(method: str, address: str, **body):
        answered = getattr(client, method)(f"/api/training/{address}", body or None, content_type="application/json")
        return answered.status_code, answered.json()

    status, queued = ask("post", "runs/", name="By hand", config=TINY)
    assert (status, queued["state"]) == (201, "queued")
    run = f"runs/{queued['id']}/"
    assert ask("get", run)[1]["config"]["epochs"] == 2
    assert ask("post", f"{run}resume/")[0] == 409
    assert ask("post", f"{run}stop/")[1]["state"] == "stopped"
    assert ask("post", f"{run}resume/")[1]["state"] == "queued"
    assert [each["name"] for each in ask("get", "runs/")[1]] == ["By hand"]
    assert "properties" in ask("get", "schema/")[1]


def test_the_api_refuses_by_place(client, engineer):
    client.force_login(engineer)
    Device.objects.all().delete()
    wrong = {**TINY, "epochs": 0}
    answered = client.post("/api/training/runs/", {"name": "x", "config": wrong}, content_type="application/json")
    assert answered.status_code == 400
    assert "greater than or equal to 1" in answered.json()["config"]["epochs"]
    checked = client.post("/api/training/checks/", {"config": TINY}, content_type="application/json").json()
    assert checked["needs"]["memory"] > 0
    assert checked["corpora"][0]["title"] == "made"


def test_only_the_epochs_that_a_page_lacks_are_sent(client, engineer):
    client.force_login(engineer)
    run = factories.a_training_run(engineer, epochs=5)
    told = client.get(f"/api/training/runs/{run.pk}/curves/?after=3").json()
    assert told["numbers"] == [4, 5]
    assert len(told["figures"]["train_loss"]) == 2
    assert [chart["name"] for chart in told["charts"]][:2] == ["loss", "uar"]
    assert set(map(len, told["recalls"].values())) == {2}
    assert json.dumps(told)
