"""What scales an interview asks, and their results, opened with the interview's key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max

from clinic import jobs, vault
from interviews import scales
from interviews.models import Interview, RiskFlag, Scale, ScaleAnswer, SpokenReply
from interviews.queries.alerts import Alert, opened


@dataclass(frozen=True)
class ItemScore:
    """One item's answer. `value` and `label` are empty where it was left out."""

    number: int
    text: str
    value: int | None
    label: str
    is_scored: bool
    how: str  # ScaleAnswer.How; empty without an answer
    licence: str
    alert: Alert | None = None  # where the answer calls, or called, for a person

    @property
    def is_spoken(self) -> bool:
        return self.how == ScaleAnswer.How.VOICE


@dataclass(frozen=True)
class ScaleResult:
    """One scale of one interview. `score` is None while scored items are missing, and then there is no band either.

    `band` is the scale's own word for where the score lies, or the side of an often used cut-point: never a diagnosis.
    """

    instrument: str  # PHQ-9
    version: str  # en v1
    score: int | None
    most: int
    band: str
    item_scores: tuple[ItemScore, ...]
    answered_at: datetime | None  # the last answer
    licence: str
    scale_id: int
    title: str
    language: str
    wording: str
    source: str
    recall: str
    missing: tuple[int, ...]
    clusters: tuple[scales.ClusterScore, ...]
    is_finished: bool

    @property
    def wording_label(self) -> str:
        return str(scales.WORDINGS[self.wording])

    @property
    def given(self) -> int:
        """How many items have an answer."""
        return sum(item.value is not None for item in self.item_scores)

    @property
    def alerts(self) -> list[ItemScore]:
        return [item for item in self.item_scores if item.alert]


def scale_results(interview: Interview, key: vault.Key | None = None) -> list[ScaleResult]:
    """Every scale of an interview, in the order it was asked. Three queries, however many scales.

    Raises vault.KeyErased after the interview was erased, where it asked any.
    """
    asked = list(Scale.objects.filter(interview=interview).select_related("instrument"))
    return results_of(asked, key or interview.key) if asked else []


def results_of(asked: Iterable[Scale], key: vault.Key) -> list[ScaleResult]:
    """The same of scales of one interview."""
    asked = list(asked)
    answers: dict[int, list[ScaleAnswer]] = {scale.pk: [] for scale in asked}
    for answer in ScaleAnswer.objects.filter(scale__in=asked):
        answers[answer.scale_id].append(answer)
    flags = RiskFlag.objects.filter(scale_answer__scale__in=asked).select_related("acknowledged_by")
    alerts = {flag.scale_answer_id: opened(flag, key) for flag in flags}
    return [_result(scale, answers[scale.pk], alerts, key) for scale in asked]


@dataclass(frozen=True)
class TrendPoint:
    """The result of one scale in one of a patient's interviews."""

    interview_id: int
    is_this: bool
    result: ScaleResult


@dataclass(frozen=True)
class Trend:
    """A scale over a patient's interviews, the oldest first."""

    result: ScaleResult  # of the interview that is looked at
    points: tuple[TrendPoint, ...]

    @property
    def line(self) -> tuple[tuple[float, float], ...]:
        """The totals as places in a picture of 100 by 40: from left to right in their order, 0 at the bottom."""
        totals = [point.result.score for point in self.points if point.result.score is not None]
        step = 92 / max(1, len(totals) - 1)
        most = max(1, self.result.most)
        return tuple(
            (round(4 + index * step, 1), round(36 - 32 * total / most, 1)) for index, total in enumerate(totals)
        )


def trends(interview: Interview) -> list[Trend]:
    """Each scale of an interview with the results of the same instrument in the patient's other interviews.

    Interviews that were erased are left out. Raises vault.KeyErased where this one was.
    """
    results = scale_results(interview)
    if not results:
        return []
    mine = Interview.objects.filter(patient=interview.patient_id, scales__isnull=False).exclude(pk=interview.pk)
    others = [(other, _unless_erased(other)) for other in mine.distinct()]
    known = [(interview, results), *others]
    return [Trend(result, _points(result, known, interview.pk)) for result in results]


def _unless_erased(interview: Interview) -> list[ScaleResult]:
    try:
        return scale_results(interview)
    except vault.KeyErased:
        return []


def _points(
    result: ScaleResult, known: Iterable[tuple[Interview, list[ScaleResult]]], this: int
) -> tuple[TrendPoint, ...]:
    alike = [
        TrendPoint(interview.pk, interview.pk == this, one)
        for interview, results in known
        for one in results
        if one.instrument == result.instrument and one.answered_at
    ]
    return tuple(sorted(alike, key=lambda point: (point.result.answered_at, point.interview_id)))


def scales_version(interview: Interview) -> str:
    """What the results were made from: another text when they changed; empty where no scale is asked."""
    if not Scale.objects.filter(interview=interview).exists():
        return ""
    answers = ScaleAnswer.objects.filter(scale__interview=interview)
    seen = RiskFlag.objects.filter(scale_answer__scale__interview=interview).exclude(acknowledged_at=None).count()
    last = answers.aggregate(last=Max("answered_at"))["last"]
    return f"{last.timestamp() if last else 0:.6f}-{seen}-{interview.state}"


@dataclass(frozen=True)
class Asked:
    """One scale as its patient sees it: how much of it she has seen, and where it goes on."""

    scale: Scale
    definition: scales.Definition
    decided: int  # items answered or left out
    first_open: int | None  # the number of the first item that is neither

    @property
    def total(self) -> int:
        return len(self.definition.items)


def asked_scales(interview: Interview) -> list[Asked]:
    """Two queries; opens nothing."""
    asked = list(Scale.objects.filter(interview=interview).select_related("instrument"))
    decided: dict[int, set[int]] = {scale.pk: set() for scale in asked}
    for pk, number in ScaleAnswer.objects.filter(scale__in=asked).values_list("scale", "number"):
        decided[pk].add(number)
    return [_asked(scale, decided[scale.pk]) for scale in asked]


def _asked(scale: Scale, decided: set[int]) -> Asked:
    definition = scale.instrument.parsed
    left = [item.number for item in definition.items if item.number not in decided]
    return Asked(scale, definition, len(decided), left[0] if left else None)


def has_scale_alert(interview: Interview) -> bool:
    """Whether an answer to one of its scales called for a person."""
    return RiskFlag.objects.filter(scale_answer__scale__interview=interview).exists()


def value_of(answer: ScaleAnswer, key: vault.Key) -> int | None:
    """The points of an answer; None where the item was left out."""
    return key.open_json(bytes(answer.sealed), answer_name(answer.scale_id, answer.number))["value"]


def answer_name(scale_id: int, number: int) -> str:
    """What a sealed value is about: none can pass for another."""
    return f"scale:{scale_id}:{number}"


def sound_name(scale_id: int, number: int) -> str:
    return f"spoken:{scale_id}:{number}"


def heard_name(scale_id: int, number: int) -> str:
    return f"heard:{scale_id}:{number}"


@dataclass(frozen=True)
class Understood:
    """How far a spoken answer is. `value`: what it was taken for, None where unclear. `text`: what was heard."""

    state: str  # Job.State
    percent: int
    reason: str
    value: int | None
    label: str
    text: str


def understood(scale: Scale, number: int, key: vault.Key) -> Understood | None:
    """None where no spoken answer waits: none was given, or it was confirmed, replaced or forgotten."""
    reply = SpokenReply.objects.filter(scale=scale, number=number).first()
    job = jobs.of(reply.subject)[:1] if reply else []
    if reply is None or not job:
        return None
    told: dict[str, Any] = {"text": "", "value": None}
    if reply.sealed_heard:
        told = key.open_json(bytes(reply.sealed_heard), heard_name(scale.pk, number))
    option = None if told["value"] is None else scale.instrument.parsed.item(number).option(told["value"])
    return Understood(
        job[0].state, job[0].percent, job[0].reason, told["value"], option.text if option else "", told["text"]
    )


def _result(
    scale: Scale, answers: Iterable[ScaleAnswer], alerts: dict[int | None, Alert], key: vault.Key
) -> ScaleResult:
    definition, by_number = scale.instrument.parsed, {answer.number: answer for answer in answers}
    values = {number: value_of(answer, key) for number, answer in by_number.items()}
    scored = scales.score(definition, values)
    return ScaleResult(
        instrument=definition.name,
        version=f"{definition.language} v{scale.instrument.version}",
        score=scored.total,
        most=scored.most,
        band=scored.band,
        item_scores=tuple(
            _item(item, values.get(item.number), by_number.get(item.number), alerts) for item in definition.items
        ),
        answered_at=max((answer.answered_at for answer in by_number.values()), default=None),
        licence=definition.licence,
        scale_id=scale.pk,
        title=definition.title,
        language=definition.language,
        wording=definition.wording,
        source=definition.source,
        recall=definition.recall,
        missing=scored.missing,
        clusters=scored.clusters,
        is_finished=scale.finished_at is not None,
    )


def _item(
    item: scales.Item, value: int | None, answer: ScaleAnswer | None, alerts: dict[int | None, Alert]
) -> ItemScore:
    option = None if value is None else item.option(value)
    return ItemScore(
        number=item.number,
        text=item.text,
        value=value,
        label=option.text if option else "",
        is_scored=item.is_scored,
        how=answer.how if answer and value is not None else "",
        licence=item.licence,
        alert=alerts.get(answer.pk) if answer else None,
    )
