"""Every address of the site, tried by everybody it is not for. A new address joins this test by existing."""

import re
from uuid import UUID

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from clinic.models import User
from interviews import queries, services
from interviews.models import Interview, RiskFlag
from tests import factories
from tests.interviews import asking

OPEN_TO_ALL = re.compile(r"^(accounts/login/|i18n/|invitations/<str:token>/|admin/login/|admin/logout/|admin/jsi18n/)")
# Pages of a role that name nobody's row: their own tests say whom they are for.
NAMES_A_ROW = re.compile(r"<(int|uuid):")
# Disorders and question sets belong to the whole clinic: to admins and clinicians they are no stranger's rows.
AUTHORED, AUTHORS = "authoring/", {User.Role.ADMIN, User.Role.CLINICIAN}
REFUSED = {301, 302, 403, 404, 405}


def addresses(patterns=None, before: str = "") -> list[str]:
    found = []
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found += addresses(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            found.append(route)
    return found


def rows_of(interview: Interview) -> dict[str, str]:
    """What stands in an address for the rows of one interview, by the noun before the number."""
    answer = interview.answers.first()
    recording = factories.a_recording(answer)
    invitation, _ = services.invite(interview, by=interview.created_by)
    scale = asking.asked(interview)
    services.keep_answer(scale, 9, 1)
    return {
        "interviews": str(interview.pk),
        "reports": str(interview.pk),
        "answers": str(answer.pk),
        "recordings": str(recording.pk),
        "patients": str(interview.patient_id),
        "invitations": str(invitation.pk),
        "scales": str(scale.pk),
        "instruments": "0",  # the house's, not a patient's: their own tests say whom they are for
        "items": "9",
    }


def filled(route: str, rows: dict[str, str]) -> str:
    def fill(found: re.Match) -> str:
        noun = route[: found.start()].rstrip("/").rsplit("/", 1)[-1]
        return rows.get(noun, "1")

    return "/" + re.sub(r"<(?:int|uuid|str|slug|path):\w+>|\\Z", fill, route)


ROUTES = [route for route in addresses() if NAMES_A_ROW.search(route) and not OPEN_TO_ALL.search(route)]
OURS = [route for route in ROUTES if not route.startswith("admin/")]


def not_for(role: str) -> list[str]:
    """The doors at which somebody of this role is a stranger."""
    return [route for route in OURS if not (role in AUTHORS and route.startswith(AUTHORED))]


def somebody_else(role: str) -> Client:
    client = Client()
    if role == "signed out":
        return client
    user = factories.a_patient().user if role == User.Role.PATIENT else factories.a_user(role)
    client.force_login(user)
    return client


@pytest.mark.parametrize("role", ["signed out", *User.Role.values])
def test_nobody_else_opens_a_row_of_an_interview(interview, role):
    rows, client = rows_of(interview), somebody_else(role)
    let_in = {}
    for route in not_for(role):
        for method in ("get", "post", "put", "delete"):
            address = filled(route, rows)
            response = getattr(client, method)(address, content_type="application/json")
            if response.status_code not in REFUSED:
                let_in[f"{method} {address}"] = response.status_code
            elif response.status_code in (301, 302):
                assert "/accounts/login/" in response["Location"], f"{method} {address} → {response['Location']}"
    assert let_in == {}


@pytest.mark.parametrize("role", [User.Role.PATIENT, User.Role.CLINICIAN, User.Role.ENGINEER])
def test_a_signed_in_stranger_is_told_that_nothing_is_there(interview, role):
    """404, not 403: that the row exists is nobody else's business."""
    rows, client = rows_of(interview), somebody_else(role)
    told = {filled(route, rows): client.get(filled(route, rows)).status_code for route in not_for(role)}
    assert {address: status for address, status in told.items() if status not in (404, 405)} == {}


def test_what_nobody_was_let_into_is_untouched(interview):
    rows, client = rows_of(interview), somebody_else(User.Role.CLINICIAN)
    for route in not_for(User.Role.CLINICIAN):
        client.post(filled(route, rows))
    interview.refresh_from_db()
    assert interview.state == Interview.State.STARTED  # by the patient's one answer
    assert RiskFlag.objects.get().is_open
    assert queries.scale_results(interview)[0].given == 1
    assert interview.invitations.get().is_open
    assert interview.answers.first().recordings.get(pk=UUID(rows["recordings"])).state == "open"


@pytest.mark.parametrize("role", [User.Role.PATIENT, User.Role.CLINICIAN, User.Role.ENGINEER])
def test_the_admin_pages_open_to_admins_only(db, role):
    client = somebody_else(role)
    for route in ("/admin/", "/admin/clinic/user/", "/admin/interviews/disorder/"):
        response = client.get(route)
        assert response.status_code == 302
        assert "login" in response["Location"]


def test_the_list_of_doors_is_not_empty():
    assert len(OURS) > 15
