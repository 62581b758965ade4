"""Questions drafted by a language model: what it is asked, and what of its reply can be used. Pure but for the model.

A reply with faults is sent back once, with the faults quoted. When the second still has some, the questions without a
fault are kept, if there are enough of them: an admin reads, changes and approves each of them anyway.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated, Any

from django.utils import translation
from django.utils.translation import gettext as _
from pydantic import BaseModel, Field, create_model, model_validator

from clinic.integrations.language import BadReply, LanguageModel, LanguageModelError
from interviews.disorders_judged import PROMPTS
from interviews.questions import Asked, faults_of_set

VERSION = "questions-1"
FEWEST, MOST = 3, 15  # questions of a draft
LONGEST, LONGEST_HINT = 200, 120  # characters
TOKENS_A_QUESTION = 160  # Arabic needs most


class Kind(StrEnum):
    FIRST = "first"
    FOLLOW_UP = "follow_up"
    NARRATIVE = "narrative"


@dataclass(frozen=True)
class Wanted:
    name: str  # of the disorder
    number: int
    kind: str
    language: str


@dataclass(frozen=True)
class Drafted:
    """Questions that can be used, and why the others could not: a fault each, told once."""

    questions: tuple[Asked, ...]
    struck: int
    faults: tuple[str, ...]
    engine: str
    digest: str


class NothingUsable(LanguageModelError):
    """Twice there were too few questions without a fault."""

    state = "unusable"


class DraftQuestion(BaseModel):
    text: str = Field(min_length=5, max_length=LONGEST)
    hint: str = Field(max_length=LONGEST_HINT)


class Draft(BaseModel):
    questions: list[DraftQuestion]


def draft(model: LanguageModel, wanted: Wanted, on_progress: Callable[[float], None] | None = None) -> Drafted:
    """Raises LanguageModelError, NothingUsable among them."""
    seen: list[Draft] = []
    try:
        told = model.ask(
            _prompts()["system"].strip(),
            _asked(wanted),
            _shape(wanted, seen),
            on_progress,
            language=wanted.language,
            most_tokens=TOKENS_A_QUESTION * wanted.number + 100,
        )
    except BadReply:
        if not seen:
            raise
        return _what_can_be_used(wanted, seen, model.engine, _digest(model))
    return Drafted(_as_asked(told.value), 0, (), told.engine, told.digest)


def _asked(wanted: Wanted) -> str:
    text = _prompts()
    return (
        str(text["prompt"])
        .strip()
        .format(
            name=json.dumps(wanted.name, ensure_ascii=False),
            kind=text["kinds"][wanted.kind],
            language=text["languages"][wanted.language],
            number=wanted.number,
        )
    )


def _shape(wanted: Wanted, seen: list[Draft]) -> type[Draft]:
    """The form of a reply with this many questions. Faults of what was written are faults of form: so they are quoted
    to the model when it is asked again. Whatever had the form is kept in `seen`."""

    def hold(self: Draft) -> Draft:
        seen.append(self)
        with translation.override("en"):  # the model is told in the language of its rules
            found = faults_of_set([one.text for one in self.questions], wanted.language)
        wrong = [f"Question {place}: {' '.join(faults)}" for place, faults in enumerate(found, 1) if faults]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    exactly = Annotated[list[DraftQuestion], Field(min_length=wanted.number, max_length=wanted.number)]
    held: dict[str, Any] = {"hold": model_validator(mode="after")(hold)}
    return create_model("Draft", __base__=Draft, __validators__=held, questions=(exactly, ...))


def _what_can_be_used(wanted: Wanted, seen: list[Draft], engine: str, digest: str) -> Drafted:
    """The better of the replies, without the questions that have a fault. Raises NothingUsable."""
    best = max((_sifted(wanted, reply, engine, digest) for reply in seen), key=lambda sifted: len(sifted.questions))
    if len(best.questions) < FEWEST:
        raise NothingUsable(
            _("The language model wrote questions that cannot be asked, twice: %(faults)s")
            % {"faults": " ".join(best.faults)}
        )
    return best


def _sifted(wanted: Wanted, reply: Draft, engine: str, digest: str) -> Drafted:
    found = faults_of_set([one.text for one in reply.questions], wanted.language)
    good = tuple(asked for asked, faults in zip(_as_asked(reply), found, strict=True) if not faults)
    told = tuple(dict.fromkeys(fault for faults in found for fault in faults))
    return Drafted(good, len(reply.questions) - len(good), told, engine, digest)


def _digest(model: LanguageModel) -> str:
    """Of the model that has just answered; empty where it went away since."""
    try:
        return model.check()
    except LanguageModelError:
        return ""


def _as_asked(reply: Draft) -> tuple[Asked, ...]:
    return tuple(Asked(" ".join(one.text.split()), " ".join(one.hint.split())) for one in reply.questions)


@cache
def _prompts() -> dict[str, Any]:
    return tomllib.loads((PROMPTS / f"{VERSION}.toml").read_text(encoding="utf-8"))
