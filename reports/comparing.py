"""Two drafts of one interview, with and without expression and voice, side by side. Pure: shapes and differences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from reports.drafting import Draft, note
from reports.holding import Standing
from reports.shapes import ANALYSIS, CONCLUSION, EXPRESSION, SUMMARY, TO_ASK

SECTION_WORDS: dict[str, Promise] = {
    SUMMARY: _("Answer in short"),
    EXPRESSION: _("Expression and voice"),
    ANALYSIS: _("Analysis"),
    CONCLUSION: _("Conclusion"),
    TO_ASK: _("Open questions"),
}
WITH, WITHOUT = "with", "without"


@dataclass(frozen=True)
class Line:
    text: str  # markdown with its anchor
    is_alone: bool  # the other draft does not have it


@dataclass(frozen=True)
class Row:
    """One section of one answer, or of the conclusion, in both drafts. position: None for the conclusion."""

    position: int | None
    section: str
    with_readings: tuple[Line, ...]
    without_readings: tuple[Line, ...]

    @property
    def label(self) -> str:
        return str(SECTION_WORDS[self.section])


def as_json(draft: Draft) -> dict[str, Any]:
    """What is kept of one side."""
    sections = [
        [position, name, _lines(several)]
        for position, by_name in draft.by_answer.items()
        for name, several in by_name.items()
    ]
    ending = [[None, CONCLUSION, _lines(draft.conclusion)], [None, TO_ASK, _lines(draft.to_ask)]]
    return {"sections": sections + ending, "note": note(draft)}


def rows(kept: dict[str, Any]) -> Iterator[Row]:
    """Both sides, section by section; those that neither has are left out."""
    sides = {
        side: {(position, name): lines for position, name, lines in kept[side]["sections"]} for side in (WITH, WITHOUT)
    }
    for place in dict.fromkeys([*sides[WITH], *sides[WITHOUT]]):
        one, other = sides[WITH].get(place, []), sides[WITHOUT].get(place, [])
        if one or other:
            yield Row(*place, _marked(one, other), _marked(other, one))


def differing(found: list[Row]) -> int:
    """How many sentences only one of the drafts has."""
    return sum(line.is_alone for row in found for line in (*row.with_readings, *row.without_readings))


def _lines(several: list[Standing]) -> list[str]:
    return [one.line for one in several]


def _marked(lines: list[str], others: list[str]) -> tuple[Line, ...]:
    return tuple(Line(line, line not in others) for line in lines)
