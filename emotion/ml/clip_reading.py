"""Read recordings with a net that was trained on whole clips: windows of faces and sound → what both show together.

Windows are cut by the very function that cuts the clips of a corpus, as long and with as many frames as the net was
taught with, each beginning half a window after the last. A point's `fused` is the mean of the windows it lies in. All
else of a reading comes from the pack's other parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from emotion.ml import checkpoint, packs
from emotion.ml.checkpoint import Card
from emotion.ml.datasets import made
from emotion.ml.datasets.clips import Clip
from emotion.ml.datasets.windows import Window, WindowConfig, cut_window
from emotion.ml.errors import EmotionError, WrongCheckpoint
from emotion.ml.faces import Cascade
from emotion.ml.inference import OnProgress, Recogniser
from emotion.ml.labels import LABELS
from emotion.ml.media import SAMPLE_RATE
from emotion.ml.packs import CLIP_READER, Pack
from emotion.ml.readings import Point, Reading
from emotion.ml.training.config import TrainingConfig
from emotion.ml.training.examples import Collating, Example
from emotion.ml.training.learners import Learner, learner_for
from emotion.ml.training.readers import training_of
from emotion.ml.training.systems import rebuild
from emotion.ml.voice_windows import ReadWindow

AT_ONCE = 4  # windows


def load(folder: Path | None = None, device: str = "cpu", threads: int = 1) -> Recogniser:
    """The recogniser of the pack in a folder, or of the starter pack. Raises WrongCheckpoint."""
    pack = packs.starter() if folder is None else packs.from_folder(folder)
    kind = ClipRecogniser if CLIP_READER in pack.files else Recogniser
    return kind(pack, device, threads)


class ClipRecogniser(Recogniser):
    """A recogniser whose pack has a net that reads face and voice of a clip together."""

    def __init__(self, pack: Pack, device: str = "cpu", threads: int = 1) -> None:
        super().__init__(pack, device, threads)
        self.windows = ClipReader.load(pack.file(CLIP_READER), self.cascade, device)

    def read(self, path: Path, on_progress: OnProgress | None = None, limit: float | None = None) -> Reading:
        """As the parts read it, with `fused` from the net. Where a channel could not be read at all, the fusion of the
        parts stays: the net was made for both."""
        reading = super().read(path, on_progress, limit)
        if reading.failures:
            return reading
        try:
            windows = list(self.windows.read(path, reading.duration, on_progress))
        except EmotionError as error:
            return replace(reading, failures={**reading.failures, "both": str(error)})
        return replace(reading, points=tuple(with_windows(point, windows) for point in reading.points))


class ClipReader:
    """The net, what it is shown, and the temperature that its probabilities are calibrated with."""

    def __init__(
        self, learner: Learner, shown: WindowConfig, temperature: float, cascade: Cascade, device: str
    ) -> None:
        self.learner, self.shown, self.temperature = learner.to(device).eval(), shown, temperature
        self.cascade, self.device = cascade, device
        self.collate = Collating(learner.config.net.inputs, round(shown.seconds * SAMPLE_RATE))

    @classmethod
    def load(cls, path: Path, cascade: Cascade, device: str = "cpu") -> ClipReader:
        """Raises WrongCheckpoint."""
        saved = checkpoint.load(path)
        config = reads_recordings(saved.card)
        learner = learner_for(rebuild(saved), config)
        return cls(learner, window_of(config), temperature_of(saved.card), cascade, device)

    def read(self, path: Path, duration: float, on_progress: OnProgress | None = None) -> Iterator[ReadWindow]:
        """Raises UnreadableRecording and NoSound."""
        starts = beginnings(duration, self.shown.seconds)
        for first in range(0, len(starts), AT_ONCE):
            some = starts[first : first + AT_ONCE]
            spans = [(start, min(duration, start + self.shown.seconds)) for start in some]
            told = self._ask([self._cut(path, *span) for span in spans])
            for (start, end), row in zip(spans, told, strict=True):
                yield ReadWindow(start, end, row)
            if on_progress:
                on_progress("both", min(1.0, (first + AT_ONCE) / len(starts)))

    def _cut(self, path: Path, start: float, end: float) -> Window:
        clip = Clip("", "", "", "", "", "", video=path, sound=path, start=start, end=end)
        return cut_window(clip, self.shown, self.cascade, self.device)

    @torch.inference_mode()
    def _ask(self, windows: Sequence[Window]) -> list[tuple[float, ...]]:
        batch = self.collate([as_example(window) for window in windows]).to(torch.device(self.device))
        logits = self.learner.logits(self.learner.prepared(batch)).float() / self.temperature
        return [tuple(row) for row in logits.softmax(dim=1).double().cpu().tolist()]


def with_windows(point: Point, windows: Sequence[ReadWindow]) -> Point:
    """Nothing is fused where neither channel has evidence."""
    around = [window.probabilities for window in windows if window.start <= point.at < window.end]
    if not around or (point.face is None and point.voice is None):
        return replace(point, fused=None)
    return replace(point, fused=tuple(sum(column) / len(around) for column in zip(*around, strict=True)))


def beginnings(duration: float, seconds: float) -> list[float]:
    """Half a window apart; the last one ends with the recording."""
    last = max(0.0, duration - seconds)
    count = int(last / (seconds / 2) + 1e-6) + 1
    starts = [place * seconds / 2 for place in range(count)]
    return starts if last - starts[-1] < 0.1 else [*starts, last]


def as_example(window: Window) -> Example:
    return Example(
        name="",
        faces=torch.from_numpy(window.faces),
        has_face=torch.from_numpy(window.has_face),
        sound=torch.from_numpy(window.sound),
        text="",
        label=0,
        speaker="",
        height=float(window.faces.shape[-1]),
    )


def reads_recordings(card: Card) -> TrainingConfig:
    """The config that the net of a card was trained with. Raises WrongCheckpoint where it cannot read recordings."""
    config = training_of(card)
    if not (config.net.has_faces and config.net.has_voice) or "text" in config.net.inputs or card.labels != LABELS:
        raise WrongCheckpoint(f"The net {card.net} does not read face and voice of a recording.")
    return config


def window_of(config: TrainingConfig) -> WindowConfig:
    """As the clips that the net learned from were cut."""
    if config.corpus.name == "made":
        drawn = made.MadeConfig()
        return WindowConfig(seconds=drawn.seconds, frames=config.net.frames or drawn.frames)
    return WindowConfig(frames=config.net.frames or WindowConfig.frames)


def temperature_of(card: Card) -> float:
    """Fitted on validation clips, where the run did that; 1 where it did not."""
    found: Any = card.metrics.get("temperature", 1.0)
    return float(found) if isinstance(found, int | float) and found > 0 else 1.0
