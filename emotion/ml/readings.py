"""What the library gives back: points in time, each a probability over the eight labels or a gap with a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from emotion.ml.labels import LABELS

POINTS_PER_SECOND = 5.0


class Gap(StrEnum):
    """Why a channel says nothing at a moment."""

    NO_PICTURE = "no picture"
    NO_FACE = "no face"
    TWO_FACES = "two faces"
    TOO_SMALL = "face too small"
    TOO_DARK = "too dark"
    NO_SOUND = "no sound"
    SILENCE = "silence"
    CLIPPED = "clipped"
    LITTLE_SPEECH = "too little speech"  # somebody speaks, too briefly for an expression of the voice
    NOT_READ = "not read"  # the channel failed; Reading.failures says why


@dataclass(frozen=True)
class Point:
    """One moment. `face` and `voice` sum to 1 over LABELS, or are None with `face_gap` or `voice_gap` set.

    at          seconds from the start of the recording
    box         left, top, right, bottom of the face as shares of the picture (0 to 1)
    speech      probability that somebody speaks
    pitch       semitones over 55 Hz
    arousal     the voice's activation relative to this speaker's own recording: z-score, 0 is her usual
    voice       of a window of some seconds around the moment
    fused       face and voice together; sums to 1 over LABELS, None only where both are
    """

    at: float
    face: tuple[float, ...] | None = None
    face_gap: Gap | None = None
    box: tuple[float, float, float, float] | None = None
    speech: float = 0.0
    pitch: float | None = None
    arousal: float | None = None
    voice: tuple[float, ...] | None = None
    voice_gap: Gap | None = None
    fused: tuple[float, ...] | None = None

    def face_label(self) -> str | None:
        return leading(self.face)

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Point:
        values = dict(data)
        for name in ("face", "box", "voice", "fused"):
            if values.get(name) is not None:
                values[name] = tuple(values[name])
        for name in ("face_gap", "voice_gap"):
            if values.get(name) is not None:
                values[name] = Gap(values[name])
        return cls(**values)


def leading(probabilities: tuple[float, ...] | None) -> str | None:
    """The most probable of LABELS."""
    if probabilities is None:
        return None
    return LABELS[max(range(len(LABELS)), key=probabilities.__getitem__)]


@dataclass(frozen=True)
class Reading:
    """A recording as the pack read it."""

    points: tuple[Point, ...]
    duration: float  # seconds
    pack: str
    pack_sha256: str
    versions: Mapping[str, str] = field(default_factory=dict)
    rate: float = POINTS_PER_SECOND
    failures: Mapping[str, str] = field(default_factory=dict)  # "face" or "voice" → why it could not be read at all

    def gaps(self) -> dict[str, dict[str, int]]:
        """How many points of each channel are gaps, by reason."""
        return {
            "face": dict(Counter(str(point.face_gap) for point in self.points if point.face_gap)),
            "voice": dict(Counter(str(point.voice_gap) for point in self.points if point.voice_gap)),
        }

    def as_json(self) -> dict[str, Any]:
        return {
            "duration": self.duration,
            "rate": self.rate,
            "pack": self.pack,
            "pack_sha256": self.pack_sha256,
            "versions": dict(self.versions),
            "failures": dict(self.failures),
            "gaps": self.gaps(),
            "points": [point.as_json() for point in self.points],
        }
