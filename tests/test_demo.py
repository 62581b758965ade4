"""The demo clinic: complete after one run, unchanged by a second."""

import re
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from clinic.models import Patient, User
from interviews.models import Interview, Invitation, Question, QuestionSet


def demo(*options: str) -> str:
    said = StringIO()
    call_command("demo", *options, stdout=said, stderr=said)
    return said.getvalue()


@pytest.fixture(autouse=True)
def media(settings, tmp_path_factory):
    """One folder for all tests here: what was spoken once need not be spoken again for each."""
    settings.MEDIA_ROOT = tmp_path_factory.getbasetemp() / "demo-media"


@pytest.fixture
def said(db) -> str:
    return demo()


def counts() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in apps.get_models()}


def link_in(said: str) -> str:
    return re.search(r"/invitations/[\w-]{20,}/", said).group()


def test_one_run_makes_a_clinic_to_look_at(said):
    roles = dict(User.objects.exclude(role="patient").values_list("email", "role"))
    assert roles == {
        "clinician@demo.example": "clinician",
        "clinician2@demo.example": "clinician",
        "admin@demo.example": "admin",
        "engineer@demo.example": "engineer",
    }
    assert Patient.objects.count() >= 3
    published = QuestionSet.objects.filter(state="published", approved_by__email="admin@demo.example")
    assert published.count() >= 6


def test_the_printed_accounts_sign_in(said, client):
    email, password = re.search(r"(clinician@\S+)\s+password (\S+)", said).groups()
    assert client.login(username=email, password=password)


def test_every_question_is_spoken(said):
    assert not Question.objects.filter(audio="").exists()
    for question in Question.objects.all():
        assert question.audio.open().read(4) == b"RIFF"


def test_the_printed_link_opens_the_interview(said, client):
    assert client.get(link_in(said)).status_code == 200


def test_a_second_run_changes_nothing(said):
    before = counts()
    again = demo()
    assert counts() == before
    assert "/invitations/" not in again
    assert re.findall(r"\S+@demo.example", again) == re.findall(r"\S+@demo.example", said)


def test_a_new_link_replaces_the_old_one(said, client):
    fresh = link_in(demo("--new-link"))
    assert fresh != link_in(said)
    assert [invitation.is_open for invitation in Invitation.objects.all()] == [True, False]
    assert client.get(link_in(said)).status_code == 410
    assert Interview.objects.count() == 1


def test_a_new_link_after_a_finished_interview_is_for_another_one(said):
    Interview.objects.update(state="finished")
    demo("--new-link")
    assert sorted(Interview.objects.values_list("state", flat=True)) == ["finished", "invited"]


def test_it_refuses_a_clinic_with_staff_of_its_own(clinician):
    before = counts()
    with pytest.raises(CommandError, match="staff of its own"):
        demo()
    assert counts() == before
    demo("--force")
    assert User.objects.filter(email="admin@demo.example").exists()


def test_it_refuses_a_known_password_where_others_can_reach_the_site(db, settings):
    settings.SITE_HOST = "clinic.example.org"
    with pytest.raises(CommandError, match="--password"):
        demo()
    assert not User.objects.exists()
    demo("--password", "a long one of our own")
    assert User.objects.get(email="admin@demo.example").check_password("a long one of our own")


def test_audio_that_was_lost_is_made_again(said, settings):
    question = Question.objects.first()
    question.audio.storage.delete(question.audio.name)
    demo()
    question.refresh_from_db()
    assert question.audio.open().read(4) == b"RIFF"
