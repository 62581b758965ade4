"""A language model's word on whether a name means a psychological disorder. Pure but for the model it is handed.

A model that says yes to everything says yes to a banana. So it is first asked what kind of thing the name is, with many
to choose from, and then straight out, yes or no. Its yes counts only where both say so; where the second takes back
the first, it has decided nothing.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, Field

from clinic.integrations.language import LanguageModel

VERSION = "name-1"
PROMPTS = Path(__file__).parent / "prompts"


class Kind(StrEnum):
    DISORDER = "psychological disorder"
    ILLNESS = "bodily illness"
    FEELING = "feeling or trait"
    TREATMENT = "treatment"
    PERSON = "person"
    THING = "thing"
    PLACE = "place"
    FOOD = "food"
    OTHER = "other"


KIND_WORDS = {
    Kind.DISORDER: _("a psychological disorder"),
    Kind.ILLNESS: _("an illness of the body"),
    Kind.FEELING: _("a feeling or a trait"),
    Kind.TREATMENT: _("a treatment"),
    Kind.PERSON: _("a person"),
    Kind.THING: _("a thing"),
    Kind.PLACE: _("a place"),
    Kind.FOOD: _("something to eat or drink"),
    Kind.OTHER: _("something else"),
}


class YesOrNo(BaseModel):
    is_disorder: bool


class Named(BaseModel):
    kind: Kind
    reason: str = Field(max_length=80)


class Ruling(Enum):
    YES = "yes"  # twice
    NO = "no"
    SPLIT = "split"  # it called the name a disorder, and then said that it is none


@dataclass(frozen=True)
class Judged:
    ruling: Ruling
    kind: Kind
    reason: str  # the model's own short one
    engine: str
    digest: str


def judge(model: LanguageModel, name: str, on_progress: Callable[[float], None] | None = None) -> Judged:
    """Raises LanguageModelError."""
    tell = on_progress or (lambda share: None)
    text = _prompts()["kind"]
    tell(0.1)
    shown = [(_asked(text, of), json.dumps({"kind": kind, "reason": reason})) for of, kind, reason in text["examples"]]
    named = model.ask(_prompts()["system"], _asked(text, name), Named, examples=shown)
    tell(0.5)
    ruling = _confirmed(model, name) if named.value.kind is Kind.DISORDER else Ruling.NO
    return Judged(ruling, named.value.kind, named.value.reason.strip(), named.engine, named.digest)


def _confirmed(model: LanguageModel, name: str) -> Ruling:
    """It called the name a disorder. Does it still say so, asked straight out?"""
    text = _prompts()["yes_or_no"]
    shown = [(_asked(text, of), json.dumps({"is_disorder": is_one})) for of, is_one in text["examples"]]
    said = model.ask(_prompts()["system"], _asked(text, name), YesOrNo, examples=shown)
    return Ruling.YES if said.value.is_disorder else Ruling.SPLIT


def _asked(part: dict[str, Any], name: str) -> str:
    """The name as a JSON string: one line, in quotes that it cannot close."""
    return str(part["question"]).format(name=json.dumps(name, ensure_ascii=False))


@cache
def _prompts() -> dict[str, Any]:
    return tomllib.loads((PROMPTS / f"{VERSION}.toml").read_text(encoding="utf-8"))
