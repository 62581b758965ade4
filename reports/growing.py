"""A reply that is still being written → the sentences that may already be shown. Pure.

A sentence's anchors come before its text, so what points at nothing is never shown; the text is held against the
wording rules word by word, its last, unfinished word left out.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from reports.evidence import Evidence
from reports.holding import Struck, hold
from reports.shapes import ANALYSIS, CONCLUSION, EXPRESSION, SUMMARY, TO_ASK, Sentence

APART = 0.2  # seconds between two looks at one reply
NUMBER = r"\s*(-?\d{1,9}(?:\.\d+)?)\s*"
ANCHORED = re.compile(
    rf'"answer"\s*:{NUMBER},\s*"from_word"\s*:{NUMBER},\s*"to_word"\s*:{NUMBER},\s*"seconds"\s*:{NUMBER},'
    r'\s*"text"\s*:\s*"((?:[^"\\]|\\.)*)("?)',
    re.S,
)
SECTION = re.compile(rf'"({"|".join((SUMMARY, EXPRESSION, ANALYSIS, CONCLUSION, TO_ASK))})"\s*:\s*\[')
BROKEN_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{0,3})?$|\\ud[89ab][0-9a-f]{2}$", re.I)


@dataclass(frozen=True)
class Growth:
    """Where the model is, and what may be shown of what it wrote there so far. position: None for the conclusion."""

    position: int | None
    lines: tuple[tuple[str, str], ...]  # section, text


class Grower:
    """Reads a growing reply at most five times a second, and once more at its end: each look holds every sentence."""

    def __init__(
        self,
        evidence: Evidence,
        position: int | None,
        tell: Callable[[Growth], None],
        clock: Callable[[], float] = time.monotonic,
    ):
        self._evidence, self._position, self._tell, self._clock = evidence, position, tell, clock
        self._looked_at, self._reply, self._seen = clock(), "", ""

    def take(self, reply: str) -> None:
        self._reply = reply
        if self._clock() - self._looked_at >= APART:
            self._look()

    def finish(self) -> None:
        if self._seen != self._reply:
            self._look()

    def _look(self) -> None:
        self._looked_at, self._seen = self._clock(), self._reply
        self._tell(Growth(self._position, tuple(shown(self._reply, self._evidence, self._position))))


def shown(reply: str, evidence: Evidence, position: int | None) -> Iterator[tuple[str, str]]:
    sections = [(found.start(), found[1]) for found in SECTION.finditer(reply)]
    for found in ANCHORED.finditer(reply):
        section = next((name for start, name in reversed(sections) if start < found.start()), "")
        text = _so_far(found[5], is_whole=bool(found[6]))
        if text and _may_stand(found, text, evidence, position):
            yield section, text


def _so_far(raw: str, is_whole: bool) -> str:
    try:
        text = str(json.loads(f'"{BROKEN_ESCAPE.sub("", raw)}"', strict=False))
    except ValueError:
        return ""
    return text if is_whole else text.rpartition(" ")[0]


def _may_stand(found: re.Match[str], text: str, evidence: Evidence, position: int | None) -> bool:
    answer, first, last, seconds = (float(found[index]) for index in range(1, 5))
    sentence = Sentence(answer=int(answer), from_word=int(first), to_word=int(last), seconds=seconds, text=text[:240])
    try:
        hold(sentence, evidence, position)
    except Struck:
        return False
    return True
