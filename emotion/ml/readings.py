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
    NOT_READ = "not read"  # the channel failed; Reading.failures says why


@dataclass(frozen=True)
class Point:
    """One moment. `face` sums to 1 over LABELS, or is None with `face_gap` set; the voice likewise.

    at          seconds from the start of the recording
    box         left, top, right, bottom of the face as shares of the picture (0 to 1)
    pitch       semitones over 55 Hz
    arousal     the voice's activation relative to this speaker's own recording: z-score, 0 is her usual
    """

    at: float
    face: tuple[float, ...] | None = None
    face_gap: Gap | None = None
    box: tuple[float, float, float, float] | None = None
    speech: float = 0.0
    pitch: float | None = None
    arousal: float | None = None
    voice_gap: Gap | None = None

    def face_label(self) -> str | None:
        if self.face is None:
            return None
        return LABELS[max(range(len(LABELS)), key=self.face.__getitem__)]

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Point:
        values = dict(data)
        for name in ("face", "box"):
            if values.get(name) is not None:
                values[name] = tuple(values[name])
        for name in ("face_gap", "voice_gap"):
            if values.get(name) is not None:
                values[name] = Gap(values[name])
        return cls(**values)


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
