"""The audio of questions: made for a set, made again for many at once, stopped, and cleared."""

import os
import time
from pathlib import Path

import pytest

from clinic import jobs
from clinic.integrations.speaking import SpeakingError, Spoken, VoiceMissing
from clinic.models import AuditEntry
from interviews import tasks
from interviews.errors import InterviewError
from interviews.models import Disorder, Question, QuestionSet
from interviews.queries.voices import unused_audio, voices_of
from interviews.services import questions as sets
from interviews.services import speaking as verbs
from interviews.stages import SPEAK

TEXTS = ("How are you?", "What helps?", "Who helps?")


class ScriptedVoice:
    def __init__(self, fails_at: str = "", name: str = "scripted", note: str = "gTTS did not answer."):
        self.fails_at, self.name, self.note, self.said = fails_at, name, note, []

    def speak(self, text: str, again: bool = False) -> Spoken:
        if text == self.fails_at:
            raise SpeakingError("The voice is hoarse.")
        self.said.append(text)
        return Spoken(b"RIFF", "audio/wav", self.name, f"questions/{len(self.said)}.wav", self.note)


def a_set(name: str, language: str = "en", texts: tuple[str, ...] = TEXTS) -> QuestionSet:
    disorder = Disorder.objects.create(name=name, slug=name.lower().replace(" ", "-"))
    made = QuestionSet.objects.create(disorder=disorder, title=name, language=language, licence="CC0-1.0")
    for position, text in enumerate(texts, start=1):
        Question.objects.create(question_set=made, position=position, text=text)
    return made


@pytest.fixture
def draft(db) -> QuestionSet:
    return a_set("Low mood")


@pytest.fixture
def published(draft, admin) -> QuestionSet:
    return sets.publish(draft, admin)


def the_job() -> jobs.Job:
    (job,) = jobs.open_jobs(verbs.SUBJECT, [SPEAK])
    return jobs.claim(verbs.SUBJECT, SPEAK, "me") or job


# --- One set ---


def test_every_question_of_a_published_set_is_spoken_ahead(published):
    shares: list[float] = []
    spoken = verbs.speak_questions(published, shares.append)
    assert (spoken.made, spoken.notes) == (3, ())
    assert shares[-1] == 1.0
    for question in published.questions.all():
        assert question.audio.open().read(4) == b"RIFF"
        assert question.audio_voice == spoken.voices[0]


def test_a_draft_is_not_spoken(draft):
    with pytest.raises(InterviewError, match="publish it first"):
        verbs.speak_questions(draft, voice=ScriptedVoice())


def test_audio_can_be_made_again_and_each_question_says_which_voice_and_why(published):
    verbs.speak_questions(published)
    spoken = verbs.speak_questions(published, voice=ScriptedVoice())
    assert spoken.voices == ("scripted",)
    assert spoken.notes == ("gTTS did not answer.",)
    question = published.questions.first()
    assert (question.audio_voice, question.audio_trouble) == ("scripted", "gTTS did not answer.")


def test_a_question_that_cannot_be_spoken_says_so_and_the_others_are_spoken(published):
    with pytest.raises(SpeakingError, match="hoarse"):
        verbs.speak_questions(published, voice=ScriptedVoice(fails_at="What helps?"))
    assert [bool(question.audio) for question in published.questions.all()] == [True, False, True]
    assert published.questions.get(position=2).audio_trouble == "The voice is hoarse."


# --- Many sets at once ---


def test_many_sets_are_spoken_again_by_one_job_that_says_how_far_it_is(published, admin):
    other = sets.publish(a_set("Worry"), admin)
    assert verbs.ask_for_voices([published, other, a_set("A draft")], admin) == 6
    shares: list[float] = []
    outcome = verbs.speak_due(the_job(), shares.append, lambda language: ScriptedVoice())[SPEAK]
    assert (outcome.reason, outcome.failed) == ("6 questions were spoken.", False)
    assert shares == sorted(shares)
    assert (len(shares), shares[-1]) == (6, 1.0)
    assert not verbs.due().exists()
    assert AuditEntry.objects.filter(verb="have spoken").count() == 2


def test_failures_are_kept_question_by_question_and_the_old_audio_stays(published, admin):
    verbs.speak_questions(published)
    verbs.ask_for_voices([published], admin)
    outcome = verbs.speak_due(the_job(), print, lambda language: ScriptedVoice("What helps?", note=""))[SPEAK]
    assert outcome.reason == "2 questions were spoken. One could not be."
    (found,) = voices_of([published])
    assert [(one.position, one.trouble) for one in found.troubled if "hoarse" in one.trouble] == [
        (2, "The voice is hoarse.")
    ]
    assert published.questions.get(position=2).audio_voice.startswith("pico")


def test_a_language_without_a_voice_fails_question_by_question(published, admin):
    def nobody(language):
        raise VoiceMissing("No voice.")

    verbs.ask_for_voices([published], admin)
    outcome = verbs.speak_due(the_job(), print, nobody)[SPEAK]
    assert (outcome.failed, outcome.reason) == (True, "0 questions were spoken. 3 could not be.")
    assert set(published.questions.values_list("audio_trouble", flat=True)) == {"No voice."}


def test_only_stand_ins_and_silent_questions_are_asked_for_where_that_is_wanted(published, admin):
    verbs.speak_questions(published)
    published.questions.filter(position=1).update(audio_voice="another")
    Path(published.questions.get(position=3).audio.path).unlink()
    (found,) = voices_of([published])
    assert (found.stand_ins, found.silent) == (1, 1)
    assert verbs.ask_for_voices([published], admin, only_missing=True) == 2
    assert set(verbs.due().values_list("position", flat=True)) == {1, 3}


def test_somebody_can_stop_it_and_what_was_spoken_stays(published, admin):
    verbs.ask_for_voices([published], admin)
    voice = ScriptedVoice()
    verbs.speak_due(the_job(), lambda share: verbs.stop_speaking(admin), lambda language: voice)
    assert voice.said == ["How are you?"]
    assert [bool(question.audio) for question in published.questions.all()] == [True, False, False]
    assert verbs.stop_speaking(admin) == 0


def test_a_worker_that_died_half_way_is_followed_by_one_that_does_the_rest(published, admin):
    verbs.ask_for_voices([published], admin)

    def dies(share: float) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        verbs.speak_due(the_job(), dies, lambda language: ScriptedVoice())
    voice = ScriptedVoice()
    verbs.speak_due(the_job(), print, lambda language: voice)
    assert voice.said == ["What helps?", "Who helps?"]


def test_the_task_speaks_all_that_is_due_and_ends_its_row(published, admin, django_capture_on_commit_callbacks):
    verbs.ask_for_voices([published], admin)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.enqueue_due()
    (job,) = jobs.of(verbs.SUBJECT)
    assert (job.state, job.percent, job.reason) == ("done", 100, "3 questions were spoken.")
    assert all(question.audio for question in published.questions.all())


def test_speaking_that_nobody_does_is_found_and_queued_again(published, admin):
    verbs.ask_for_voices([published], admin)
    for subject in (verbs.SUBJECT, published.subject):
        jobs.open_jobs(subject, [SPEAK])
    jobs.Job.objects.update(created_at="2020-01-01T00:00:00Z")
    assert set(tasks.requeue(dry_run=True).speak) == {verbs.SUBJECT, published.subject}
    tasks.requeue()
    assert {job.state for job in jobs.of(verbs.SUBJECT, published.subject)} == {"done"}


# --- What no set uses ---


def test_files_that_no_question_uses_are_counted_and_removed_but_young_ones_stay(published, admin, settings):
    verbs.speak_questions(published)
    folder = Path(settings.MEDIA_ROOT) / "questions"
    for name in ("old.wav", "young.wav"):
        (folder / name).write_bytes(b"12345")
    hours_ago = time.time() - 7200
    for path in folder.iterdir():
        if path.name != "young.wav":
            os.utime(path, (hours_ago, hours_ago))
    found = unused_audio()
    assert ([path.name for path in found.files], found.size) == (["old.wav"], 5)
    assert verbs.remove_unused_audio(admin) == 1
    assert {path.name for path in folder.iterdir()} >= {"young.wav"}
    assert all(question.audio.storage.exists(question.audio.name) for question in published.questions.all())
    assert verbs.remove_unused_audio(admin) == 0
