from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.models import Consent
from clinic.services import record_consent
from interviews import services
from interviews.errors import InterviewEnded, InterviewError
from interviews.models import Interview, QuestionSet
from tests import factories


@pytest.fixture
def link(interview):
    """A fresh link: its row and its path."""
    invitation, token = services.invite(interview, by=interview.created_by)
    return invitation, reverse("interviews:invitation", args=[token])


def test_opening_an_interview_makes_a_waiting_answer_for_each_question(patient):
    questions = factories.a_question_set(("One?", "Two?", "Three?"))
    interview = services.open_interview(patient, questions, by=patient.clinician)
    assert [answer.question.text for answer in interview.answers.all()] == ["One?", "Two?", "Three?"]
    assert interview.state == Interview.State.INVITED


def test_a_draft_set_cannot_be_asked(patient):
    draft = factories.a_question_set()
    QuestionSet.objects.filter(pk=draft.pk).update(state=QuestionSet.State.DRAFT)
    draft.refresh_from_db()
    with pytest.raises(InterviewError, match="published"):
        services.open_interview(patient, draft, by=patient.clinician)


def test_only_the_hash_of_a_link_is_stored(interview):
    invitation, token = services.invite(interview, by=interview.created_by)
    stored = " ".join(str(value) for value in vars(invitation).values())
    assert token not in stored
    assert len(token) >= 43


def test_looking_at_a_link_does_not_use_it_up(client, link):
    invitation, path = link
    for _ in range(3):
        assert client.get(path).status_code == 200
    client.head(path)
    invitation.refresh_from_db()
    assert invitation.used_at is None
    assert "_auth_user_id" not in client.session


def test_begin_uses_the_link_signs_the_patient_in_and_leads_to_consent(client, interview, link):
    invitation, path = link
    response = client.post(path)
    invitation.refresh_from_db()
    assert response.url == reverse("interviews:consent", args=[interview.pk])
    assert invitation.used_at
    assert client.session["_auth_user_id"] == str(interview.patient.user_id)
    assert 13 * 24 * 3600 < client.session.get_expiry_age() <= 14 * 24 * 3600


def test_a_used_link_is_refused_elsewhere(client, link):
    client.post(link[1])
    response = Client().get(link[1])
    assert response.status_code == 410
    assert "already used" in response.content.decode()
    assert Client().post(link[1]).status_code == 410


def test_a_used_link_leads_on_in_the_browser_that_used_it(client, interview, link):
    client.post(link[1])
    record_consent(interview.patient)
    assert client.get(link[1]).url == reverse("interviews:check", args=[interview.pk])


def test_an_expired_link_says_until_when_it_was_valid(client, link):
    invitation, path = link
    invitation.expires_at = timezone.now() - timedelta(days=1)
    invitation.save()
    response = client.post(path)
    assert response.status_code == 410
    assert "was valid until" in response.content.decode()


def test_a_revoked_link_is_refused(client, link):
    services.revoke_invitation(link[0])
    response = client.post(link[1])
    assert response.status_code == 410
    assert "replaced or withdrawn" in response.content.decode()


def test_an_unknown_link_is_not_found(client, db):
    response = client.get(reverse("interviews:invitation", args=["nonsense"]))
    assert response.status_code == 404
    assert "not one of ours" in response.content.decode()


def test_a_new_link_replaces_the_older_one(client, interview, link):
    _, token = services.invite(interview, by=interview.created_by)
    assert client.post(link[1]).status_code == 410
    assert client.post(reverse("interviews:invitation", args=[token])).status_code == 302


def test_a_finished_interview_needs_no_new_link(interview):
    Interview.objects.filter(pk=interview.pk).update(state=Interview.State.FINISHED)
    with pytest.raises(InterviewEnded, match="finished"):
        services.invite(interview, by=interview.created_by)


def test_a_clinician_who_opens_a_patients_link_is_told_and_not_switched(client, clinician, link):
    client.force_login(clinician)
    assert "You are signed in as" in client.get(link[1]).content.decode()
    assert client.post(link[1]).status_code == 409
    link[0].refresh_from_db()
    assert link[0].used_at is None
    assert client.session["_auth_user_id"] == str(clinician.pk)


def test_another_patient_in_the_same_browser_is_signed_out_by_begin(client, strange_patient, interview, link):
    client.force_login(strange_patient.user)
    assert "Somebody else is signed in" in client.get(link[1]).content.decode()
    client.post(link[1])
    assert client.session["_auth_user_id"] == str(interview.patient.user_id)


def test_the_link_page_names_neither_the_patient_nor_the_disorder(client, interview, link):
    page = client.get(link[1]).content.decode()
    assert interview.patient.name not in page
    assert interview.question_set.title not in page


@pytest.mark.parametrize("name", ["consent", "refused", "check", "room", "done"])
def test_another_patients_interview_is_not_found(client, strange_patient, interview, name):
    record_consent(strange_patient)
    client.force_login(strange_patient.user)
    assert client.get(reverse(f"interviews:{name}", args=[interview.pk])).status_code == 404


@pytest.mark.parametrize("name", ["consent", "refused", "check", "room", "done"])
def test_staff_have_no_business_on_a_patients_pages(client, clinician, admin, interview, name):
    for user in (clinician, admin):
        client.force_login(user)
        assert client.get(reverse(f"interviews:{name}", args=[interview.pk])).status_code == 404


@pytest.mark.parametrize("name", ["consent", "check", "room", "done"])
def test_the_signed_out_learn_how_to_come_back(client, interview, name):
    response = client.get(reverse(f"interviews:{name}", args=[interview.pk]))
    assert response.status_code == 403
    assert "not signed in" in response.content.decode()


def test_another_patients_finish_is_not_found(client, strange_patient, interview):
    client.force_login(strange_patient.user)
    assert client.post(reverse("interviews:finish", args=[interview.pk])).status_code == 404
    interview.refresh_from_db()
    assert interview.state == Interview.State.INVITED
    assert not Consent.objects.filter(patient=interview.patient).exists()


def may_go_on(client, interview) -> bool:
    return client.get(reverse("interviews:consent", args=[interview.pk])).status_code == 200


def test_a_new_link_signs_out_whoever_used_the_one_before(client, interview, link):
    client.post(link[1])
    assert may_go_on(client, interview)
    _, token = services.invite(interview, by=interview.created_by)
    assert not may_go_on(client, interview)
    assert "replaced" in client.get(link[1]).content.decode()
    newcomer = Client()
    newcomer.post(reverse("interviews:invitation", args=[token]))
    assert may_go_on(newcomer, interview)


def test_withdrawing_a_used_link_ends_the_visit_that_began_with_it(client, interview, link):
    client.post(link[1])
    invitation = services.find_invitation(link[1].split("/")[-2])
    services.revoke_invitation(invitation)
    assert not may_go_on(client, interview)


def test_withdrawing_an_unused_link_leaves_another_visit_alone(client, interview, link):
    client.force_login(interview.patient.user)
    services.revoke_invitation(link[0])
    assert may_go_on(client, interview)
