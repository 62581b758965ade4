import hashlib

import pytest
from django.template.loader import render_to_string
from django.urls import reverse

from clinic.models import Consent
from clinic.services import WORDING, record_consent, standing_consent, withdraw_consent
from interviews.models import Interview
from tests.interviews.uploads import open_take, put

# One line for each version anybody agreed to: the sha-256 of its words. Change the text, add a version.
KNOWN_WORDINGS = {"care-1": "41c33670c8ac8a42c39876c1e2f0a11e3965bd8c90516fec875e3cfc03466ed0"}


@pytest.fixture
def page(client, interview):
    client.force_login(interview.patient.user)
    return reverse("interviews:consent", args=[interview.pk])


def test_agreeing_is_stored_with_the_version_of_the_words(client, interview, page):
    response = client.post(page, {"decision": "agree"})
    consent = Consent.objects.get(patient=interview.patient)
    assert response.url == reverse("interviews:check", args=[interview.pk])
    assert (consent.purpose, consent.wording, consent.withdrawn_at) == ("care", WORDING[Consent.Purpose.CARE], None)


def test_agreeing_twice_is_one_consent(interview):
    assert record_consent(interview.patient) == record_consent(interview.patient)


def test_refusing_is_a_path_with_thanks_and_the_clinic_can_see_it(client, interview, page):
    response = client.post(page, {"decision": "refuse"}, follow=True)
    interview.refresh_from_db()
    assert interview.refused_at
    assert not Consent.objects.exists()
    assert "will see that you decided against it" in response.content.decode()


def test_one_may_change_ones_mind_after_refusing(client, interview, page):
    client.post(page, {"decision": "refuse"})
    client.post(page, {"decision": "agree"})
    interview.refresh_from_db()
    assert interview.refused_at is None
    assert standing_consent(interview.patient)


@pytest.mark.parametrize("name", ["check", "room"])
def test_without_consent_there_is_no_camera(client, interview, page, name):
    response = client.get(reverse(f"interviews:{name}", args=[interview.pk]))
    assert response.url == page


def test_without_consent_the_api_opens_nothing(client, answer):
    client.force_login(answer.interview.patient.user)
    path = f"/api/answers/{answer.pk}/recordings/"
    response = client.post(path, {"mime_type": "video/webm"}, content_type="application/json")
    assert response.status_code == 403
    assert "without your consent" in response.json()["detail"]
    assert not answer.recordings.exists()


def test_after_withdrawing_no_further_part_is_taken_and_the_kept_ones_stay(client, interview, answer, page):
    take = open_take(client, answer)
    put(client, take, 0, b"before")
    client.post(page, {"decision": "withdraw"})
    response = put(client, take, 1, b"after")
    assert (response.status_code, response.json()["code"]) == (403, "ConsentMissing")
    assert [chunk.seq for chunk in answer.recordings.get().chunks.all()] == [0]
    assert client.get(reverse("interviews:room", args=[interview.pk])).url == page


def test_withdrawing_keeps_the_row_because_it_did_happen(patient):
    consent = record_consent(patient)
    withdraw_consent(patient)
    consent.refresh_from_db()
    assert consent.withdrawn_at
    assert record_consent(patient) != consent


def test_a_new_text_asks_again(interview, client, page):
    Consent.objects.create(patient=interview.patient, purpose="care", wording="care-0")
    assert standing_consent(interview.patient) is None
    client.post(page, {"decision": "agree"})
    assert Consent.objects.get(withdrawn_at=None).wording == WORDING[Consent.Purpose.CARE]


def test_a_senseless_decision_is_asked_again(client, page):
    response = client.post(page, {"decision": "perhaps"})
    assert response.status_code == 422
    assert "press one of the two buttons" in response.content.decode()


def test_the_words_match_their_version(interview):
    words = render_to_string("interviews/_consent_text.html", {"interview": interview, "crisis_text": "…"})
    digest = hashlib.sha256(" ".join(words.split()).encode()).hexdigest()
    assert KNOWN_WORDINGS[WORDING[Consent.Purpose.CARE]] == digest, "New words need a new version in clinic.services."


def test_the_page_says_what_matters_before_the_camera(client, page):
    text = client.get(page).content.decode()
    for promise in ("What is recorded", "measures how", "Who sees it", "Nobody is watching", "withdraw your consent"):
        assert promise in text


def test_a_finished_interview_shows_only_thanks(client, interview, page):
    record_consent(interview.patient)
    Interview.objects.filter(pk=interview.pk).update(state=Interview.State.FINISHED)
    for name in ("check", "room"):
        assert client.get(reverse(f"interviews:{name}", args=[interview.pk])).url.endswith("/done/")
