"""Curated question sets that ship with the project, and what makes a question a good one: pure, no rows, no network."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path

from django.utils.translation import gettext as _

from clinic.integrations.language.tongues import is_in

SETS = Path(__file__).parent / "sets"
MOST_GRADE = 6.5  # Flesch-Kincaid: read at ease by most people, also on a bad day
SHORTEST_GRADED = 4  # words; below it the formula says nothing
LONGEST = 220  # characters: more cannot be kept in mind while one answers
ALIKE = 0.85  # likeness of two questions (difflib's ratio), or
SAME_WORDS = 0.75  # share of the words they have in common, from which on they ask the same
# Arabic has no formula that is agreed on. Sentences of many words and long words are what makes it hard.
MOST_ARABIC_WORDS = 16  # a sentence
MOST_ARABIC_LETTERS = 5.5  # a word, on average; articles and what is written together with a word count


@dataclass(frozen=True)
class Signs:
    """What betrays a doubtful question in one language."""

    mark: str
    closed: re.Pattern[str]
    second: re.Pattern[str]
    leading: re.Pattern[str]
    clinical: re.Pattern[str]


SIGNS = {
    "en": Signs(
        mark="?",
        closed=re.compile(
            r"^(do|does|did|are|is|was|were|have|has|had|can|could|will|would|should|don't|isn't|aren't)\b", re.I
        ),
        second=re.compile(r"\b(and|or) (how|what|when|where|which|who|whom|why)\b", re.I),
        leading=re.compile(r"\b(isn't it|don't you|surely|of course|admit|how bad|how often do you suffer)\b", re.I),
        clinical=re.compile(
            r"\b(diagnos\w*|disorder|symptoms?|criteri\w+|patholog\w+|DSM\w*|medication|dose|should|must|cure\w*"
            r"|recommend\w*|prescri\w+|therap\w+)\b",
            re.I,
        ),
    ),
    "ar": Signs(
        mark="؟",
        closed=re.compile(r"^(و|ف)?(هل|أليس|أليست|ألا|ألم|أما|أتشعر|أتحس)\b"),
        second=re.compile(r"\s(و|أو |أم )(كيف|ما|ماذا|متى|أين|لماذا|كم)\b"),
        leading=re.compile(r"أليس كذلك|بالتأكيد|بالطبع|طبعا|ألا تعتقد|ألا ترى|لا بد أنك|اعترف"),
        clinical=re.compile(
            r"\b(ال|بال|لل|وال)?(تشخيص\w*|اضطراب\w*|أعراض\w*|معايير|مرضي\w*|دواء|أدوية|جرعة|يجب|ينبغي|علاج\w*|شفاء)\b"
        ),
    ),
}


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


def faults(text: str, language: str = "en") -> list[str]:
    """What somebody who approves this question should look at again; empty when there is nothing."""
    signs = SIGNS.get(language[:2])
    if signs is None:
        return []
    asked = re.split(r"[.!:] ", text.strip())[-1]  # what stands before it only sets the scene
    found = []
    if text.count(signs.mark) != 1 or not text.strip().endswith(signs.mark):
        found.append(_("It should hold one question, at its end."))
    if signs.second.search(asked):
        found.append(_("It asks two things at once."))
    if signs.closed.match(asked):
        found.append(_("It can be answered with yes or no."))
    if signs.leading.search(text):
        found.append(_("It suggests its answer."))
    if signs.clinical.search(text):
        found.append(_("It uses a clinical word or gives advice."))
    if len(text) > LONGEST:
        found.append(_("It is too long."))
    if is_hard(text, language):
        found.append(_("It is hard to read."))
    if not is_in(text, language):
        found.append(_("It is in another language than its set."))
    return found


def faults_of_set(texts: Sequence[str], language: str = "en") -> list[list[str]]:
    """The faults of each question, where it stands: also that an earlier one asks the same."""
    found = [faults(text, language) for text in texts]
    for place, text in enumerate(texts):
        twin = next((earlier for earlier in range(place) if are_alike(texts[earlier], text)), None)
        if twin is not None:
            found[place].append(_("It asks the same as question %(number)s.") % {"number": twin + 1})
    return found


def are_alike(one: str, other: str) -> bool:
    """Whether two questions ask the same in nearly the same words."""
    first, second = one.strip().casefold(), other.strip().casefold()
    if not first or not second:
        return False
    if SequenceMatcher(None, first, second).ratio() >= ALIKE:
        return True
    ours, theirs = set(re.findall(r"\w+", first)), set(re.findall(r"\w+", second))
    return len(ours & theirs) >= SAME_WORDS * max(1, len(ours | theirs))


def is_hard(text: str, language: str) -> bool:
    """English by its school year; Arabic by words a sentence and letters a word."""
    if language[:2] == "ar":
        spoken = re.findall(r"[\u0621-\u064a]+", text)
        sentences = max(1, len(re.findall(r"[.؟!:]+(?:\s|$)", text)))
        letters = sum(map(len, spoken)) / max(1, len(spoken))
        long_words = len(spoken) >= SHORTEST_GRADED and letters > MOST_ARABIC_LETTERS
        return len(spoken) / sentences > MOST_ARABIC_WORDS or long_words
    return len(words(text)) >= SHORTEST_GRADED and reading_grade(text) > MOST_GRADE


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
