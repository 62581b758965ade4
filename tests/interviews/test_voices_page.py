"""The admin's page of voices: who speaks what, made again, stopped, cleared; and for nobody else."""

import os

import pytest
from channels.db import database_sync_to_async
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinic import jobs
from clinic.integrations import speaking as voices
from clinic.models import User
from interviews import live
from interviews.models import Question
from interviews.services import questions as sets
from interviews.services import speaking as verbs
from interviews.stages import SPEAK
from tests import factories
from tests.interviews.sockets import Socket
from tests.interviews.test_speaking import ScriptedVoice, a_set

PAGE = "/voices/"


@pytest.fixture
def signed_in(client, admin):
    client.force_login(admin)
    return client


@pytest.fixture
def published(admin):
    return sets.publish(a_set("Low mood"), admin)


def told(response) -> str:
    return response.content.decode()


@pytest.mark.parametrize("door", ["", "make/", "stop/", "clear/"])
@pytest.mark.parametrize("role", ["signed out", User.Role.PATIENT, User.Role.CLINICIAN, User.Role.ENGINEER])
def test_nobody_but_an_admin_opens_it(client, db, role, door):
    if role != "signed out":
        client.force_login(factories.a_patient().user if role == User.Role.PATIENT else factories.a_user(role))
    response = client.post(PAGE + door) if door else client.get(PAGE)
    if role == "signed out":
        assert "/accounts/login/" in response["Location"]
    else:
        assert response.status_code == 404


async def test_its_socket_is_for_admins(clinician, engineer, patient):
    for user in (clinician, engineer, patient.user):
        assert (await Socket(user, "/ws/voices/").open())["code"] == 4404


async def test_an_admin_is_told_to_look(admin):
    opened = Socket(admin, "/ws/voices/")
    assert (await opened.open())["type"] == "websocket.accept"
    assert await opened.hear() == {"look": True}
    await database_sync_to_async(live.tell_voices)()
    assert await opened.hear() == {"look": True}
    await opened.leave()


def test_it_says_who_speaks_and_why_another_voice_stands_in(signed_in, published):
    verbs.speak_questions(published, voice=ScriptedVoice(name="espeak-ng en", note="gTTS answered without any sound."))
    page = told(signed_in.get(PAGE))
    assert "Low mood v1" in page
    assert "eSpeak NG" in page
    assert "0 of 3" in page or "3 of 3" in page
    assert "SVOX Pico" in page  # who should speak
    published.questions.filter(position=1).update(audio="")
    assert "silent" in told(signed_in.get(PAGE))
    assert "What helps?" in told(signed_in.get(PAGE))


def test_without_a_published_set_it_says_so(signed_in):
    assert "No set was published yet" in told(signed_in.get(PAGE))


def test_the_chosen_sets_are_spoken_by_one_job(signed_in, published, admin, django_capture_on_commit_callbacks):
    other = sets.publish(a_set("Worry"), admin)
    with django_capture_on_commit_callbacks(execute=True):
        page = told(signed_in.post(f"{PAGE}make/", {"what": "chosen", "set": [published.pk, "x"]}, follow=True))
    assert "3 questions are being spoken." in page
    page = told(signed_in.get(PAGE))
    assert "3 questions were spoken." in page
    assert not other.questions.exclude(audio="").exists()
    with django_capture_on_commit_callbacks(execute=True):
        signed_in.post(f"{PAGE}make/", {"what": "missing"})
    assert not Question.objects.filter(audio="").exists()
    assert "its voice already" in told(signed_in.post(f"{PAGE}make/", {"what": "missing"}, follow=True))
    assert "at least one set" in told(signed_in.post(f"{PAGE}make/", {"what": "chosen"}, follow=True))


def test_while_it_runs_the_page_shows_how_far_and_offers_to_stop(signed_in, published, admin):
    verbs.ask_for_voices([published], admin)
    jobs.open_jobs(verbs.SUBJECT, [SPEAK])
    job = jobs.claim(verbs.SUBJECT, SPEAK, "a worker")
    jobs.beat(job, 40)
    part = told(signed_in.get(PAGE, {"part": ""}))
    assert 'value="40"' in part
    assert "3 questions are still to be spoken." in part
    assert 'id="make-all"' not in part
    assert "<html" not in part
    assert "3 questions keep the audio" in told(signed_in.post(f"{PAGE}stop/", follow=True))
    assert not verbs.due().exists()


def test_what_a_dead_worker_left_can_go_on(signed_in, published, admin, django_capture_on_commit_callbacks):
    verbs.ask_for_voices([published], admin)
    (job,) = jobs.open_jobs(verbs.SUBJECT, [SPEAK])
    jobs.close(job, jobs.DIED)
    assert 'id="go-on"' in told(signed_in.get(PAGE))
    with django_capture_on_commit_callbacks(execute=True):
        signed_in.post(f"{PAGE}make/", {"what": "rest"})
    assert not verbs.due().exists()


def test_old_files_are_counted_first_and_removed_when_asked(signed_in, published, settings):
    folder = settings.MEDIA_ROOT / voices.FOLDER
    folder.mkdir(parents=True)
    (folder / "old.wav").write_bytes(bytes(2048))
    os.utime(folder / "old.wav", (0, 0))
    page = told(signed_in.get(PAGE))
    assert "1 file, 2.0" in page
    assert (folder / "old.wav").exists()
    assert "One file was removed." in told(signed_in.post(f"{PAGE}clear/", follow=True))
    assert not list(folder.iterdir())


def test_ten_more_sets_cost_no_more_queries(signed_in, published, admin):
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            signed_in.get(PAGE)
        return len(asked)

    before = queries()
    for number in range(10):
        sets.publish(a_set(f"Set {number}"), admin)
    assert queries() == before
