"""Curated question sets that ship with the project, and what makes a question a good one: pure, no rows, no network."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SETS = Path(__file__).parent / "sets"
MOST_GRADE = 6.5  # Flesch-Kincaid: read at ease by most people, also on a bad day
SHORTEST_GRADED = 4  # words; below it the formula says nothing
CLOSED = re.compile(
    r"^(do|does|did|are|is|was|were|have|has|had|can|could|will|would|should|don't|isn't|aren't)\b", re.I
)
SECOND_QUESTION = re.compile(r"\b(and|or) (how|what|when|where|which|who|whom|why)\b", re.I)
LEADING = re.compile(r"\b(isn't it|don't you|surely|of course|admit|how bad|how often do you suffer)\b", re.I)
CLINICAL = re.compile(
    r"\b(diagnos\w*|disorder|symptoms?|criteri\w+|patholog\w+|DSM\w*|medication|dose|should|must|cure\w*)\b", re.I
)


@dataclass(frozen=True)
class Asked:
    text: str
    hint: str = ""


@dataclass(frozen=True)
class CuratedSet:
    """One file of `interviews/sets/`: a disorder and its first version of questions, with the words' own licence."""

    name: str
    slug: str
    icd10: str
    description: str
    title: str
    language: str
    licence: str
    questions: tuple[Asked, ...]


@cache
def curated_sets() -> tuple[CuratedSet, ...]:
    return tuple(_read(path) for path in sorted(SETS.glob("*.json")))


def faults(text: str) -> list[str]:
    """What somebody who approves this English question should look at again; empty when there is nothing."""
    asked = text.strip().rsplit(". ", 1)[-1]  # what stands before it only sets the scene
    found = []
    if text.count("?") != 1 or not text.strip().endswith("?"):
        found.append("It should hold one question, at its end.")
    if SECOND_QUESTION.search(asked):
        found.append("It asks two things at once.")
    if CLOSED.match(asked):
        found.append("It can be answered with yes or no.")
    if LEADING.search(text):
        found.append("It suggests its answer.")
    if CLINICAL.search(text):
        found.append("It uses a clinical word or gives advice.")
    if len(words(text)) >= SHORTEST_GRADED and reading_grade(text) > MOST_GRADE:
        found.append("It is hard to read.")
    return found


def reading_grade(text: str) -> float:
    """School year by the formula of Flesch and Kincaid (1975); syllables are counted by their vowels."""
    spoken = words(text)
    sentences = max(1, len(re.findall(r"[.?!:]+(?:\s|$)", text)))
    return 0.39 * len(spoken) / sentences + 11.8 * sum(map(_syllables, spoken)) / max(1, len(spoken)) - 15.59


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def _syllables(word: str) -> int:
    groups = len(re.findall(r"[aeiouy]+", word))
    is_silent = word.endswith("e") and not word.endswith("le") and groups > 1
    return max(1, groups - is_silent)


def _read(path: Path) -> CuratedSet:
    data = json.loads(path.read_text(encoding="utf-8"))
    disorder = data["disorder"]
    return CuratedSet(
        name=disorder["name"],
        slug=disorder["slug"],
        icd10=disorder["icd10"],
        description=disorder["description"],
        title=data["title"],
        language=data["language"],
        licence=data["licence"],
        questions=tuple(Asked(one["text"], one["hint"]) for one in data["questions"]),
    )
