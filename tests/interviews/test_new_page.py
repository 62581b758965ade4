"""Inviting: who, which questions, and a link that is shown once."""

import re

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone

from clinic.models import AuditEntry
from interviews import services
from interviews.models import Interview, QuestionSet
from tests import factories

NEW = "/interviews/new/"


@pytest.fixture
def signed_in(client, clinician):
    client.force_login(clinician)
    return client


@pytest.fixture
def question_set(db) -> QuestionSet:
    return factories.a_question_set(("How do you sleep?", "What helps?"))


def link_in(page: str) -> str | None:
    found = re.search(r'value="(http[^"]*/invitations/[^"]+)"', page)
    return found[1] if found else None


def invite(client, patient, question_set):
    return client.post(NEW, {"patient": patient.pk, "question_set": question_set.pk}, follow=True)


def test_the_questions_can_be_read_before_choosing(signed_in, patient, question_set):
    page = signed_in.get(NEW).content.decode()
    assert "How do you sleep?" in page


def test_a_patient_can_be_chosen_beforehand(signed_in, patient, question_set):
    page = signed_in.get(f"{NEW}?patient={patient.pk}").content.decode()
    assert f'<option value="{patient.pk}" selected>' in page


def test_inviting_opens_an_interview_and_shows_a_link_that_works(signed_in, patient, question_set):
    response = invite(signed_in, patient, question_set)
    interview = Interview.objects.get()
    assert (interview.patient, interview.question_set) == (patient, question_set)
    token = link_in(response.content.decode()).rstrip("/").rpartition("/")[2]
    assert services.accept_invitation(token) == interview


def test_the_link_is_shown_once(signed_in, patient, question_set):
    response = invite(signed_in, patient, question_set)
    assert link_in(response.content.decode())
    again = signed_in.get(response.request["PATH_INFO"])
    assert link_in(again.content.decode()) is None


def test_the_link_is_never_kept_in_the_open(signed_in, patient, question_set):
    signed_in.post(NEW, {"patient": patient.pk, "question_set": question_set.pk})
    kept = str(Session.objects.get().get_decoded())
    token = link_in(signed_in.get(f"/interviews/{Interview.objects.get().pk}/").content.decode())
    assert "link:" in kept
    assert token.rstrip("/").rpartition("/")[2] not in kept


def test_somebody_elses_patient_cannot_be_invited(signed_in, strange_patient, question_set):
    response = signed_in.post(NEW, {"patient": strange_patient.pk, "question_set": question_set.pk})
    assert response.status_code in (200, 422)
    assert not Interview.objects.exists()
    assert strange_patient.name not in response.content.decode()


@pytest.mark.parametrize("state", [QuestionSet.State.DRAFT, QuestionSet.State.RETIRED])
def test_only_published_questions_are_asked(signed_in, patient, question_set, state):
    QuestionSet.objects.filter(pk=question_set.pk).update(state=state)
    factories.a_question_set()
    response = signed_in.post(NEW, {"patient": patient.pk, "question_set": question_set.pk})
    assert response.status_code == 422
    assert not Interview.objects.exists()


def test_nothing_chosen_says_what_is_missing(signed_in, patient, question_set):
    response = signed_in.post(NEW, {})
    assert response.status_code == 422
    assert "Choose the questions to be asked." in response.content.decode()


def test_an_empty_caseload_says_what_to_do_first(signed_in):
    assert reverse("clinic:new_patient") in signed_in.get(NEW).content.decode()


def test_a_new_link_takes_the_place_of_the_old_one(signed_in, clinician, interview):
    old, _token = services.invite(interview, clinician)
    response = signed_in.post(reverse("interviews:new_link", args=[interview.pk]), follow=True)
    old.refresh_from_db()
    assert not old.is_open
    assert link_in(response.content.decode())


def test_a_finished_interview_gets_no_new_link(signed_in, interview):
    Interview.objects.update(state=Interview.State.FINISHED, finished_at=timezone.now())
    response = signed_in.post(reverse("interviews:new_link", args=[interview.pk]), follow=True)
    assert "needs no new link" in response.content.decode()
    assert not interview.invitations.exists()


def test_a_withdrawn_link_stops_working(signed_in, clinician, interview):
    invitation, _token = services.invite(interview, clinician)
    response = signed_in.post(reverse("interviews:revoke", args=[invitation.pk]), follow=True)
    invitation.refresh_from_db()
    assert not invitation.is_open
    assert "The link no longer works." in response.content.decode()


def test_inviting_and_withdrawing_are_in_the_audit_log(signed_in, clinician, patient, question_set):
    invite(signed_in, patient, question_set)
    interview = Interview.objects.get()
    signed_in.post(reverse("interviews:revoke", args=[interview.invitations.get().pk]))
    noted = AuditEntry.objects.filter(actor=f"user:{clinician.pk}", subject=interview.subject)
    assert {"invite", "revoke"} <= set(noted.values_list("verb", flat=True))


def test_the_states_of_all_links_are_listed(signed_in, clinician, interview):
    services.invite(interview, clinician)
    services.invite(interview, clinician)
    used = interview.invitations.first()
    used.used_at = timezone.now()
    used.save()
    services.invite(interview, clinician, days=-1)
    page = signed_in.get(reverse("interviews:watch", args=[interview.pk])).content.decode()
    assert all(word in page for word in ("withdrawn", "opened", "expired"))
