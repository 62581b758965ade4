"""What scales an interview asks, and their results, opened with the interview's key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from clinic import vault
from interviews import scales
from interviews.models import Interview, RiskFlag, Scale, ScaleAnswer
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


def value_of(answer: ScaleAnswer, key: vault.Key) -> int | None:
    """The points of an answer; None where the item was left out."""
    return key.open_json(bytes(answer.sealed), answer_name(answer.scale_id, answer.number))["value"]


def answer_name(scale_id: int, number: int) -> str:
    """What a sealed value is about: none can pass for another."""
    return f"scale:{scale_id}:{number}"


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
