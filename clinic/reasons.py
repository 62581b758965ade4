"""What a worker wrote into a row, in the language of whoever reads it.

Workers speak English and rows keep their sentences. Most are marked for translation where they are made, so the
catalogue knows each of them: as it stands, or as a pattern with places for a name or a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import polib
from django.conf import settings
from django.utils.translation import get_language, gettext, ngettext

PLACE = re.compile(r"%\((\w+)\)([a-z])")
LEAST_WORDS = 8  # letters that a pattern must have besides its places, or it would fit anything
NESTED = 3  # a sentence in a sentence in a sentence


def told(sentence: str) -> str:
    """The sentence in the language of this page; unchanged where nobody translated it."""
    language = get_language() or settings.LANGUAGE_CODE
    if not sentence or language == settings.LANGUAGE_CODE:
        return sentence
    return _told(sentence, language, NESTED)


@lru_cache(maxsize=2000)
def _told(sentence: str, language: str, deep: int) -> str:
    known = gettext(sentence.replace("%", "%%")).replace("%%", "%")
    if known != sentence or not deep:
        return known
    for pattern, one, many in _patterns(language):
        if found := pattern.fullmatch(sentence):
            values = {name: _told(value, language, deep - 1) for name, value in found.groupdict().items()}
            return _fill(ngettext(one, many, _number(values)) if many else gettext(one), values)
    parts = re.split(r"(?<=[.!?]) (?=[A-Z])", sentence)
    return " ".join(_told(part, language, deep - 1) for part in parts) if len(parts) > 1 else sentence


def _fill(text: str, values: dict[str, str]) -> str:
    return PLACE.sub(lambda place: values[place[1]], text).replace("%%", "%")


def _number(values: dict[str, str]) -> int:
    return next((int(value) for value in values.values() if value.isdigit()), 1)


@lru_cache(maxsize=8)
def _patterns(language: str) -> tuple[tuple[re.Pattern[str], str, str], ...]:
    """Each text with places, as what it looks like when they are filled: those with most words first."""
    path = Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / "django.mo"
    if not path.exists():
        return ()
    entries = [entry for entry in polib.mofile(str(path)) if PLACE.search(entry.msgid + entry.msgid_plural)]
    found = [made for entry in entries for made in _of(entry) if len(PLACE.sub("", made[1])) >= LEAST_WORDS]
    return tuple(sorted(found, key=lambda made: -len(PLACE.sub("", made[1] if not made[2] else made[2]))))


def _of(entry: polib.MOEntry) -> Iterator[tuple[re.Pattern[str], str, str]]:
    for text in filter(None, (entry.msgid, entry.msgid_plural)):
        if "<" not in text:
            yield _pattern(text), entry.msgid, entry.msgid_plural


def _pattern(text: str) -> re.Pattern[str]:
    pieces = PLACE.split(text)  # text, name, kind, text, name, kind, …, text
    made = re.escape(pieces[0].replace("%%", "%"))
    for name, kind, after in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        place = rf"(?P<{name}>{'-?[0-9]+' if kind == 'd' else '.*?'})"
        again = f"(?P={name})"  # the same name twice stands for the same word
        made += (again if place in made else place) + re.escape(after.replace("%%", "%"))
    return re.compile(made, re.DOTALL)
