"""Answers with known contents: as replies for the pure parts, as sealed rows for the rest."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import emotion.services
from clinic import jobs
from clinic.integrations.hearing import Word
from clinic.models import Job
from emotion.ml.labels import LABELS
from emotion.ml.readings import Gap, Point, Reading
from emotion.queries import StoredTimeline
from interviews.models import Answer, Interview, Recording, Transcript
from interviews.queries import Reply, Stage, transcript_name, words_as_json
from interviews.stages import ANSWER_STAGES

RATE = 5.0


def words(text: str, start: float = 0.5, step: float = 0.4) -> tuple[Word, ...]:
    """A word each `step` seconds; "…" is a pause of three seconds."""
    made, at = [], start
    for word in text.split():
        if word == "…":
            at += 3.0
            continue
        made.append(Word(word, round(at, 2), round(at + step * 0.9, 2), 0.9))
        at += step
    return tuple(made)


def face(label: str, probability: float = 0.7) -> tuple[float, ...]:
    rest = (1 - probability) / (len(LABELS) - 1)
    return tuple(probability if one == label else rest for one in LABELS)


def points(*stretches: tuple[str, float], arousal: dict[float, float] | None = None) -> list[Point]:
    """Stretches of a label, or of a gap's reason, each so many seconds long."""
    made: list[Point] = []
    for what, seconds in stretches:
        for _ in range(round(seconds * RATE)):
            at = len(made) / RATE
            seen = {"face": face(what)} if what in LABELS else {"face_gap": Gap(what)}
            made.append(Point(at=at, speech=0.9, arousal=(arousal or {}).get(at, 0.0), **seen))
    return made


def a_reply(text: str = "I sleep badly and I worry", seen: Iterable[Point] = (), **fields) -> Reply:
    seen = list(seen)
    timeline = StoredTimeline(seen, "starter", "ab" * 32, {}, RATE, len(seen) / RATE) if seen else None
    reply = Reply(
        answer_id=11,
        position=1,
        question="How have you been?",
        state=Answer.State.RECORDED,
        receipt="R-1",
        recorded_at=datetime(2026, 11, 1, 9, 30, tzinfo=UTC),
        recording_id=uuid4(),
        is_playable=True,
        mime_type="video/webm",
        bytes=1000,
        duration=len(seen) / RATE or 20.0,
        text=" ".join(text.replace("…", "").split()),
        words=words(text),
        engine="scripted",
        language="en",
        timeline=timeline,
        stages=tuple(Stage(name, Job.State.DONE, 100) for name in ANSWER_STAGES),
    )
    return replace(reply, **fields)


def answered(answer: Answer, text: str, seen: Iterable[Point] = ()) -> Answer:
    """The answer as workers leave it: recorded, heard and read, all of it sealed."""
    key = answer.interview.key
    answer.state, answer.recorded_at, answer.receipt = Answer.State.RECORDED, datetime.now(UTC), "R-1"
    answer.save()
    recording = Recording.objects.create(answer=answer, state=Recording.State.KEPT, mime_type="video/webm")
    recording.duration, recording.joined_path = 20.0, "somewhere"
    recording.save()
    said = {"text": " ".join(text.replace("…", "").split()), "words": words_as_json(words(text))}
    sealed = key.seal_json(said, transcript_name(answer.pk))
    Transcript.objects.create(answer=answer, sealed=sealed, engine="scripted", language="en")
    reading = Reading(tuple(seen), 20.0, "starter", "ab" * 32)
    if reading.points:
        emotion.services.store_reading(reading, recording.pk, key)
    for job in jobs.open_jobs(answer.subject, ANSWER_STAGES):
        job.state, job.percent = Job.State.DONE, 100
        job.save()
    return answer


def finished(interview: Interview) -> Interview:
    interview.state, interview.finished_at = Interview.State.FINISHED, datetime(2026, 11, 1, 10, 0, tzinfo=UTC)
    interview.save()
    return interview
