"""What the watchers of a draft hear while a language model writes it: the sentences themselves, for a moment.

This is the only news that carries text drawn from what a patient said. It has a group of its own, which only the
interview's clinician may join; the channel layer passes it on (publish and subscribe) and keeps nothing. What counts is
the report's row: a page that missed a word loses nothing but the sight of it.
"""

from __future__ import annotations

from clinic import news
from reports.growing import Growth

MOST_BLOCKS = 3  # the newest answers: a message stays small however long the interview is


def group_name(interview_id: int) -> str:
    return f"draft-{interview_id}"


class Scribe:
    """Passes on what grows: each time all of the newest answers, never a change."""

    def __init__(self, interview_id: int):
        self._interview_id = interview_id
        self._blocks: dict[int | None, list[tuple[str, str]]] = {}

    def take(self, growth: Growth) -> None:
        before = self._blocks.get(growth.position, [])
        self._blocks[growth.position] = list(growth.lines)
        if self._blocks[growth.position] == before:
            return
        newest = list(self._blocks.items())[-MOST_BLOCKS:]
        news.send(
            [group_name(self._interview_id)], blocks=[{"answer": answer, "lines": lines} for answer, lines in newest]
        )
