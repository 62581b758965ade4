"""A stream of sound → overlapping windows with enough speech in them, and what the voice net reads in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class WindowNet(Protocol):
    """Hears windows one batch at a time, and tells of all of them at the end: then the speaker is known better."""

    def hear(self, windows: Floats) -> Floats:
        """(window, sample), all of one length, to (window, feature)"""

    def tell(self, features: Floats) -> Floats:
        """(window, feature), all of a recording's, to (window, 8) probabilities over LABELS"""


@dataclass(frozen=True)
class WindowConfig:
    """
    seconds       of a window: 3 s are read with a recall of .79, 2 s with .72, 1 s with .60 (`weights/voice.md`)
    every         seconds from the start of one window to the next
    shortest      seconds of a recording that is read at all
    least_speech  share of a window in which somebody speaks, as the net was measured
    at_once       windows heard in one go
    """

    seconds: float = 3.0
    every: float = 1.0
    shortest: float = 2.0
    least_speech: float = 0.5
    at_once: int = 8


@dataclass(frozen=True)
class ReadWindow:
    """What was read from `start` to `end` (seconds): probabilities over LABELS."""

    start: float
    end: float
    probabilities: tuple[float, ...]

    @property
    def middle(self) -> float:
        return (self.start + self.end) / 2


class VoiceWindows:
    """Takes sound in order, with the speech that was found in it; holds some seconds of it at a time."""

    def __init__(self, net: WindowNet, config: WindowConfig, rate: int, speech_step: int, speaking: float) -> None:
        """`rate` samples a second; a probability of speech each `speech_step` samples, `speaking` from `speaking`."""
        self.config = config
        self._net, self._rate, self._step, self._speaking = net, rate, speech_step, speaking
        self._length, self._hop = int(config.seconds * rate), int(config.every * rate)
        self._sound = np.zeros(0, np.float32)
        self._sound_from = 0  # sample of the recording at which `_sound` begins
        self._speaks: list[NDArray[np.bool_]] = []
        self._blocks = 0  # of speech, taken so far
        self._next = 0  # first sample of the next window
        self._waiting: list[tuple[int, Floats]] = []
        self._spans: list[tuple[float, float]] = []  # seconds
        self._features: list[Floats] = []

    def take(self, samples: Floats, speech: Sequence[Floats]) -> None:
        """`speech`: all blocks of probabilities found so far; they may lag behind the sound."""
        self._sound = np.concatenate([self._sound, samples])
        self._learn(speech)
        while self._next + self._length <= min(self._heard, self._judged):
            self._offer(self._next, self._length)
            self._next += self._hop
        self._forget()

    def rest(self, speech: Sequence[Floats]) -> list[ReadWindow]:
        """All windows, in order, the end of the recording included."""
        self.take(np.zeros(0, np.float32), speech)
        last = self._next - self._hop + self._length  # where the last window ended
        if self._next == 0 and self._heard >= self.config.shortest * self._rate:
            self._offer(0, self._heard)  # the whole of a short recording
        elif self._next and self._heard - last >= self._hop / 2:
            self._offer(self._heard - self._length, self._length)
        self._hear_waiting()
        if not self._spans:
            return []
        told = self._net.tell(np.concatenate(self._features))
        return [
            ReadWindow(start, end, tuple(float(share) for share in row))
            for (start, end), row in zip(self._spans, told, strict=True)
        ]

    @property
    def _heard(self) -> int:
        return self._sound_from + len(self._sound)

    @property
    def _judged(self) -> int:
        return sum(map(len, self._speaks)) * self._step

    def _learn(self, speech: Sequence[Floats]) -> None:
        new = list(islice(speech, self._blocks, None))
        self._speaks += [block >= self._speaking for block in new]
        self._blocks += len(new)

    def _offer(self, start: int, length: int) -> None:
        if self._spoken(start, length) < self.config.least_speech:
            return
        first = start - self._sound_from
        sound = self._sound[first : first + length]
        if self._waiting and len(self._waiting[0][1]) != len(sound):
            self._hear_waiting()
        self._waiting.append((start, sound.copy()))
        if len(self._waiting) >= self.config.at_once:
            self._hear_waiting()

    def _spoken(self, start: int, length: int) -> float:
        speaks = np.concatenate(self._speaks) if self._speaks else np.zeros(0, bool)
        part = speaks[start // self._step : (start + length) // self._step]
        return float(part.mean()) if len(part) else 0.0

    def _hear_waiting(self) -> None:
        if not self._waiting:
            return
        self._features.append(self._net.hear(np.stack([sound for _, sound in self._waiting])))
        self._spans += [(start / self._rate, (start + len(sound)) / self._rate) for start, sound in self._waiting]
        self._waiting = []

    def _forget(self) -> None:
        """Sound before the next window, but for what the last one may need when the recording ends here."""
        keep = min(self._next, max(0, self._heard - self._length))
        if keep > self._sound_from:
            self._sound = self._sound[keep - self._sound_from :]
            self._sound_from = keep


def around(windows: Sequence[ReadWindow], at: float) -> ReadWindow | None:
    """Of the windows that contain the moment, the one whose middle is nearest to it."""
    holding = [window for window in windows if window.start <= at < window.end]
    return min(holding, key=lambda window: abs(window.middle - at), default=None)
