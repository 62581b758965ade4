"""Interviews as they are after all work, with something to look at: made words, a made timeline, a recording."""

from __future__ import annotations

import io
from math import sin
from pathlib import Path

from django.core.files.storage import default_storage
from django.utils import timezone

from clinic import jobs
from clinic.integrations.hearing import Word
from clinic.models import Job, Patient
from clinic.sealed_files import write_sealed
from emotion.ml.labels import LABELS
from emotion.ml.readings import Gap, Point, Reading
from emotion.services import store_reading
from interviews import queries
from interviews.models import Answer, Interview, QuestionSet, Recording, Transcript
from interviews.stages import ANSWER_STAGES, REPORT
from tests import factories

SAID = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, "
    "it was the epoch of belief, it was the epoch of incredulity, it was the season of light, it was the season of "
    "darkness, it was the spring of hope, it was the winter of despair."
)
PACE = 0.32  # seconds a word


def words_of(text: str = SAID, start: float = 0.4) -> list[Word]:
    """One word after another; a pause after each comma long enough for every fourth one to begin a passage."""
    words, at = [], start
    for index, word in enumerate(text.split()):
        words.append(Word(word, round(at, 2), round(at + PACE * 0.8, 2), 0.35 if index % 17 == 5 else 0.93))
        at += PACE + (1.5 if index % 24 == 23 else 0.0)
    return words


def a_reading(duration: float = 20.0, rate: float = 5.0) -> Reading:
    """From sad to happy, with nobody in the picture in the middle and silence at the end."""
    return Reading(
        points=tuple(_point(index / rate, duration) for index in range(int(duration * rate))),
        duration=duration,
        pack="made",
        pack_sha256="ab" * 32,
    )


def reviewed(answer: Answer, film: bytes = b"\x1aE\xdf\xa3 not really a film", duration: float = 20.0) -> Recording:
    """An answer with everything done to it. `film`: the playable file; made bytes do where nobody plays it."""
    key = answer.interview.key
    take = factories.a_recording(
        answer, state=Recording.State.KEPT, kept_at=timezone.now(), joined_type="video/webm", duration=duration
    )
    take.joined_path = f"{take.folder}/{take.pk}.joined"
    take.joined_bytes = write_sealed(io.BytesIO(film), Path(default_storage.path(take.joined_path)), key)
    take.save()
    answer.state, answer.receipt, answer.recorded_at = Answer.State.RECORDED, "K7QM-2XPA", timezone.now()
    answer.save()
    heard(answer)
    store_reading(a_reading(duration), take.pk, key)
    set_stages(answer.subject, ANSWER_STAGES, Job.State.DONE)
    return take


def heard(answer: Answer) -> Transcript:
    words = words_of()
    said = {"text": " ".join(word.word for word in words), "words": queries.words_as_json(words)}
    sealed = answer.interview.key.seal_json(said, queries.transcript_name(answer.pk))
    return Transcript.objects.create(answer=answer, sealed=sealed, engine="whisper tiny.en", language="en")


def a_finished_interview(
    patient: Patient, question_set: QuestionSet | None = None, film: bytes = b"\x1aE\xdf\xa3 not really a film"
) -> Interview:
    """Answered, analysed, its report drafted as far as its job row says."""
    interview = factories.an_interview(patient, question_set)
    for answer in interview.answers.all():
        reviewed(answer, film)
    interview.state, interview.finished_at = Interview.State.FINISHED, timezone.now()
    interview.started_at = interview.finished_at
    interview.save()
    set_stages(interview.subject, [REPORT], Job.State.DONE)
    return interview


def set_stages(subject: str, stages, state: str, percent: int = 100, reason: str = "") -> None:
    jobs.open_jobs(subject, stages)
    rows = Job.objects.filter(subject=subject, stage__in=list(stages))
    rows.update(state=state, percent=percent, reason=reason, ended_at=timezone.now())


def _point(at: float, duration: float) -> Point:
    share = at / duration
    heard, voice = _heard(at, share)
    if 0.4 < share < 0.55:
        return Point(at=at, face_gap=Gap.NO_FACE, voice=voice, fused=voice, **heard)
    face = _spread(
        neutral=0.25, happy=max(0.02, min(0.9, share * 1.3 - 0.3)), sad=max(0.02, 0.75 - share + 0.1 * sin(3 * at))
    )
    both = tuple((one + other) / 2 for one, other in zip(face, voice, strict=True)) if voice else face
    return Point(at=at, face=face, voice=voice, fused=both, **heard)


def _heard(at: float, share: float) -> tuple[dict, tuple[float, ...] | None]:
    """What the sound gives at a moment, and the voice's expression: none in silence, nor in the first second."""
    if share > 0.85:
        return {"speech": 0.05, "voice_gap": Gap.SILENCE}, None
    heard = {"speech": 0.9 - 0.5 * (int(at) % 4 == 3), "pitch": 22 + 3 * sin(at), "arousal": 1.4 * sin(at / 2)}
    if at < 1:
        return heard | {"voice_gap": Gap.LITTLE_SPEECH}, None
    return heard, _spread(neutral=0.3, calm=0.3, sad=0.3 - 0.2 * share, angry=0.1 + 0.4 * share)


def _spread(**weights: float) -> tuple[float, ...]:
    whole = dict.fromkeys(LABELS, 0.02) | {"calm": 0.0} | weights
    return tuple(whole[label] / sum(whole.values()) for label in LABELS)
