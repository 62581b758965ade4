"""Signing in and out, forgotten passwords, closed sign-up, and the pages for when something is wrong."""

import re

import pytest
from django.core import mail

from clinic.models import User
from tests import factories

LOGIN = "/accounts/login/"


def sign_in(client, email: str = "dr.amari@clinic.example", password: str = "correct horse"):
    return client.post(LOGIN, {"login": email, "password": password})


def test_staff_sign_in_with_e_mail_and_password(client, clinician):
    assert sign_in(client)["Location"] == "/"
    assert client.get("/").status_code == 200


def test_the_e_mail_is_not_particular_about_capitals(client, clinician):
    assert sign_in(client, "Dr.Amari@Clinic.example").status_code == 302


def test_a_wrong_password_says_so_without_saying_which_was_wrong(client, clinician):
    page = sign_in(client, password="wrong").content.decode()
    nobody = sign_in(client, email="nobody@clinic.example").content.decode()
    told = re.search(r'role="alert">(.*?)</div>', page, re.DOTALL)[1]
    assert told in nobody


def test_guessing_is_stopped(client, clinician):
    for _ in range(6):
        sign_in(client, password="wrong")
    assert sign_in(client).status_code == 200  # the form again, although the password is right


def test_a_person_switched_off_cannot_sign_in(client, clinician):
    User.objects.update(is_active=False)
    sign_in(client)
    assert client.get("/").status_code == 302


def test_patients_cannot_sign_in_with_an_empty_password(client, db):
    patient = factories.a_patient()
    patient.user.set_unusable_password()
    patient.user.save()
    assert sign_in(client, patient.user.email, "").status_code == 200


def test_nobody_signs_up(client, db):
    page = client.post("/accounts/signup/", {"email": "x@x.example", "password1": "a", "password2": "a"})
    assert "No sign-up here" in page.content.decode()
    assert not User.objects.exists()


def test_signing_out_is_asked_for_and_done(client, clinician):
    client.force_login(clinician)
    assert "Sign out?" in client.get("/accounts/logout/").content.decode()
    client.post("/accounts/logout/")
    assert client.get("/").status_code == 302


def test_a_forgotten_password_is_replaced_by_mail(client, clinician):
    client.post("/accounts/password/reset/", {"email": clinician.email})
    link = re.search(r"http://[^/]+(/\S+)", mail.outbox[0].body)[1]
    form = client.get(link, follow=True).redirect_chain[-1][0]
    client.post(form, {"password1": "three brown horses", "password2": "three brown horses"})
    assert sign_in(client, password="three brown horses").status_code == 302


@pytest.mark.parametrize(
    "path", ["login/", "password/reset/", "password/reset/done/", "password/reset/key/done/", "signup/", "inactive/"]
)
def test_every_page_of_signing_in_has_our_look(client, db, path):
    page = client.get(f"/accounts/{path}").content.decode()
    assert 'class="card stack"' in page
    assert "css/site.css" in page


@pytest.mark.parametrize("path", ["logout/", "password/change/", "email/"])
def test_every_page_of_an_account_has_our_look(client, clinician, path):
    client.force_login(clinician)
    page = client.get(f"/accounts/{path}").content.decode()
    assert 'class="card stack"' in page


def test_a_page_that_is_not_there_says_so(client, clinician):
    client.force_login(clinician)
    response = client.get("/nowhere/")
    assert response.status_code == 404
    assert "Nothing here" in response.content.decode()


def test_a_form_that_grew_too_old_says_so(clinician):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    response = client.post(LOGIN, {"login": "a", "password": "b"})
    assert response.status_code == 403
    assert "This form has grown too old" in response.content.decode()


def test_a_fault_of_ours_is_told_without_the_database(client, clinician, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr("clinic.queries.caseload", broken)
    client.force_login(clinician)
    client.raise_request_exception = False
    response = client.get("/patients/")
    assert response.status_code == 500
    assert "Something broke on our side" in response.content.decode()


@pytest.mark.parametrize(("language", "turned"), [("en", "ltr"), ("ar", "rtl")])
def test_the_page_says_its_language_and_direction(client, db, settings, language, turned):
    client.cookies["django_language"] = language
    assert f'<html lang="{language}" dir="{turned}"' in client.get(LOGIN).content.decode()


@pytest.mark.parametrize(("kept", "told"), [("dark", 'data-theme="dark"'), ("nonsense", "<html"), ("", "<html")])
def test_the_colours_that_were_chosen_come_with_the_page(client, db, kept, told):
    client.cookies["theme"] = kept
    page = client.get(LOGIN).content.decode()
    assert told in page
    assert "nonsense" not in page


def test_no_page_allows_anything_inline_or_from_elsewhere(client, db):
    response = client.get(LOGIN)
    policy = response["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    page = response.content.decode()
    assert " style=" not in page
    assert not re.search(r"<script(?![^>]*src=)", page)


@pytest.mark.parametrize(
    "page", ["password/set/", "password/change/", "password/reset/", "email/", "login/", "signup/"]
)
def test_a_patient_cannot_turn_her_visit_into_an_account(client, patient, page):
    client.force_login(patient.user)
    for method in (client.get, client.post):
        assert (
            method(f"/accounts/{page}", {"password1": "long enough 1", "password2": "long enough 1"}).status_code == 404
        )
    patient.user.refresh_from_db()
    assert not patient.user.has_usable_password() or patient.user.check_password("correct horse")


def test_a_patient_may_sign_out(client, patient):
    client.force_login(patient.user)
    assert client.post("/accounts/logout/").status_code == 302
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("page", ["/", "/patients/"])
def test_the_browser_keeps_no_page_behind_a_sign_in(client, clinician, page):
    client.force_login(clinician)
    assert client.get(page)["Cache-Control"] == "no-store"
