"""The admin's pages: staff, patients handed on, the audit log. Nobody else comes in."""

import pytest
from django.urls import reverse

from clinic.models import AuditEntry, Patient, User
from clinic.services import note_access
from tests import factories


@pytest.fixture
def signed_in(client, admin):
    client.force_login(admin)
    return client


def a_form(**changes: str) -> dict[str, str]:
    password = "three brown horses"
    asked = {"email": "Dr.New@clinic.example", "name": "Dr New", "role": "clinician"}
    return {**asked, "password1": password, "password2": password, **changes}


def test_an_admin_makes_a_member_of_staff_who_can_sign_in(signed_in, client):
    signed_in.post(reverse("admin:clinic_user_add"), a_form())
    made = User.objects.get(email="dr.new@clinic.example")
    assert made.role == User.Role.CLINICIAN
    assert made.check_password("three brown horses")


def test_an_admin_does_not_make_patients(signed_in):
    response = signed_in.post(reverse("admin:clinic_user_add"), a_form(role="patient"))
    assert response.status_code == 200
    assert not User.objects.filter(email="dr.new@clinic.example").exists()


def test_a_weak_password_is_refused(signed_in):
    signed_in.post(reverse("admin:clinic_user_add"), a_form(password1="password", password2="password"))
    assert not User.objects.filter(email="dr.new@clinic.example").exists()


def test_a_person_is_switched_off_and_not_deleted(signed_in, clinician):
    assert signed_in.post(reverse("admin:clinic_user_delete", args=[clinician.pk])).status_code == 403
    asked = {"email": clinician.email, "name": clinician.name, "role": "clinician"}
    signed_in.post(reverse("admin:clinic_user_change", args=[clinician.pk]), asked)
    clinician.refresh_from_db()
    assert not clinician.is_active


def test_a_patient_cannot_be_made_staff(signed_in, patient):
    url = reverse("admin:clinic_user_change", args=[patient.user.pk])
    signed_in.post(url, {"email": "x@x.example", "name": "X", "role": "admin", "is_active": "on"})
    patient.user.refresh_from_db()
    assert patient.user.role == User.Role.PATIENT


def test_a_caseload_is_handed_on_and_that_is_noted(signed_in, patient, admin, stranger):
    signed_in.post(reverse("admin:clinic_patient_change", args=[patient.pk]), {"clinician": stranger.pk})
    assert Patient.objects.get().clinician == stranger
    assert AuditEntry.objects.filter(actor=f"user:{admin.pk}", verb="hand on").exists()


def test_a_patient_is_handed_to_clinicians_only(signed_in, patient, engineer, clinician):
    signed_in.post(reverse("admin:clinic_patient_change", args=[patient.pk]), {"clinician": engineer.pk})
    assert Patient.objects.get().clinician == clinician


@pytest.mark.parametrize("name", ["patient_add", "auditentry_add"])
def test_patients_and_audit_entries_are_not_made_here(signed_in, name):
    assert signed_in.get(reverse(f"admin:clinic_{name}")).status_code == 403


def test_the_audit_log_is_only_read(signed_in):
    entry = note_access("worker:join", "open", "recording:1")
    url = reverse("admin:clinic_auditentry_change", args=[entry.pk])
    assert signed_in.get(url).status_code == 200
    assert signed_in.post(url, {"verb": "never"}).status_code == 403
    assert signed_in.post(reverse("admin:clinic_auditentry_delete", args=[entry.pk])).status_code == 403
    entry.refresh_from_db()
    assert entry.verb == "open"


@pytest.mark.parametrize(("changed", "said"), [(False, "follow one another unchanged"), (True, "was changed")])
def test_the_audit_log_can_be_checked(signed_in, changed, said):
    entry = note_access("worker:join", "open", "recording:1")
    if changed:
        AuditEntry.objects.update(verb="never")
    asked = {"action": "check_chain", "_selected_action": entry.pk}
    page = signed_in.post(reverse("admin:clinic_auditentry_changelist"), asked, follow=True).content.decode()
    assert said in page


@pytest.mark.parametrize("who", ["clinician", "engineer", "stranger"])
def test_other_staff_do_not_come_in(client, request, who):
    client.force_login(request.getfixturevalue(who))
    assert client.get(reverse("admin:clinic_user_changelist")).status_code in (302, 403)
    assert client.post(reverse("admin:clinic_user_add"), a_form()).status_code in (302, 403)
    assert not User.objects.filter(email="dr.new@clinic.example").exists()


def test_patients_do_not_come_in(client, db):
    client.force_login(factories.a_patient().user)
    assert client.get(reverse("admin:clinic_user_changelist")).status_code in (302, 403)


def test_there_is_one_door_for_all_staff(client, db):
    assert client.get("/admin/", follow=True).redirect_chain[-1][0].startswith(reverse("account_login"))
