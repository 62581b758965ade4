"""How far the work on an interview is. Needs no key; costs the same number of queries for one or for many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from clinic import jobs
from clinic.models import Job
from clinic.reasons import told
from interviews.models import Answer, Interview, Recording, RiskFlag
from interviews.stages import ANSWER_STAGES, LABELS, REPORT


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
    scale_risk: str = "none"  # or "open", or "seen": whether an answer to a scale calls for a person

    @property
    def recorded(self) -> tuple[AnswerProgress, ...]:
        return tuple(answer for answer in self.answers if answer.state == Answer.State.RECORDED)

    @property
    def needs_person(self) -> bool:
        """Whether words or a scale's answer call for a person, and nobody has acknowledged them."""
        return self.scale_risk == "open" or any(answer.risk == "open" for answer in self.answers)

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
    kept = kept_recordings(answers)
    stages = stages_of([*(answer.subject for answer in answers), *(interview.subject for interview in interviews)])
    flags = list(RiskFlag.objects.of(interviews).select_related("scale_answer__scale"))
    by_answer = {flag.answer_id: flag for flag in flags if flag.answer_id}
    by_interview: dict[int, list[AnswerProgress]] = {interview.pk: [] for interview in interviews}
    for answer in answers:
        by_interview[answer.interview_id].append(
            _answer_progress(answer, kept.get(answer.pk), stages, by_answer.get(answer.pk))
        )
    return {
        interview.pk: Progress(
            interview_id=interview.pk,
            state=interview.state,
            answers=tuple(by_interview[interview.pk]),
            report=stages.get(interview.subject, {}).get(REPORT, Stage(REPORT)),
            scale_risk=_scale_risk(interview.pk, flags),
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
        "scale_risk": now.scale_risk,
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
        stages=answer_stages(answer, stages),
        risk="none" if flag is None else "open" if flag.is_open else "seen",
    )


def _scale_risk(interview_id: int, flags: Iterable[RiskFlag]) -> str:
    of_scales = [flag for flag in flags if flag.scale_answer and flag.scale_answer.scale.interview_id == interview_id]
    if not of_scales:
        return "none"
    return "open" if any(flag.is_open for flag in of_scales) else "seen"


def answer_stages(answer: Answer, stages: dict[str, dict[str, Stage]]) -> tuple[Stage, ...]:
    if answer.state != Answer.State.RECORDED:
        return ()
    own = stages.get(answer.subject, {})
    return tuple(own.get(name, Stage(name)) for name in ANSWER_STAGES)


def kept_recordings(answers: Iterable[Answer]) -> dict[int, Recording]:
    kept = Recording.objects.filter(answer__in=list(answers), state=Recording.State.KEPT)
    return {take.answer_id: take for take in kept}


def stages_of(subjects: Iterable[str]) -> dict[str, dict[str, Stage]]:
    found: dict[str, dict[str, Stage]] = {}
    for job in jobs.of(*subjects):
        found.setdefault(job.subject, {})[job.stage] = Stage(job.stage, job.state, job.percent, told(job.reason))
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
