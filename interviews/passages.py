"""A transcript as passages that a person can read, and find on the clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from clinic.integrations.hearing import Word

PAUSE = 1.2  # seconds of silence that begin a new passage
LONGEST_CAPTION = 10  # words
LONGEST = 60  # words; then the next end of a sentence begins a new one
UNSURE = 0.5  # below this confidence a word is marked


@dataclass(frozen=True)
class Passage:
    words: tuple[Word, ...]

    @property
    def start(self) -> float:
        return self.words[0].start

    @property
    def end(self) -> float:
        return self.words[-1].end


def passages(words: Iterable[Word]) -> list[Passage]:
    """The words in order, parted at pauses and, where somebody speaks on and on, at ends of sentences."""
    found: list[list[Word]] = []
    for word in words:
        if not found or _begins_another(found[-1], word):
            found.append([])
        found[-1].append(word)
    return [Passage(tuple(group)) for group in found]


def webvtt(words: Iterable[Word]) -> str:
    """The words as captions of the recording."""
    cues = ["WEBVTT"]
    for passage in passages(words):
        for first in range(0, len(passage.words), LONGEST_CAPTION):
            said = passage.words[first : first + LONGEST_CAPTION]
            text = escape(" ".join(word.word for word in said), quote=False)
            cues.append(f"{_stamp(said[0].start)} --> {_stamp(max(said[-1].end, said[0].start + 0.1))}\n{text}")
    return "\n\n".join(cues) + "\n"


def _begins_another(group: list[Word], word: Word) -> bool:
    if word.start - group[-1].end >= PAUSE:
        return True
    return len(group) >= LONGEST and group[-1].word.endswith((".", "?", "!", "؟", "…"))


def _stamp(seconds: float) -> str:
    left, thousandths = divmod(max(0, round(seconds * 1000)), 1000)
    minutes, left = divmod(left, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{left:02d}.{thousandths:03d}"
