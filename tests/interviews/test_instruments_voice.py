"""Spoken answers: matched in plain code, shown back before they count, and not kept."""

from datetime import timedelta

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from clinic import jobs
from clinic.errors import ConsentMissing
from clinic.integrations.speaking import wav
from clinic.models import Job
from clinic.services import withdraw_consent
from interviews import queries, scale_tasks, spoken_choice
from interviews.models import RiskFlag, ScaleAnswer, SpokenReply
from interviews.services import keep_answer, spoken
from interviews.stages import HEAR
from tests.fakes import ScriptedHearing
from tests.interviews import asking
from tests.interviews.test_instruments import instrument

# --- Matching: no database ---

ENGLISH = [
    ("Not at all.", 0),
    ("not at all, no", None),
    ("never", 0),
    ("Several days", 1),
    ("I would say several days", 1),
    ("a few days", 1),
    ("more than half the days", 2),
    ("More than half of the days, I think.", 2),
    ("nearly every day", 3),
    ("Almost every day!", 3),
    ("every day", 3),
    ("not every day", None),
    ("two", 2),
    ("number three", 3),
    ("Zero.", 0),
    ("0", 0),
    ("too", 2),
    ("two days", None),
    ("two or three", None),
    ("seven", None),
    ("several days or more than half the days", None),
    ("sevral days", 1),
    ("the weather is nice", None),
    ("", None),
]
ARABIC = [
    ("أبداً", 0),
    ("أبدا", 0),
    ("ولا مرة", 0),
    ("عدة أيام", 1),
    ("بعض الأيام", 1),
    ("أكثر من نصف الأيام", 2),
    ("اكثر من نصف الايام", 2),
    ("كل يوم تقريباً", 3),
    ("تقريبا كل يوم", 3),
    ("كل يوم", 3),
    ("ليس كل يوم", None),
    ("اثنان", 2),
    ("الرقم ثلاثة", 3),
    ("صفر", 0),
    ("٢", 2),
    ("عدة أيام أو كل يوم", None),
    ("مرحبا", None),
]


@pytest.mark.parametrize(("said", "value"), ENGLISH, ids=[said or "silence" for said, _ in ENGLISH])
def test_what_was_said_in_english_is_matched_or_left_open(said, value):
    assert spoken_choice.choice(said, instrument("phq-9").items[0].options) == value


@pytest.mark.parametrize(("said", "value"), ARABIC, ids=[str(number) for number in range(len(ARABIC))])
def test_what_was_said_in_arabic_is_matched_or_left_open(said, value):
    assert spoken_choice.choice(said, instrument("phq-9", "ar").items[0].options) == value


@pytest.mark.parametrize(
    ("said", "value"),
    [("a little bit", 1), ("quite a bit", 3), ("moderately", 2), ("extremely", 4), ("not at all", 0), ("four", 4)],
)
def test_the_five_answers_of_the_pcl5_are_told_apart(said, value):
    assert spoken_choice.choice(said, instrument("pcl-5").items[0].options) == value


def test_every_answer_that_is_offered_is_understood_when_it_is_read_out():
    for slug, language in [("phq-9", "en"), ("phq-9", "ar"), ("gad-7", "en"), ("gad-7", "ar"), ("pcl-5", "en")]:
        for item in instrument(slug, language).items:
            for option in item.options:
                assert spoken_choice.choice(option.text, item.options) == option.value, (slug, language, option)


# --- Kept as long as it takes ---


@pytest.fixture
def scale(interview):
    return asking.asked(interview)


@pytest.fixture
def sound() -> bytes:
    return wav((np.sin(np.arange(16_000) / 20) * 8_000).astype("<i2").tobytes(), 16_000)


def heard(scale, sound: bytes, text: str, number: int = 1) -> queries.Understood:
    reply = spoken.receive_spoken(scale, number, sound, "audio/wav")
    job = jobs.claim(reply.subject, HEAR, jobs.new_owner())
    jobs.carry_out([job], lambda: spoken.hear(reply, job, ScriptedHearing(text)), scale_tasks.REFUSALS)
    return queries.understood(scale, number, scale.interview.key)


def test_what_was_said_is_shown_back_and_counts_only_once_it_is_confirmed(scale, sound):
    told = heard(scale, sound, "several days")
    assert (told.state, told.value, told.label, told.text) == ("done", 1, "Several days", "several days")
    assert queries.scale_results(scale.interview)[0].given == 0
    row = ScaleAnswer.objects.filter(scale=scale)
    keep_answer(scale, 1, 1, ScaleAnswer.How.VOICE)
    assert row.get().how == "voice"
    assert not SpokenReply.objects.exists()
    assert not Job.objects.filter(stage=HEAR).exists()


def test_the_sound_is_sealed_while_it_waits_and_gone_once_it_was_heard(scale, sound):
    reply = spoken.receive_spoken(scale, 1, sound, "audio/wav")
    assert sound not in bytes(reply.sealed)
    heard(scale, sound, "several days")
    kept = SpokenReply.objects.get()
    assert bytes(kept.sealed) == b""
    assert b"several" not in bytes(kept.sealed_heard)


def test_the_sound_is_gone_also_when_it_could_not_be_heard(scale):
    told = heard(scale, b"this is no sound", "never heard")
    assert told.state == "failed"
    assert told.reason
    assert bytes(SpokenReply.objects.get().sealed) == b""


def test_what_is_not_clear_chooses_nothing(scale, sound):
    assert heard(scale, sound, "two or three").value is None


def test_a_second_try_replaces_the_first_and_an_unconfirmed_one_is_forgotten(scale, sound):
    heard(scale, sound, "never")
    assert heard(scale, sound, "nearly every day").value == 3
    assert SpokenReply.objects.count() == Job.objects.filter(stage=HEAR).count() == 1
    SpokenReply.objects.update(created_at=timezone.now() - timedelta(minutes=11))
    scale_tasks.requeue(timedelta(minutes=1))
    assert not SpokenReply.objects.exists()
    assert not Job.objects.filter(stage=HEAR).exists()


def test_a_click_while_it_is_being_heard_wins_and_the_worker_goes_on(scale, sound, monkeypatch):
    reply = spoken.receive_spoken(scale, 1, sound, "audio/wav")

    class Clicked(ScriptedHearing):
        def hear(self, sound, on_progress=None):
            keep_answer(scale, 1, 3)
            return super().hear(sound, on_progress)

    monkeypatch.setattr(spoken, "hearing_for", lambda *_args, **_options: Clicked("several days"))
    scale_tasks.hear_reply(reply.pk)
    assert queries.scale_results(scale.interview)[0].item_scores[0].value == 3
    assert not SpokenReply.objects.exists()


def test_words_that_call_for_a_person_raise_a_flag_whatever_was_asked(scale, sound):
    assert heard(scale, sound, "I want to die", number=2).value is None
    assert RiskFlag.objects.get().scale_answer.number == 2
    [item] = queries.scale_results(scale.interview)[0].alerts
    assert (item.value, item.alert.findings[0].words) == (None, "want to die")


def test_nothing_is_heard_after_consent_was_withdrawn(scale, sound):
    withdraw_consent(scale.interview.patient)
    with pytest.raises(ConsentMissing):
        spoken.receive_spoken(scale, 1, sound, "audio/wav")


def test_a_language_without_an_engine_says_so_and_asks_for_a_click(interview, sound):
    scale = asking.asked(interview, "phq-9", "ar")
    reply = spoken.receive_spoken(scale, 1, sound, "audio/wav")
    scale_tasks.hear_reply(reply.pk)
    told = queries.understood(scale, 1, scale.interview.key)
    assert told.state == "failed"
    assert told.reason


# --- At the door ---


def door(scale) -> str:
    return reverse("interviews:scale_voice", args=[scale.pk, 1])


def test_the_patient_sends_a_few_seconds_and_asks_what_was_understood(client, scale, sound):
    client.force_login(scale.interview.patient.user)
    assert client.get(door(scale)).status_code == 404
    sent = client.post(door(scale), {"sound": SimpleUploadedFile("reply.wav", sound, "audio/wav")})
    assert sent.status_code == 202
    assert client.get(door(scale)).json()["state"] == "waiting"


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"", "audio/wav"), (b"x" * 600_001, "audio/wav"), (b"x", "text/plain")],
    ids=["none", "long", "text"],
)
def test_what_is_no_short_sound_is_refused_in_a_sentence(client, scale, body, kind):
    client.force_login(scale.interview.patient.user)
    sent = client.post(door(scale), {"sound": SimpleUploadedFile("reply", body, kind)})
    assert sent.status_code == 422
    assert sent.json()["detail"]
    assert not SpokenReply.objects.exists()


@pytest.mark.parametrize("who", ["stranger", "clinician", "strange_patient", "admin", "engineer"])
def test_nobody_else_speaks_for_her_or_hears_what_she_said(client, request, scale, sound, who):
    heard(scale, sound, "several days")
    person = request.getfixturevalue(who)
    client.force_login(getattr(person, "user", person))
    assert client.get(door(scale)).status_code == 404
    assert client.post(door(scale), {"sound": SimpleUploadedFile("reply", sound, "audio/wav")}).status_code == 404
