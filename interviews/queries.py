"""What to show of an interview: how far its work is, and the replies themselves.

Progress needs no key and opens nothing; replies are opened with the interview's key. Both cost the same number of
queries however many answers or interviews there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from clinic import jobs, vault
from clinic.integrations.hearing import Word
from clinic.models import Job
from emotion.ml.readings import Point
from emotion.queries import StoredTimeline, timelines
from interviews.models import Answer, Interview, Recording, RiskFlag, Transcript
from interviews.risk import Finding
from interviews.stages import ANSWER_STAGES, LABELS, REPORT

# --- How far the work is ---


@dataclass(frozen=True)
class Stage:
    """One stage of the work, as its job row has it. `reason`: why it failed, or why its result is empty."""

    name: str
    state: str = Job.State.WAITING
    percent: int = 0
    reason: str = ""

    @property
    def label(self) -> str:
        return str(LABELS[self.name])

    @property
    def state_label(self) -> str:
        return str(Job.State(self.state).label)

    @property
    def is_final(self) -> bool:
        return self.state in jobs.FINAL

    @property
    def has_failed(self) -> bool:
        return self.state == Job.State.FAILED


@dataclass(frozen=True)
class AnswerProgress:
    """One answer. Without a recording it has no stages."""

    answer_id: int
    position: int
    question: str
    state: str  # Answer.State
    recording_id: UUID | None
    is_playable: bool
    duration: float | None  # seconds
    stages: tuple[Stage, ...]
    risk: str = "none"  # or "open", or "seen": whether words were found that call for a person

    @property
    def percent(self) -> int:
        """Of the work on this answer. A failed stage is over, too."""
        if not self.stages:
            return 0
        return sum(100 if stage.is_final else stage.percent for stage in self.stages) // len(self.stages)

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return all(stage.is_final for stage in self.stages)

    @property
    def badge(self) -> str:
        """waiting, running, done or failed: how its stages stand together."""
        return _together(self.stages) if self.stages else "waiting"


@dataclass(frozen=True)
class Progress:
    """One interview: `state` as the patient left it, `badge` and `percent` of the work on what she gave."""

    interview_id: int
    state: str  # Interview.State
    answers: tuple[AnswerProgress, ...]
    report: Stage

    @property
    def recorded(self) -> tuple[AnswerProgress, ...]:
        return tuple(answer for answer in self.answers if answer.state == Answer.State.RECORDED)

    @property
    def needs_person(self) -> bool:
        """Whether words call for a person, and nobody has acknowledged them."""
        return any(answer.risk == "open" for answer in self.answers)

    @property
    def is_finished(self) -> bool:
        """Whether the patient is done."""
        return self.state == Interview.State.FINISHED

    @property
    def is_analysed(self) -> bool:
        """Whether all work on all recorded answers is over, well or not."""
        return all(answer.is_settled for answer in self.recorded)

    @property
    def percent(self) -> int:
        """Of the whole: each question of the set counts alike, the report as one more."""
        parts = [answer.percent for answer in (self.recorded if self.is_finished else self.answers)]
        parts.append(100 if self.report.is_final else self.report.percent)
        return sum(parts) // len(parts)

    @property
    def badge(self) -> str:
        """waiting, running, done or failed."""
        stages = [stage for answer in self.recorded for stage in answer.stages]
        if self.is_finished:
            return _together([*stages, self.report])
        return _together(stages) if stages and not self.is_analysed else "waiting"


def progress(interview: Interview) -> Progress:
    return progress_of([interview])[interview.pk]


def progress_of(interviews: Iterable[Interview]) -> dict[int, Progress]:
    """By the interview's id. Four queries, however many interviews there are."""
    interviews = list(interviews)
    answers = list(Answer.objects.filter(interview__in=interviews).select_related("question"))
    kept = _kept_recordings(answers)
    stages = _stages([*(answer.subject for answer in answers), *(interview.subject for interview in interviews)])
    flags = {flag.answer_id: flag for flag in RiskFlag.objects.filter(answer__interview__in=interviews)}
    by_interview: dict[int, list[AnswerProgress]] = {interview.pk: [] for interview in interviews}
    for answer in answers:
        by_interview[answer.interview_id].append(
            _answer_progress(answer, kept.get(answer.pk), stages, flags.get(answer.pk))
        )
    return {
        interview.pk: Progress(
            interview_id=interview.pk,
            state=interview.state,
            answers=tuple(by_interview[interview.pk]),
            report=stages.get(interview.subject, {}).get(REPORT, Stage(REPORT)),
        )
        for interview in interviews
    }


def state(interview: Interview) -> dict[str, Any]:
    """Progress as JSON, for a page that was told to look. Nothing a patient said is in it."""
    now = progress(interview)
    return {
        "interview": now.interview_id,
        "state": now.state,
        "state_label": str(Interview.State(now.state).label),
        "badge": now.badge,
        "percent": now.percent,
        "report": _stage_json(now.report),
        "answers": [
            {
                "answer": answer.answer_id,
                "position": answer.position,
                "state": answer.state,
                "recording": str(answer.recording_id) if answer.recording_id else None,
                "is_playable": answer.is_playable,
                "duration": answer.duration,
                "badge": answer.badge,
                "risk": answer.risk,
                "percent": answer.percent,
                "stages": [_stage_json(stage) for stage in answer.stages],
            }
            for answer in now.answers
        ],
    }


# --- What was said and seen ---


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


@dataclass(frozen=True)
class Alert:
    """Words in an answer that call for a person, opened, and who has seen them."""

    findings: tuple[Finding, ...]
    raised_at: datetime
    escalated_at: datetime | None
    acknowledged_by: str
    acknowledged_at: datetime | None
    note: str

    @property
    def is_open(self) -> bool:
        return self.acknowledged_at is None


def alert(interview: Interview, answer_id: int) -> Alert | None:
    """What was found in an answer of this interview; None where nothing was. Raises vault.KeyErased."""
    flags = RiskFlag.objects.filter(answer=answer_id, answer__interview=interview)
    flag = flags.select_related("acknowledged_by").first()
    if flag is None:
        return None
    key = interview.key
    return Alert(
        findings=tuple(Finding(**one) for one in key.open_json(bytes(flag.sealed), flag_name(answer_id))),
        raised_at=flag.raised_at,
        escalated_at=flag.escalated_at,
        acknowledged_by=str(flag.acknowledged_by or ""),
        acknowledged_at=flag.acknowledged_at,
        note=key.open_json(bytes(flag.sealed_note), note_name(answer_id)) if flag.sealed_note else "",
    )


def open_flags(clinician_id: int) -> list[RiskFlag]:
    """What a clinician has not acknowledged, the oldest first."""
    rows = RiskFlag.objects.filter(acknowledged_at=None, answer__interview__patient__clinician=clinician_id)
    return list(rows.select_related("answer__interview__patient", "answer__question"))


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
    kept = _kept_recordings(answers)
    stages = _stages(answer.subject for answer in answers)
    read = timelines([take.pk for take in kept.values()], key) if with_timelines else {}
    return [_reply(answer, kept.get(answer.pk), stages, read, key) for answer in answers]


def transcript_name(answer_id: int) -> str:
    """What a sealed transcript is about: none can pass for another."""
    return f"transcript:{answer_id}"


def flag_name(answer_id: int) -> str:
    return f"risk:{answer_id}"


def note_name(answer_id: int) -> str:
    return f"risk-note:{answer_id}"


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
        stages=_answer_stages(answer, stages),
    )


def _answer_progress(
    answer: Answer, take: Recording | None, stages: dict[str, dict[str, Stage]], flag: RiskFlag | None
) -> AnswerProgress:
    return AnswerProgress(
        answer_id=answer.pk,
        position=answer.question.position,
        question=answer.question.text,
        state=answer.state,
        recording_id=take.pk if take else None,
        is_playable=bool(take and take.joined_path),
        duration=take.duration if take else None,
        stages=_answer_stages(answer, stages),
        risk="none" if flag is None else "open" if flag.is_open else "seen",
    )


def _answer_stages(answer: Answer, stages: dict[str, dict[str, Stage]]) -> tuple[Stage, ...]:
    if answer.state != Answer.State.RECORDED:
        return ()
    own = stages.get(answer.subject, {})
    return tuple(own.get(name, Stage(name)) for name in ANSWER_STAGES)


def _kept_recordings(answers: Iterable[Answer]) -> dict[int, Recording]:
    kept = Recording.objects.filter(answer__in=list(answers), state=Recording.State.KEPT)
    return {take.answer_id: take for take in kept}


def _stages(subjects: Iterable[str]) -> dict[str, dict[str, Stage]]:
    found: dict[str, dict[str, Stage]] = {}
    for job in jobs.of(*subjects):
        found.setdefault(job.subject, {})[job.stage] = Stage(job.stage, job.state, job.percent, job.reason)
    return found


def _together(stages: Sequence[Stage]) -> str:
    states = {stage.state for stage in stages}
    if states <= set(jobs.FINAL):
        return "failed" if Job.State.FAILED in states else "done"
    return "waiting" if states == {Job.State.WAITING} else "running"


def _stage_json(stage: Stage) -> dict[str, Any]:
    return {
        "name": stage.name,
        "label": stage.label,
        "state": stage.state,
        "state_label": stage.state_label,
        "percent": stage.percent,
        "reason": stage.reason,
    }
