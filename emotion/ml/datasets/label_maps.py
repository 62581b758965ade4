"""Each corpus's own labels and which of the eight each one is, with the reason: the one table of its kind.

A label without a counterpart is left out of training and tests, never squeezed into a neighbour.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from emotion.ml.labels import LABELS


class Mapped(NamedTuple):
    """One of a corpus's own labels; `label` is one of the eight, or None where the clips are left out."""

    own: str
    label: str | None
    why: str


SAME = "the same word"

EIGHT = tuple(Mapped(label, label, SAME) for label in LABELS)

LABEL_MAPS: Mapping[str, tuple[Mapped, ...]] = {
    "made": EIGHT,
    # The eight are RAVDESS's own, in the order of its codes.
    "ravdess": EIGHT,
    "ravdess-audio": EIGHT,
    "cremad": (
        Mapped("NEU", "neutral", SAME),
        Mapped("HAP", "happy", SAME),
        Mapped("SAD", "sad", SAME),
        Mapped("ANG", "angry", SAME),
        Mapped("FEA", "fearful", SAME),
        Mapped("DIS", "disgust", SAME),
    ),
    "iemocap": (
        Mapped("neu", "neutral", SAME),
        Mapped("hap", "happy", SAME),
        Mapped("exc", "happy", "counted as happy in the field's four-class task; raters confuse the two most"),
        Mapped("sad", "sad", SAME),
        Mapped("ang", "angry", SAME),
        Mapped("fea", "fearful", SAME),
        Mapped("dis", "disgust", SAME),
        Mapped("sur", "surprised", SAME),
        Mapped("fru", None, "frustration lies between anger and sadness and is neither; the four-class task omits it"),
        Mapped("oth", None, "the raters agreed only that it is none of the named"),
        Mapped("xxx", None, "the raters did not agree"),
    ),
    "meld": (
        Mapped("neutral", "neutral", SAME),
        Mapped("joy", "happy", "joy is this corpus's word for the same expression"),
        Mapped("sadness", "sad", SAME),
        Mapped("anger", "angry", SAME),
        Mapped("fear", "fearful", SAME),
        Mapped("disgust", "disgust", SAME),
        Mapped("surprise", "surprised", "pleasant and unpleasant surprise are one here, as in RAVDESS"),
    ),
}
