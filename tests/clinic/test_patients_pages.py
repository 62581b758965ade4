"""The caseload: who is in it, how somebody comes in, and one patient."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.models import AuditEntry, Patient, User
from clinic.pages import PATIENTS_A_PAGE
from clinic.services import record_consent, withdraw_consent
from tests import factories
from tests.interviews import scenes

LIST = "/patients/"
NEW = "/patients/new/"


@pytest.fixture
def signed_in(client, clinician):
    client.force_login(clinician)
    return client


def test_a_clinician_sees_her_own_patients_only(signed_in, patient, strange_patient):
    page = signed_in.get(LIST).content.decode()
    assert patient.name in page
    assert strange_patient.name not in page


def test_an_empty_caseload_says_what_to_do(signed_in):
    assert "Your caseload is empty" in signed_in.get(LIST).content.decode()


def test_the_search_finds_names_and_numbers_in_any_order(signed_in, clinician):
    factories.a_patient(clinician, name="Mina Haddad", record_number="MR-12")
    factories.a_patient(clinician, name="Oskar Lindqvist")
    assert "Oskar" not in signed_in.get(LIST, {"q": "haddad mina"}).content.decode()
    assert "Mina Haddad" in signed_in.get(LIST, {"q": "mr-12"}).content.decode()
    assert "Nobody by that name" in signed_in.get(LIST, {"q": "nobody"}).content.decode()


def test_a_long_caseload_has_pages_that_keep_the_search(signed_in, clinician):
    for number in range(PATIENTS_A_PAGE + 1):
        factories.a_patient(clinician, name=f"Anna {number:02d}")
    page = signed_in.get(LIST, {"q": "anna"}).content.decode()
    assert "?q=anna&page=2" in page.replace("&amp;", "&")
    assert "Anna 20" in signed_in.get(LIST, {"q": "anna", "page": 2}).content.decode()


def test_ten_more_patients_cost_no_more_queries(signed_in, clinician):
    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            assert signed_in.get(LIST).status_code == 200
        return len(caught)

    factories.an_interview(factories.a_patient(clinician))
    few = queries()
    for _ in range(10):
        factories.an_interview(factories.a_patient(clinician))
    assert queries() == few


def test_ten_more_interviews_of_a_patient_cost_no_more_queries(signed_in, patient):
    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            assert signed_in.get(reverse("clinic:patient", args=[patient.pk])).status_code == 200
        return len(caught)

    scenes.a_finished_interview(patient)
    few = queries()
    for _ in range(10):
        scenes.a_finished_interview(patient)
    assert queries() == few


def test_somebody_new_comes_into_the_caseload_without_a_password(signed_in, clinician):
    signed_in.post(NEW, {"name": "ليلى منصور", "record_number": "MR-9", "language": "ar"})
    patient = Patient.objects.get()
    assert (patient.name, patient.clinician, patient.language) == ("ليلى منصور", clinician, "ar")
    assert patient.user.role == User.Role.PATIENT
    assert not patient.user.has_usable_password()


@pytest.mark.parametrize("typed", [{}, {"name": "", "language": "en"}, {"name": "Mina", "language": "xx"}])
def test_senseless_details_are_refused_with_the_form(signed_in, typed):
    response = signed_in.post(NEW, typed)
    assert response.status_code == 422
    assert "field__error" in response.content.decode()
    assert not Patient.objects.exists()


def test_one_record_number_is_one_patient(signed_in, clinician):
    factories.a_patient(clinician, name="Mina Haddad", record_number="MR-9")
    response = signed_in.post(NEW, {"name": "Mina H.", "record_number": "mr-9", "language": "en"})
    assert "Mina Haddad already has this record number." in response.content.decode()


def test_another_clinicians_numbers_are_not_given_away(signed_in, stranger):
    factories.a_patient(stranger, name="Somebody Else", record_number="MR-9")
    assert signed_in.post(NEW, {"name": "Mina", "record_number": "MR-9", "language": "en"}).status_code == 302


def test_details_can_be_changed(signed_in, patient):
    url = reverse("clinic:edit_patient", args=[patient.pk])
    signed_in.post(url, {"name": "Mina H. Haddad", "record_number": "", "language": "ar"})
    patient.refresh_from_db()
    assert (patient.name, patient.language, patient.user.name) == ("Mina H. Haddad", "ar", "Mina H. Haddad")


def test_her_page_shows_her_interviews_and_what_she_agreed_to(signed_in, interview, patient):
    record_consent(patient)
    withdraw_consent(patient)
    page = signed_in.get(reverse("clinic:patient", args=[patient.pk])).content.decode()
    assert reverse("interviews:watch", args=[interview.pk]) in page
    assert "withdrawn on" in page


def test_opening_her_page_is_noted(signed_in, clinician, patient):
    signed_in.get(reverse("clinic:patient", args=[patient.pk]))
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.verb, entry.subject) == (f"user:{clinician.pk}", "open", f"patient:{patient.pk}")


@pytest.mark.parametrize("door", ["patient", "edit_patient"])
@pytest.mark.parametrize("who", ["stranger", "admin", "engineer"])
def test_a_stranger_learns_nothing(client, request, patient, door, who):
    client.force_login(request.getfixturevalue(who))
    assert client.get(reverse(f"clinic:{door}", args=[patient.pk])).status_code == 404
    assert client.post(reverse(f"clinic:{door}", args=[patient.pk]), {"name": "X"}).status_code in (404, 405)


@pytest.mark.parametrize("url", [LIST, NEW])
@pytest.mark.parametrize("who", ["admin", "engineer"])
def test_only_clinicians_have_a_caseload(client, request, url, who):
    client.force_login(request.getfixturevalue(who))
    assert client.get(url).status_code == 404


@pytest.mark.parametrize("url", [LIST, NEW])
def test_patients_have_no_caseload_either(client, patient, url):
    client.force_login(patient.user)
    assert client.get(url).status_code == 404


@pytest.mark.parametrize("url", [LIST, NEW, "/patients/1/", "/patients/1/edit/"])
def test_the_signed_out_are_asked_to_sign_in(client, db, url):
    assert client.get(url)["Location"].startswith(reverse("account_login"))
