"""Follow a face through a recording: search a whole picture about once a second, look again in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emotion.ml.faces.choosing import ChoiceConfig, choose
from emotion.ml.faces.finding import Cascade, Face
from emotion.ml.media import Picture
from emotion.ml.readings import Gap

SECONDS_AT_ONCE = 4  # pictures held and searched together: 20 MB at 480 lines
STILL_THERE = 0.3  # overlap of two searches' boxes, as a share of both, from which they are one face


@dataclass(frozen=True)
class Look:
    """A picture's face, or why there is none. `pixels` is (height, width, 3) on the device."""

    point: int
    pixels: Tensor
    face: Face | Gap


@dataclass
class _Seen:
    picture: Picture
    pixels: Tensor
    face: Face | Gap | None = None  # None: not looked for yet


@dataclass
class Follower:
    """Take pictures in order, give them back with their faces. What a picture gets does not depend on how
    many are held at once.

    every  points from one whole search to the next. Somebody who comes and goes between two is not seen.
    """

    cascade: Cascade
    choice: ChoiceConfig
    every: int = 5
    device: str = "cpu"
    at_once: int = SECONDS_AT_ONCE
    held: list[_Seen] = field(default_factory=list)

    def take(self, picture: Picture) -> Iterator[Look]:
        pixels = torch.from_numpy(picture.pixels).to(self.device)
        if self.held and self.held[-1].pixels.shape != pixels.shape:
            yield from self.rest()  # a phone was turned
        self.held.append(_Seen(picture, pixels))
        if self._is_searched(self.held[-1]) and len(self.held) > self.every * self.at_once:
            yield from self._finish(self.held)
            # The last one is searched; it also guides those that follow it.
            self.held = self.held[-1:]

    def rest(self) -> Iterator[Look]:
        """The pictures still held."""
        if self.held:
            yield from self._finish(self.held, all_of_them=True)
            self.held = []

    def _is_searched(self, seen: _Seen) -> bool:
        return seen.picture.point % self.every == 0

    def _finish(self, held: list[_Seen], all_of_them: bool = False) -> Iterator[Look]:
        self._search([seen for seen in held if self._is_searched(seen)])
        self._look_again(held)
        self._search(held)  # those that were lost
        for seen in held if all_of_them else held[:-1]:
            assert seen.face is not None
            yield Look(seen.picture.point, seen.pixels, seen.face)

    def _search(self, wanted: Sequence[_Seen]) -> None:
        unknown = [seen for seen in wanted if seen.face is None]
        for start in range(0, len(unknown), self.at_once):
            batch = unknown[start : start + self.at_once]
            found = self.cascade.search([seen.pixels for seen in batch])
            for seen, faces in zip(batch, found, strict=True):
                seen.face = choose(seen.picture.pixels, faces, self.choice)

    def _look_again(self, held: Sequence[_Seen]) -> None:
        guessed = []
        for index, seen in enumerate(held):
            if seen.face is None:
                before = next((other for other in reversed(held[:index]) if other.face is not None), None)
                after = next((other for other in held[index:] if other.face is not None), None)
                box = self._guess(seen.picture.point, before, after)
                if box is not None:
                    guessed.append((seen, box))
        if guessed:
            pixels = [seen.pixels for seen, _ in guessed]
            found = self.cascade.look_again(pixels, np.stack([box for _, box in guessed]))
            for (seen, _), faces in zip(guessed, found, strict=True):
                seen.face = choose(seen.picture.pixels, faces[:1], self.choice) if faces else None

    def _guess(self, point: int, before: _Seen | None, after: _Seen | None) -> NDArray[np.float32] | None:
        """Where the face should be between two searches that chose one and the same; None: search."""
        near = [seen for seen in (before, after) if seen is not None and abs(seen.picture.point - point) < self.every]
        boxes = [seen.face.box for seen in near if isinstance(seen.face, Face)]
        if not near or len(boxes) < len(near):
            return None
        if len(boxes) == 1:
            return boxes[0]
        if _overlap(boxes[0], boxes[1]) < STILL_THERE:
            return None
        way = (point - near[0].picture.point) / (near[1].picture.point - near[0].picture.point)
        return boxes[0] * (1 - way) + boxes[1] * way


def _overlap(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    common = float((high - low).clip(min=0).prod())
    return common / float((one[2:] - one[:2]).prod() + (other[2:] - other[:2]).prod() - common)
