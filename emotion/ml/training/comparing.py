"""Two nets that were tested on the same clips: is one better, or would other actors have shown the opposite?

Light to import: no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from emotion.ml.errors import EmotionError
from emotion.ml.training import metrics

FEWEST_ACTORS = 2


class NotComparable(EmotionError):
    """Tested on different clips, or under different labels."""


@dataclass(frozen=True)
class Comparison:
    """
    first, second  UAR on the clips that both were tested on
    difference     second less first
    low, high      where the difference lies with 95 % if other actors had been drawn
    is_noise       the interval holds 0
    clips, actors  that both were tested on
    left_out       clips that only one of them was tested on
    """

    row: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    is_noise: bool
    clips: int
    actors: int
    left_out: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def sentence(self) -> str:
        points = f"{abs(self.difference) * 100:.1f} points"
        interval = f"(95 % over {self.actors} actors: {self.low * 100:+.1f} to {self.high * 100:+.1f})"
        if self.is_noise:
            return f"The difference of {points} is inside the noise {interval}."
        return f"The {'second' if self.difference > 0 else 'first'} one is better by {points} {interval}."


def compare(first: Mapping[str, Any], second: Mapping[str, Any], row: str = "both") -> Comparison:
    """Paired by clip, over the predictions of two reports or cards.

    first, second: lists "clips" (names), "speakers", "labels" (class numbers), and under "guesses" a list of class
                   numbers for each row

    Raises NotComparable.
    """
    ours, theirs = _by_name(first, row), _by_name(second, row)
    shared = sorted(set(ours) & set(theirs))
    if not shared:
        raise NotComparable("They were tested on different clips: nothing can be compared.")
    if any(ours[name][:2] != theirs[name][:2] for name in shared):
        raise NotComparable("The same clips have other labels or speakers in the two tests.")
    labels, speakers, guessed = (np.array(column) for column in zip(*(ours[name] for name in shared), strict=True))
    others = np.array([theirs[name][2] for name in shared])
    actors = len(set(speakers.tolist()))
    if actors < FEWEST_ACTORS:
        raise NotComparable("Both were tested on one person only: that says nothing about others.")
    found = metrics.paired_difference(labels, guessed, others, speakers)
    return Comparison(
        row=row,
        first=found.first,
        second=found.second,
        difference=found.size,
        low=found.low,
        high=found.high,
        is_noise=found.is_noise,
        clips=len(shared),
        actors=actors,
        left_out=len(set(ours) ^ set(theirs)),
    )


def _by_name(predictions: Mapping[str, Any], row: str) -> dict[str, tuple[int, str, int]]:
    """The label, speaker and guess of each clip."""
    try:
        guesses = predictions["guesses"]
        if row not in guesses:
            raise NotComparable(f"There is no row “{row}”; there are {', '.join(guesses)}.")
        columns = zip(predictions["labels"], predictions["speakers"], guesses[row], strict=True)
        return dict(zip(predictions["clips"], columns, strict=True))
    except (KeyError, TypeError, ValueError) as error:
        raise NotComparable("This report does not say what was guessed of each clip.") from error
