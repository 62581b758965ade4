"""A made corpus: drawn faces and synthesised voices that differ by label and by actor. For tests and demonstrations.

Nothing is read from disk: a seed gives the same clips on every machine. In a share of the clips one channel is mute
(a face without expression, a voice without melody), so that neither channel alone can be right every time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from emotion.ml.datasets.clips import Clip
from emotion.ml.labels import LABELS

SAMPLE_RATE = 16_000  # Hz


@dataclass(frozen=True)
class MadeConfig:
    actors: int = 12
    takes: int = 2  # clips of each label by each actor
    frames: int = 5  # a clip
    size: int = 32  # pixels a side
    seconds: float = 1.0
    mute: float = 0.06  # share of clips whose face, and independently whose voice, shows nothing
    seed: int = 0


class MadeClip(NamedTuple):
    """
    faces: (frame, 3, size, size) uint8
    sound: (sample,) float32 at 16 kHz
    label: index into LABELS
    """

    clip: Clip
    faces: np.ndarray
    sound: np.ndarray
    label: int


class Look(NamedTuple):
    """What a face does: lip corners and brows from -1 (down) to 1 (up), eyes and mouth from 0 (shut) to 1 (open), the
    skin from -1 (pale) to 1 (flushed)."""

    lips: float
    brows: float
    eyes: float
    mouth: float
    flush: float


class Tone(NamedTuple):
    """What a voice does: pitch in semitones over the actor's own, its slide and tremor, loudness and pace."""

    pitch: float
    slide: float
    tremor: float
    loudness: float
    pace: float  # syllables a second


BLANK = Look(0.0, 0.0, 0.5, 0.15, 0.0)
FLAT = Tone(0.0, 0.0, 0.0, 0.25, 4.0)
LOOKS = dict(
    zip(
        LABELS,
        (
            Look(0.0, 0.0, 0.5, 0.0, 0.0),
            Look(0.5, 0.0, 0.0, 0.0, 0.0),
            Look(1.0, 0.3, 0.6, 0.5, 0.5),
            Look(-1.0, 0.8, 0.1, 0.0, -0.5),
            Look(-0.5, -1.0, 0.8, 0.3, 1.0),
            Look(-0.3, 1.0, 1.0, 0.6, -1.0),
            Look(-1.0, -0.6, 0.15, 0.45, -0.6),
            Look(0.2, 1.0, 1.0, 1.0, 0.3),
        ),
        strict=True,
    )
)
TONES = dict(
    zip(
        LABELS,
        (
            Tone(0.0, -1.0, 0.0, 0.25, 4.5),
            Tone(-3.0, 0.0, 0.0, 0.12, 2.5),
            Tone(6.0, 4.0, 0.0, 0.40, 6.0),
            Tone(-6.0, -4.0, 0.5, 0.12, 3.0),
            Tone(4.0, -5.0, 0.0, 0.80, 8.0),
            Tone(10.0, 0.0, 1.5, 0.25, 9.0),
            Tone(-6.0, 3.0, 1.0, 0.40, 3.5),
            Tone(12.0, 8.0, 0.0, 0.45, 4.0),
        ),
        strict=True,
    )
)


def make(config: MadeConfig | None = None) -> list[MadeClip]:
    """actors x labels x takes clips, in that order; equal for equal configs."""
    config = config or MadeConfig()
    rng = np.random.default_rng(config.seed)
    made = []
    for actor in range(1, config.actors + 1):
        person = rng.uniform(-1, 1, 4)
        for label, name in enumerate(LABELS):
            for take in range(1, config.takes + 1):
                look = BLANK if rng.random() < config.mute else LOOKS[name]
                tone = FLAT if rng.random() < config.mute else TONES[name]
                faces = _faces(look, person, config, rng)
                made.append(MadeClip(_clip(actor, name, take), faces, _sound(tone, person, config, rng), label))
    return made


def _clip(actor: int, label: str, take: int) -> Clip:
    name = f"{actor:02d}-{label}-{take}"
    return Clip(
        corpus="made",
        name=name,
        label=label,
        speaker=f"{actor:02d}",
        group=f"{actor:02d}",
        performance=name,
        sentence=str(take),
    )


def _faces(look: Look, person: np.ndarray, config: MadeConfig, rng: np.random.Generator) -> np.ndarray:
    """(frame, 3, size, size): the look grows from a blank face to its full strength in the middle of the clip."""
    moved = np.array(look) + rng.normal(0, 0.06, 5)
    strength = 0.6 + 0.4 * np.sin(np.linspace(0, np.pi, config.frames))
    drawn = [_draw(Look(*(np.array(BLANK) + (moved - BLANK) * share)), person, config.size, rng) for share in strength]
    return np.stack(drawn).transpose(0, 3, 1, 2)


def _draw(look: Look, person: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """(size, size, 3): drawn at four times the size and shrunk, so that small movements show."""
    side = size * 4
    red, blue = 1 + 0.15 * look.flush, 1 - 0.15 * look.flush
    skin = (int((185 + 30 * person[0]) * red), int(150 + 30 * person[0]), int((125 + 30 * person[0]) * blue))
    dark = (50, 35, 35)
    image = Image.new("RGB", (side, side), (int(110 + 40 * person[1]),) * 3)
    pen = ImageDraw.Draw(image)

    def at(x: float, y: float) -> tuple[float, float]:
        return x * side, y * side

    wide = 0.40 + 0.04 * person[2]
    pen.ellipse([*at(0.5 - wide, 0.06), *at(0.5 + wide, 0.96)], fill=skin)
    for sign in (-1, 1):
        x, open_eye = 0.5 + sign * 0.17, 0.01 + 0.08 * np.clip(look.eyes, 0, 1)
        pen.ellipse([*at(x - 0.09, 0.40 - open_eye), *at(x + 0.09, 0.40 + open_eye)], fill=(245, 245, 245))
        pen.ellipse([*at(x - 0.03, 0.40 - open_eye), *at(x + 0.03, 0.40 + open_eye)], fill=dark)
        inner, outer = 0.25 - 0.09 * look.brows, 0.25 + 0.03 * look.brows
        pen.line([*at(x - sign * 0.11, inner), *at(x + sign * 0.11, outer)], fill=dark, width=side // 20)
    _mouth(pen, at, look, side, dark)
    small = image.resize((size, size), Image.Resampling.BOX)
    return np.clip(np.asarray(small, np.int16) + rng.normal(0, 6, (size, size, 3)), 0, 255).astype(np.uint8)


def _mouth(pen: ImageDraw.ImageDraw, at, look: Look, side: int, dark: tuple[int, int, int]) -> None:
    across = np.linspace(-1, 1, 13)
    bend, gape = 0.14 * look.lips, 0.01 + 0.10 * np.clip(look.mouth, 0, 1)
    middle = 0.75 + bend * (1 - across**2) - bend / 2
    half = gape * (1 - across**2)
    upper = [at(0.5 + 0.2 * x, y - h) for x, y, h in zip(across, middle, half, strict=True)]
    lower = [at(0.5 + 0.2 * x, y + h) for x, y, h in zip(across, middle, half, strict=True)]
    pen.polygon(upper + lower[::-1], fill=(120, 30, 40))
    pen.line(upper, fill=dark, width=side // 24)


def _sound(tone: Tone, person: np.ndarray, config: MadeConfig, rng: np.random.Generator) -> np.ndarray:
    """(sample,): harmonics of a moving pitch, cut into syllables, over a little noise."""
    time = np.arange(int(config.seconds * SAMPLE_RATE)) / SAMPLE_RATE
    semitones = tone.pitch + rng.normal(0, 0.6) + tone.slide * time / config.seconds
    semitones = semitones + tone.tremor * np.sin(2 * np.pi * 9 * time)
    pitch = 150 * 2 ** (0.3 * person[3]) * 2 ** (semitones / 12)
    turns = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    voice = sum(np.sin(turns * harmonic) / harmonic for harmonic in range(1, 7))
    syllables = 0.5 - 0.5 * np.cos(2 * np.pi * tone.pace * time + rng.uniform(0, 2 * np.pi))
    loud = tone.loudness * rng.uniform(0.85, 1.15)
    return (loud * voice * syllables / 2 + rng.normal(0, 0.01, len(time))).clip(-1, 1).astype(np.float32)
