"""Evidence → the data that one prompt carries. Pure.

Each answer is asked for by itself, a long one in pieces, and then a conclusion from the sentences that stood: no prompt
grows with the interview, and what is said in one answer cannot speak to the drafting of another.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from clinic.integrations.hearing import Word
from reports.evidence import AnswerEvidence, Evidence, ScaleEvidence, Spell
from reports.holding import Standing, words_of

GROUP = 8  # words under one number and second
PIECE = 450  # words of an answer in one prompt
MOST_MEASURED = 24  # lines of measurements in one prompt
CARRIED = 12_000  # bytes of sentences that a conclusion is drawn from: some 4,000 tokens


@dataclass(frozen=True)
class Piece:
    """A part of one answer that fits into a prompt: words first to last, and what was measured meanwhile."""

    answer: AnswerEvidence
    first: int
    last: int  # one less than `first` where nothing was said
    start: float  # seconds
    end: float

    def data(self, with_readings: bool) -> dict[str, Any]:
        words = words_of(self.answer)[self.first : self.last + 1]
        measured = sorted(self._measured(with_readings), key=lambda line: line["from"])
        return {
            "answer": self.answer.position,
            "question": self.answer.question,
            "words": list(_groups(words, self.first)),
            "measured": measured[:MOST_MEASURED],
            "not_measured": [
                f"{one.what}: {one.reason}" for one in self.answer.missing if with_readings or one.what == "transcript"
            ],
        }

    def _measured(self, with_readings: bool) -> Iterator[dict[str, Any]]:
        answer = self.answer
        for pause in answer.pauses:
            yield from self._line(pause.start, pause.end, _("a pause"))
        if not with_readings:
            return
        for name, spells in _channels(answer):
            for spell in spells:
                what = {"reading": name, "label": spell.label_word}
                yield from self._line(spell.start, spell.end, _("the %(reading)s reading leans to %(label)s") % what)
        for peak in answer.peaks:
            yield from self._line(peak.at, peak.at, _("the voice is more activated than in the rest of the answer"))

    def _line(self, start: float, end: float, what: str) -> Iterator[dict[str, Any]]:
        if end >= self.start and start <= self.end:
            yield {"from": round(start, 1), "to": round(end, 1), "what": what}


def pieces(evidence: Evidence) -> list[Piece]:
    return [piece for answer in evidence.recorded for piece in _pieces(answer)]


def for_conclusion(standing: Sequence[Standing], scales: Iterable[ScaleEvidence]) -> dict[str, Any]:
    """Of many sentences as many as fit: the first of each answer, then the second of each, and so on."""
    ranked: list[tuple[int, int, dict[str, Any]]] = []
    seen: Counter[int] = Counter()
    for one in standing:
        position = one.sentence.answer
        ranked.append((seen[position], position, one.sentence.model_dump(exclude={"instrument"})))
        seen[position] += 1
    carried, size = [], 0
    for rank, position, told in sorted(ranked, key=lambda one: one[:2]):
        size += len(json.dumps(told, ensure_ascii=False).encode())
        if size > CARRIED:
            break
        carried.append((position, rank, told))
    return {
        "sentences": [told for _position, _rank, told in sorted(carried, key=lambda one: one[:2])],
        "questionnaires": [
            {"instrument": scale.name, "score": scale.score, "of": scale.most, "band": scale.band}
            for scale in scales
            if scale.score is not None
        ],
    }


def _pieces(answer: AnswerEvidence) -> Iterator[Piece]:
    words = words_of(answer)
    if not words:
        yield Piece(answer, 0, -1, 0.0, float("inf"))
    for first in range(0, len(words), PIECE):
        last = min(first + PIECE, len(words)) - 1
        start = words[first].start if first else 0.0
        end = words[last + 1].start if last + 1 < len(words) else float("inf")
        yield Piece(answer, first, last, start, end)


def _groups(words: Sequence[Word], first: int) -> Iterator[dict[str, Any]]:
    for at in range(0, len(words), GROUP):
        group = words[at : at + GROUP]
        said = " ".join(word.word for word in group)
        yield {"from": first + at, "to": first + at + len(group) - 1, "seconds": round(group[0].start, 1), "said": said}


def _channels(answer: AnswerEvidence) -> Iterator[tuple[str, tuple[Spell, ...]]]:
    yield _("face"), answer.spells
    yield _("voice"), answer.voice_spells
    yield _("joint"), answer.fused_spells
