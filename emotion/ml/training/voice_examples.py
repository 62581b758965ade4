"""A corpus as the voice head sees it: the features of each clip, as it is and under what may happen to a voice."""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from emotion.ml import media
from emotion.ml.datasets.clips import Clip
from emotion.ml.datasets.sound_transforms import Samples, at_level, faster, in_room, through_opus, with_noise
from emotion.ml.errors import NoSound
from emotion.ml.nets.whisper_encoder import SAMPLE_RATE
from emotion.ml.voice_features import STEP, VoiceFeatures

OnProgress = Callable[[int, int], None]  # clips done, of how many
Condition = Callable[[Samples, np.random.Generator], list[Samples]]  # a clip becomes one sound or several

SPOKEN = 10 ** (-35 / 10)  # of the loudest step's power: what counts as speech where windows are cut
WINDOW_EVERY = 0.5  # seconds from one window of a clip to the next


@dataclass(frozen=True)
class Heard:
    """
    features: (row, feature)
    clips:    (row,) which clip each row was cut from
    """

    features: NDArray[np.float32]
    clips: NDArray[np.int64]

    def of(self, clips: NDArray[np.integer]) -> Heard:
        """The rows of these clips, in the order of the rows."""
        kept = np.isin(self.clips, clips)
        return Heard(self.features[kept], self.clips[kept])


def hear(
    corpus: Sequence[Clip],
    condition: str,
    features: VoiceFeatures,
    cache: Path,
    on_progress: OnProgress = lambda done, count: None,
) -> Heard:
    """The features of every clip under a condition of CONDITIONS; from the cache where they are already there."""
    kept = cache / f"{condition.replace(' ', '-')}-{_digest(corpus, features)}.npz"
    if not kept.exists():
        rows, clips = [], []
        for number, clip in enumerate(corpus):
            for sound in _under(condition, clip):
                rows.append(features(torch.from_numpy(np.ascontiguousarray(sound))[None])[0].numpy())
                clips.append(number)
            on_progress(number + 1, len(corpus))
        cache.mkdir(parents=True, exist_ok=True)
        half = kept.with_suffix(".part.npz")
        np.savez(half, features=np.stack(rows).astype(np.float16), clips=np.array(clips))
        os.replace(half, kept)
    with np.load(kept) as arrays:
        return Heard(arrays["features"].astype(np.float32), arrays["clips"])


def _under(condition: str, clip: Clip) -> list[Samples]:
    if clip.sound is None:
        raise NoSound(f"{clip.name} has no sound.")
    # Each clip has its own luck, whatever else is read and in which order.
    rng = np.random.default_rng([zlib.crc32(condition.encode()), zlib.crc32(clip.name.encode())])
    return CONDITIONS[condition](media.sound(clip.sound), rng)


def _digest(clips: Sequence[Clip], features: VoiceFeatures) -> str:
    told = [[clip.name for clip in clips], asdict(features.config), asdict(features.encoder.config)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]


def _varied(sound: Samples, rng: np.random.Generator) -> list[Samples]:
    """Somebody else, in another room, over another line; half of the time only a moment of it."""
    if rng.random() < 0.6:
        sound = faster(sound, rng.uniform(0.88, 1.14))
    if rng.random() < 0.5:
        sound = _moment(sound, rng.uniform(1.0, 3.0), rng)
    if rng.random() < 0.35:
        sound = in_room(sound, rng.uniform(0.15, 0.6), rng, distance=rng.uniform(0.1, 0.8))
    if rng.random() < 0.5:
        sound = with_noise(sound, rng.uniform(3, 30), rng, slope=rng.uniform(0, 2))
    if rng.random() < 0.35:
        sound = through_opus(at_level(sound, -26), int(rng.uniform(16_000, 48_000)))
    return [sound]


def _moment(sound: Samples, seconds: float, rng: np.random.Generator) -> Samples:
    """A window around a spoken step."""
    length = int(seconds * SAMPLE_RATE)
    if length >= len(sound):
        return sound
    spoken = rng.choice(np.flatnonzero(_spoken(sound))) * STEP
    start = int(np.clip(spoken - rng.integers(length), 0, len(sound) - length))
    return sound[start : start + length]


def _windows(seconds: float) -> Condition:
    """Windows of a timeline: every half second, where at least half of the window is speech."""

    def cut(sound: Samples, _rng: np.random.Generator) -> list[Samples]:
        length, spoken = int(seconds * SAMPLE_RATE), _spoken(sound)
        starts = range(0, max(1, len(sound) - length + 1), int(WINDOW_EVERY * SAMPLE_RATE))
        return [
            sound[start : start + length]
            for start in starts
            if spoken[start // STEP : (start + length) // STEP].mean() >= 0.5
        ]

    return cut


def _spoken(sound: Samples) -> NDArray[np.bool_]:
    power = np.square(sound[: len(sound) // STEP * STEP].reshape(-1, STEP)).mean(axis=1)
    return power >= power.max() * SPOKEN


def _noisy(decibels: float) -> Condition:
    return lambda sound, rng: [with_noise(sound, decibels, rng)]


CLEAN = "clean"
VARIED = tuple(f"varied {number}" for number in (1, 2, 3))  # a fourth brought nothing more
WINDOWS = ("1 s windows", "2 s windows", "3 s windows")
ROUGH = ("noise 20 dB", "noise 10 dB", "noise 0 dB", "opus 32 kbit")
CONDITIONS: Mapping[str, Condition] = {
    CLEAN: lambda sound, _rng: [sound],
    **dict.fromkeys(VARIED, _varied),
    **{name: _windows(float(name[0])) for name in WINDOWS},
    **{f"noise {decibels} dB": _noisy(decibels) for decibels in (20, 10, 0)},
    "opus 32 kbit": lambda sound, _rng: [through_opus(at_level(sound, -26))],
}
