"""Words that call for a person: what was found, and what nobody has acknowledged yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from clinic import vault
from interviews.models import Interview, RiskFlag
from interviews.risk import Finding


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
    flag = flags.select_related("acknowledged_by", "answer").first()
    return opened(flag, interview.key) if flag else None


def opened(flag: RiskFlag, key: vault.Key) -> Alert:
    """What a flag says, opened with its interview's key."""
    return Alert(
        findings=tuple(Finding(**one) for one in key.open_json(bytes(flag.sealed), flag_name(flag))),
        raised_at=flag.raised_at,
        escalated_at=flag.escalated_at,
        acknowledged_by=str(flag.acknowledged_by or ""),
        acknowledged_at=flag.acknowledged_at,
        note=key.open_json(bytes(flag.sealed_note), note_name(flag)) if flag.sealed_note else "",
    )


def open_flags(clinician_id: int) -> list[RiskFlag]:
    """What a clinician has not acknowledged, the oldest first."""
    hers = RiskFlag.objects.of(Interview.objects.filter(patient__clinician=clinician_id))
    return list(hers.filter(acknowledged_at=None).with_patients())


def flag_name(flag: RiskFlag) -> str:
    return f"risk:{_name(flag)}"


def note_name(flag: RiskFlag) -> str:
    return f"risk-note:{_name(flag)}"


def _name(flag: RiskFlag) -> str:
    return str(flag.answer_id) if flag.answer_id else f"scale:{flag.scale_answer_id}"
