"""Every door of the clinician, tried by everybody else: they learn nothing; the signed-out are asked to sign in."""

import pytest
from django.urls import reverse

from interviews import services
from interviews.models import Interview
from tests import factories
from tests.interviews import scenes

READ = ["watch", "progress", "state", "reply", "timeline", "transcript", "captions", "video"]
CHANGE = ["new_link", "retry_report", "retry", "revoke"]


@pytest.fixture
def doors(patient) -> dict[str, str]:
    """The address of each door, all of one finished interview."""
    interview = scenes.a_finished_interview(patient)
    answer = interview.answers.first()
    recording = answer.recordings.get()
    open_one = factories.an_interview(patient)
    invitation, _token = services.invite(open_one, patient.clinician)
    of_interview = {name: interview.pk for name in ("watch", "progress", "state", "new_link", "retry_report")}
    of_answer = {name: answer.pk for name in ("reply", "timeline", "transcript", "captions", "retry")}
    keys = of_interview | of_answer | {"video": recording.pk, "revoke": invitation.pk}
    return {name: reverse(f"interviews:{name}", args=[pk]) for name, pk in keys.items()}


def ask(client, doors: dict[str, str], name: str):
    return client.post(doors[name]) if name in CHANGE else client.get(doors[name])


@pytest.mark.parametrize("name", READ)
def test_the_clinician_of_the_caseload_may(client, clinician, doors, name):
    client.force_login(clinician)
    assert ask(client, doors, name).status_code == 200


@pytest.mark.parametrize("name", READ + CHANGE)
@pytest.mark.parametrize("who", ["stranger", "admin", "engineer"])
def test_other_staff_learn_nothing(client, request, doors, name, who):
    client.force_login(request.getfixturevalue(who))
    assert ask(client, doors, name).status_code == 404


@pytest.mark.parametrize("name", READ + CHANGE)
def test_not_even_the_patient_herself(client, patient, doors, name):
    client.force_login(patient.user)
    assert ask(client, doors, name).status_code == 404


@pytest.mark.parametrize("name", READ + CHANGE)
def test_the_signed_out_are_asked_to_sign_in(client, doors, name):
    response = ask(client, doors, name)
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("name", ["list", "new"])
@pytest.mark.parametrize("who", ["admin", "engineer"])
def test_only_clinicians_have_a_list_and_invite(client, request, name, who):
    client.force_login(request.getfixturevalue(who))
    assert client.get(reverse(f"interviews:{name}")).status_code == 404


def test_a_stranger_changes_nothing(client, stranger, doors):
    client.force_login(stranger)
    for name in CHANGE:
        ask(client, doors, name)
    unfinished = Interview.objects.get(state=Interview.State.INVITED)
    assert unfinished.invitations.get().is_open


@pytest.mark.parametrize("name", CHANGE)
def test_looking_changes_nothing(client, clinician, doors, name):
    client.force_login(clinician)
    assert client.get(doors[name]).status_code == 405
