"""State, timeline and transcript as JSON."""

import pytest
from django.urls import reverse

from clinic.models import Job
from emotion.ml.labels import LABELS
from emotion.models import StoredReading
from interviews.models import Interview, Transcript
from tests.interviews import scenes


@pytest.fixture
def signed_in(client, clinician):
    client.force_login(clinician)
    return client


def get(client, name: str, pk: int):
    return client.get(reverse(f"interviews:{name}", args=[pk]))


def test_the_state_is_that_of_the_rows(signed_in, interview, answer):
    scenes.reviewed(answer)
    scenes.set_stages(answer.subject, ["faces"], Job.State.RUNNING, 41)
    told = get(signed_in, "state", interview.pk).json()
    stages = {stage["name"]: stage for stage in told["answers"][0]["stages"]}
    assert (stages["faces"]["state"], stages["faces"]["percent"]) == ("running", 41)
    assert told["answers"][0]["is_playable"]


def test_the_timeline_comes_by_column(signed_in, answer):
    scenes.reviewed(answer, duration=20.0)
    told = get(signed_in, "timeline", answer.pk).json()
    assert told["labels"] == list(LABELS)
    assert len(told["at"]) == len(told["face"][0]) == len(told["pitch"]) == 100
    assert (told["pack"], told["duration"]) == ("made", 20.0)
    assert None in told["face"][0]
    assert sum(column[0] for column in told["face"]) == pytest.approx(1, abs=1e-3)


def test_the_words_come_with_their_times(signed_in, answer):
    scenes.reviewed(answer)
    told = get(signed_in, "transcript", answer.pk).json()
    assert told["words"][0] == {"word": "It", "start": 0.4, "end": 0.66, "confidence": 0.93}


def test_captions_are_webvtt(signed_in, answer):
    scenes.reviewed(answer)
    response = get(signed_in, "captions", answer.pk)
    assert response["Content-Type"].startswith("text/vtt")
    assert response.content.startswith(b"WEBVTT")


@pytest.mark.parametrize("name", ["timeline", "transcript", "captions"])
def test_what_is_not_there_yet_is_a_404(signed_in, answer, name):
    assert get(signed_in, name, answer.pk).status_code == 404


@pytest.mark.parametrize("name", ["timeline", "transcript", "captions"])
def test_what_was_erased_is_a_404(signed_in, answer, name):
    scenes.reviewed(answer)
    Interview.objects.update(wrapped_key=b"")
    assert get(signed_in, name, answer.pk).status_code == 404


def test_one_missing_does_not_take_the_other(signed_in, answer):
    scenes.reviewed(answer)
    Transcript.objects.all().delete()
    assert get(signed_in, "timeline", answer.pk).status_code == 200
    StoredReading.objects.all().delete()
    assert get(signed_in, "timeline", answer.pk).status_code == 404


@pytest.mark.parametrize("name", ["timeline", "transcript", "state"])
def test_it_may_not_be_stored_on_the_way(signed_in, interview, answer, name):
    scenes.reviewed(answer)
    pk = interview.pk if name == "state" else answer.pk
    assert "no-store" in get(signed_in, name, pk)["Cache-Control"]
