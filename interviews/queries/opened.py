"""The replies themselves, opened with the interview's key: what was said, and what was read from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from clinic import vault
from clinic.integrations.hearing import Word
from emotion.ml.readings import Point
from emotion.queries import StoredTimeline, timelines
from interviews.models import Answer, Interview, Recording, Transcript
from interviews.queries.work import Stage, answer_stages, kept_recordings, stages_of


@dataclass(frozen=True)
class Reply:
    """One answer, opened: the question, what was said, and what was read from it.

    `words` carry their times, `points` are the timeline; both are empty while the work is not done, and after a stage
    failed or found nothing: `stages` say why.
    """

    answer_id: int
    position: int
    question: str
    state: str  # Answer.State
    receipt: str
    recorded_at: datetime | None
    recording_id: UUID | None
    is_playable: bool
    mime_type: str  # of the playable file
    bytes: int
    duration: float | None  # seconds
    text: str
    words: tuple[Word, ...]
    engine: str  # what heard it
    language: str
    timeline: StoredTimeline | None
    stages: tuple[Stage, ...]

    @property
    def points(self) -> Sequence[Point]:
        return self.timeline.points if self.timeline else ()

    @property
    def is_recorded(self) -> bool:
        return self.state == Answer.State.RECORDED

    def stage(self, name: str) -> Stage:
        return next((stage for stage in self.stages if stage.name == name), Stage(name))


def words_of(transcript: Transcript, key: vault.Key) -> list[Word]:
    said = key.open_json(bytes(transcript.sealed), transcript_name(transcript.answer_id))
    return [Word(**word) for word in said["words"]]


def replies(interview: Interview, key: vault.Key | None = None, with_timelines: bool = True) -> list[Reply]:
    """Every question's answer, in order. Six queries. Raises vault.KeyErased after the interview was erased."""
    return _replies(Answer.objects.filter(interview=interview), key or interview.key, with_timelines)


def interview_by_id(interview_id: int) -> Interview | None:
    """For a worker, which is asked for one by its id: whom it belongs to is not asked. None once it is gone."""
    rows = Interview.objects.select_related("patient", "question_set__disorder")
    return rows.filter(pk=interview_id).first()


def reply(interview: Interview, answer_id: int) -> Reply:
    """One of them. Raises vault.KeyErased, and Answer.DoesNotExist for another interview's."""
    opened = _replies(Answer.objects.filter(interview=interview, pk=answer_id), interview.key, with_timelines=True)
    if not opened:
        raise Answer.DoesNotExist
    return opened[0]


def _replies(found: QuerySet[Answer], key: vault.Key, with_timelines: bool) -> list[Reply]:
    answers = list(found.select_related("question", "transcript"))
    kept = kept_recordings(answers)
    stages = stages_of(answer.subject for answer in answers)
    read = timelines([take.pk for take in kept.values()], key) if with_timelines else {}
    return [_reply(answer, kept.get(answer.pk), stages, read, key) for answer in answers]


def transcript_name(answer_id: int) -> str:
    """What a sealed transcript is about: none can pass for another."""
    return f"transcript:{answer_id}"


def words_as_json(words: Iterable[Word]) -> list[dict[str, Any]]:
    return [asdict(word) for word in words]


def _reply(
    answer: Answer,
    take: Recording | None,
    stages: dict[str, dict[str, Stage]],
    read: dict[UUID, StoredTimeline],
    key: vault.Key,
) -> Reply:
    transcript = getattr(answer, "transcript", None)
    said: dict[str, Any] = {"text": "", "words": []}
    if transcript:
        said = key.open_json(bytes(transcript.sealed), transcript_name(answer.pk))
    return Reply(
        answer_id=answer.pk,
        position=answer.question.position,
        question=answer.question.text,
        state=answer.state,
        receipt=answer.receipt,
        recorded_at=answer.recorded_at,
        recording_id=take.pk if take else None,
        is_playable=bool(take and take.joined_path),
        mime_type=take.joined_type if take else "",
        bytes=(take.joined_bytes if take else 0) or 0,
        duration=take.duration if take else None,
        text=said["text"],
        words=tuple(Word(**word) for word in said["words"]),
        engine=transcript.engine if transcript else "",
        language=transcript.language if transcript else "",
        timeline=read.get(take.pk) if take else None,
        stages=answer_stages(answer, stages),
    )
