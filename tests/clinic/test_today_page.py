"""The first page of each role: what needs this person, and nothing that is not hers."""

import pytest
from django.urls import reverse
from django.utils import timezone

from clinic.models import Job
from interviews import services
from interviews.models import Interview
from interviews.stages import TRANSCRIBE
from tests import factories
from tests.interviews import scenes


def today(client, person) -> str:
    client.force_login(person)
    response = client.get("/")
    assert response.status_code == 200
    return response.content.decode()


def test_the_signed_out_are_asked_to_sign_in(client, db):
    assert client.get("/")["Location"].startswith(reverse("account_login"))


def test_a_clinician_sees_what_waits_for_her_review(client, clinician):
    scenes.a_finished_interview(factories.a_patient(clinician, name="Mina Haddad"))
    page = today(client, clinician)
    assert "Mina Haddad" in page
    assert "Nothing waits for your review." not in page


def test_a_clinician_sees_who_is_answering(client, clinician):
    patient = factories.a_patient(clinician, name="Oskar Lindqvist")
    factories.an_interview(patient, state=Interview.State.STARTED, started_at=timezone.now())
    page = today(client, clinician)
    assert "Oskar Lindqvist" in page
    assert "No patient is answering at the moment." not in page


def test_a_clinician_learns_who_did_not_agree_to_be_recorded(client, clinician):
    interview = factories.an_interview(factories.a_patient(clinician, name="Ines Duarte"))
    assert "Did not agree" not in today(client, clinician)
    services.refuse_consent(interview)
    assert "Ines Duarte" in today(client, clinician).partition("Did not agree")[2]
    for page in ("/interviews/", f"/interviews/{interview.pk}/"):
        assert "did not agree" in client.get(page).content.decode()
    services.agree(interview)
    assert "Did not agree" not in today(client, clinician)


def test_failed_work_shows_with_its_reason(client, clinician):
    interview = scenes.a_finished_interview(factories.a_patient(clinician))
    scenes.set_stages(interview.answers.last().subject, [TRANSCRIBE], Job.State.FAILED, 0, "The model is missing.")
    page = today(client, clinician)
    assert "Could not be finished" in page
    assert "The model is missing." in page
    assert "question 2" in page


def test_nothing_of_another_caseload_shows(client, clinician, stranger):
    other = scenes.a_finished_interview(factories.a_patient(stranger, name="Somebody Else"))
    scenes.set_stages(other.answers.first().subject, [TRANSCRIBE], Job.State.FAILED, 0, "The model is missing.")
    factories.an_interview(factories.a_patient(clinician))
    page = today(client, clinician)
    assert "Somebody Else" not in page
    assert "The model is missing." not in page


def test_a_new_clinician_is_told_where_to_begin(client, clinician):
    assert reverse("clinic:new_patient") in today(client, clinician)


def test_a_patient_finds_her_open_interview(client, interview, patient):
    page = today(client, patient.user)
    assert reverse("interviews:consent", args=[interview.pk]) in page


def test_a_patient_without_one_is_told_so(client, interview, patient):
    Interview.objects.update(state=Interview.State.FINISHED, finished_at=timezone.now())
    assert "You have no open interview." in today(client, patient.user)


def test_a_patient_reads_the_crisis_text(client, interview, patient, settings):
    settings.CRISIS_TEXT = "Call 112 now."
    assert "Call 112 now." in today(client, patient.user)


def test_an_engineer_sees_models_and_no_patient(client, engineer, interview, answer, patient):
    scenes.reviewed(answer)
    page = today(client, engineer)
    assert "made" in page
    assert "abababababababab" in page
    assert patient.name not in page


def test_an_admin_finds_the_way_to_questions_and_people(client, admin, interview, patient):
    page = today(client, admin)
    assert reverse("admin:clinic_user_changelist") in page
    assert reverse("interviews:disorders") in page
    assert patient.name not in page


@pytest.mark.parametrize("who", ["clinician", "admin", "engineer"])
def test_staff_do_not_get_the_crisis_text(client, request, settings, who):
    settings.CRISIS_TEXT = "Call 112 now."
    assert "Call 112 now." not in today(client, request.getfixturevalue(who))
