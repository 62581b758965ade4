"""Which face of a picture is the patient's, and when it is better to say nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emotion.ml.faces.finding import Face
from emotion.ml.readings import Gap


@dataclass(frozen=True)
class ChoiceConfig:
    """Where reading a face stops being honest.

    smallest    the face's height as a share of the picture's shorter side, below which it is not read
    comparable  a second face at least this share of the first one's height makes it unclear whose it is
    sure        the detector's probability from which a second face counts
    dark        mean brightness, 0 to 255, below which nothing is read from a face
    """

    smallest: float = 0.15
    comparable: float = 0.5
    sure: float = 0.9
    dark: float = 30.0


def choose(pixels: NDArray[np.uint8], faces: Sequence[Face], config: ChoiceConfig) -> Face | Gap:
    """The one face to read, or why there is none.

    pixels  (height, width, 3); faces with the largest first
    """
    if not faces:
        return Gap.TOO_DARK if _brightness(pixels) < config.dark else Gap.NO_FACE
    first, *others = faces
    if any(other.score >= config.sure and other.height >= config.comparable * first.height for other in others):
        return Gap.TWO_FACES
    if first.height < config.smallest * min(pixels.shape[:2]):
        return Gap.TOO_SMALL
    left, top, right, bottom = first.box.clip(min=0).astype(int)
    within = pixels[top:bottom, left:right]
    if not within.size:
        return Gap.NO_FACE  # the nets moved the box out of the picture
    return Gap.TOO_DARK if _brightness(within) < config.dark else first


def _brightness(pixels: NDArray[np.uint8]) -> float:
    # Every fourth pixel each way tells as much. Weights of the three colours: ITU-R BT.601.
    return float(pixels[::4, ::4].reshape(-1, 3).mean(axis=0) @ (0.299, 0.587, 0.114))
