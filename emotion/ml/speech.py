"""Sound → when somebody speaks, how high the voice is, and how far that is from this speaker's usual.

Arousal here is pitch and nothing else: semitones, less the mean over this speaker's own voiced frames in this
recording, over their spread. Loudness is left out, because browsers level it. On EmoDB, a clip's mean of this
separated acted anger, fear and joy from sadness, boredom and neutral with an AUC of .990, untrained
(`emotion/README.md`). It says that a voice is raised or lowered, not why.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from emotion.ml.errors import WrongCheckpoint
from emotion.ml.media import SAMPLE_RATE, Sound
from emotion.ml.readings import Gap
from emotion.ml.voice_windows import VoiceWindows, WindowConfig, WindowNet, around

Floats = NDArray[np.float32]

CELL = 1_600  # samples: a tenth of a second, the grain in which presence and clipping are counted
REFERENCE = 55.0  # Hz, pitch 0


@dataclass(frozen=True)
class SpeechConfig:
    """What counts as voice.

    speaking      probability of speech from which a moment is not silence
    voiced        the pitch net's confidence from which a frame has a pitch
    pitch_range   Hz, of human speech
    clipped_at    sample value, and the share of a moment's samples at it, that make the moment unusable
    window        seconds around a point whose voiced frames give its arousal
    least_voiced  seconds of voice in the recording below which the speaker's usual is unknown
    least_spread  semitones: a flat voice is not stretched further than this
    """

    speaking: float = 0.5
    voiced: float = 0.5
    pitch_range: tuple[float, float] = (60.0, 600.0)
    clipped_at: float = 0.99
    clipped_share: float = 0.02
    window: float = 1.0
    least_voiced: float = 2.0
    least_spread: float = 1.0


@dataclass(frozen=True)
class Moment:
    """The voice around one point, as in readings.Point."""

    speech: float = 0.0
    pitch: float | None = None
    arousal: float | None = None
    voice: tuple[float, ...] | None = None
    gap: Gap | None = None


class Listener:
    """Take stretches of sound in order, then tell what was heard. Holds some seconds of sound at a time."""

    def __init__(
        self,
        activity: VoiceActivity,
        pitch: Pitch,
        config: SpeechConfig,
        voice: WindowNet,
        windows: WindowConfig,
    ) -> None:
        self.config = config
        self._windows = VoiceWindows(voice, windows, SAMPLE_RATE, VoiceActivity.STEP, config.speaking)
        self.heard = 0  # samples, holes included
        self._activity, self._pitch = activity.begin(), pitch.begin(config.pitch_range)
        self._present, self._clipped = _Count(), _Count()

    def take(self, stretch: Sound) -> None:
        hole = stretch.start - self.heard
        while hole > 0:  # silence a minute at a time, so that a long hole is no long array
            self._listen(np.zeros(min(hole, 60 * SAMPLE_RATE), np.float32))
            hole = stretch.start - self.heard
        self._present.add(self.heard, np.ones(len(stretch.samples), bool))
        self._clipped.add(self.heard, np.abs(stretch.samples) >= self.config.clipped_at)
        self._listen(stretch.samples)

    def _listen(self, samples: Floats) -> None:
        self._activity.take(samples)
        self._pitch.take(samples)
        self._windows.take(samples, self._activity.found)
        self.heard += len(samples)

    def moments(self, count: int, rate: float) -> list[Moment]:
        """The voice at `count` points, `rate` a second."""
        speech, (pitch, confidence) = self._activity.rest(), self._pitch.rest()
        windows = self._windows.rest(self._activity.found)
        speaks = speech[np.minimum(np.arange(len(pitch)) * Pitch.HOP // VoiceActivity.STEP, len(speech) - 1)]
        voiced = (confidence >= self.config.voiced) & (speaks >= self.config.speaking)
        arousal = self._arousal(pitch, voiced)
        reach, wide = 0.5 / rate, self.config.window / 2
        moments = []
        for at in np.arange(count) / rate:
            present = self._present.share(at - reach, at + reach)
            likely = _part(speech, VoiceActivity.STEP, at - reach, at + reach)
            probability = float(likely.mean()) if len(likely) else 0.0
            if present < 0.5:
                moments.append(Moment(gap=Gap.NO_SOUND))
            elif self._clipped.share(at - reach, at + reach) >= self.config.clipped_share:
                moments.append(Moment(probability, gap=Gap.CLIPPED))
            elif probability < self.config.speaking:
                moments.append(Moment(probability, gap=Gap.SILENCE))
            else:
                here = _part(np.where(voiced, pitch, np.nan), Pitch.HOP, at - reach, at + reach)
                nearby = _part(arousal, Pitch.HOP, at - wide, at + wide)
                window = around(windows, at)
                moments.append(
                    Moment(
                        probability,
                        pitch=_middle(here, least=3),
                        arousal=_mean(nearby, least=10),
                        voice=window.probabilities if window else None,
                        gap=None if window else Gap.LITTLE_SPEECH,
                    )
                )
        return moments

    def _arousal(self, pitch: Floats, voiced: NDArray[np.bool_]) -> Floats:
        """(frame,) distance from the speaker's usual in spreads; not a number where there is no voice."""
        own = pitch[voiced]
        if len(own) * Pitch.HOP < self.config.least_voiced * SAMPLE_RATE:
            return np.full(len(pitch), np.nan, np.float32)
        spread = max(float(own.std()), self.config.least_spread)
        return np.where(voiced, (pitch - own.mean()) / spread, np.nan).astype(np.float32)


class VoiceActivity:
    """The probability of speech for each 32 ms. Source: Silero VAD v6 (MIT), as faster-whisper carries it."""

    STEP, CONTEXT = 512, 64  # samples
    AT_ONCE = 320  # steps: 10 seconds

    def __init__(self, weights: Path, threads: int = 1) -> None:
        self.session = _session(weights, threads)

    def begin(self) -> _ActivityStream:
        return _ActivityStream(self.session)


class _ActivityStream:
    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self.session = session
        self.state = [np.zeros((1, 1, 128), np.float32), np.zeros((1, 1, 128), np.float32)]
        self.waiting = np.zeros(VoiceActivity.CONTEXT, np.float32)
        self.found: list[Floats] = []

    def take(self, samples: Floats) -> None:
        self.waiting = np.concatenate([self.waiting, samples])
        block = VoiceActivity.STEP * VoiceActivity.AT_ONCE
        while len(self.waiting) >= block + VoiceActivity.CONTEXT:
            self._run(self.waiting[: block + VoiceActivity.CONTEXT])
            self.waiting = self.waiting[block:]

    def rest(self) -> Floats:
        left = len(self.waiting) - VoiceActivity.CONTEXT
        if left:
            self._run(np.pad(self.waiting, (0, -left % VoiceActivity.STEP)))
            self.waiting = self.waiting[-VoiceActivity.CONTEXT :]
        return np.concatenate(self.found) if self.found else np.zeros(1, np.float32)

    def _run(self, samples: Floats) -> None:
        # Each step also sees the end of the one before it.
        steps = np.lib.stride_tricks.sliding_window_view(samples, VoiceActivity.STEP + VoiceActivity.CONTEXT)
        inputs = {"input": steps[:: VoiceActivity.STEP], "h": self.state[0], "c": self.state[1]}
        probability, *self.state = self.session.run(None, inputs)
        self.found.append(np.asarray(probability, np.float32).reshape(-1))


class Pitch:
    """Pitch and its confidence for each 16 ms. Source: SwiftF0 0.3.0 (MIT)."""

    HOP = 256  # samples
    BEFORE, AFTER = 11, 10  # frames on either side that the net sees; with them, blocks equal the whole
    AT_ONCE = 625  # frames: 10 seconds
    QUIETEST = 1e-3  # the net was never shown digital silence, and hears voices in it

    def __init__(self, weights: Path, threads: int = 1) -> None:
        self.session = _session(weights, threads)

    def begin(self, pitch_range: tuple[float, float]) -> _PitchStream:
        return _PitchStream(self.session, pitch_range)


class _PitchStream:
    def __init__(self, session: onnxruntime.InferenceSession, pitch_range: tuple[float, float]) -> None:
        self.session = session
        self.limits = {"fmin": np.array(pitch_range[0], np.float32), "fmax": np.array(pitch_range[1], np.float32)}
        self.waiting = np.zeros(0, np.float32)
        self.seen = 0  # frames at the start of `waiting` that are there to be looked back on
        self.found: list[tuple[Floats, Floats]] = []

    def take(self, samples: Floats) -> None:
        self.waiting = np.concatenate([self.waiting, samples])
        while len(self.waiting) >= (self.seen + Pitch.AT_ONCE + Pitch.AFTER) * Pitch.HOP:
            self._run(self.waiting[: (self.seen + Pitch.AT_ONCE + Pitch.AFTER) * Pitch.HOP], Pitch.AT_ONCE)
            keep = min(self.seen + Pitch.AT_ONCE, Pitch.BEFORE)
            self.waiting = self.waiting[(self.seen + Pitch.AT_ONCE - keep) * Pitch.HOP :]
            self.seen = keep

    def rest(self) -> tuple[Floats, Floats]:
        """Semitones over REFERENCE and confidence, each (frame,)."""
        left = len(self.waiting) // Pitch.HOP - self.seen
        if left > 0:
            self._run(self.waiting, left)
            self.waiting = self.waiting[:0]
        if not self.found:
            return np.zeros(0, np.float32), np.zeros(0, np.float32)
        pitch, confidence = (np.concatenate(column) for column in zip(*self.found, strict=True))
        return 12 * np.log2(np.maximum(pitch, 1.0) / np.float32(REFERENCE)), confidence

    def _run(self, samples: Floats, frames: int) -> None:
        pitch, confidence = self.session.run(["pitch", "confidence"], {"audio": samples[None], **self.limits})
        new = slice(self.seen, self.seen + frames)
        heard = np.abs(samples[: (self.seen + frames) * Pitch.HOP]).reshape(-1, Pitch.HOP).max(axis=1) >= Pitch.QUIETEST
        self.found.append((np.asarray(pitch[0])[new], np.asarray(confidence[0])[new] * heard[new]))


class _Count:
    """How many samples of each CELL are so."""

    def __init__(self) -> None:
        self.cells = np.zeros(0, np.int32)

    def add(self, start: int, so: NDArray[np.bool_]) -> None:
        last = (start + len(so)) // CELL + 1
        if last > len(self.cells):
            self.cells = np.concatenate([self.cells, np.zeros(max(last - len(self.cells), 600), np.int32)])
        cells = (start + np.flatnonzero(so)) // CELL
        self.cells += np.bincount(cells, minlength=len(self.cells)).astype(np.int32)

    def share(self, start: float, end: float) -> float:
        """The share of the samples from `start` to `end` seconds that are so; before 0 there are none."""
        part = _part(self.cells, CELL, start, end)
        return float(part.sum()) / (CELL * len(part)) if len(part) else 0.0


def _part(values: NDArray[Any], step: int, start: float, end: float) -> NDArray[Any]:
    """The values, one each `step` samples, that begin from `start` to before `end` seconds."""
    first, last = (max(0, int(np.ceil(round(at * SAMPLE_RATE / step, 6)))) for at in (start, end))
    return values[first:last]


def _middle(values: Floats, least: int) -> float | None:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) >= least else None


def _mean(values: Floats, least: int) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) >= least else None


def _session(weights: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    # Waiting threads sleep: other workers share the cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises its own kind for each way a file can be wrong
        raise WrongCheckpoint(f"{weights.name} is damaged or not a net that can be run.") from error
