"""Clips as tensors: what a net is shown, and the batches in which it sees them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from emotion.ml.datasets.made import SAMPLE_RATE, MadeClip
from emotion.ml.nets.mfcc import Cepstrum


class Example(NamedTuple):
    """
    faces: (frame, 3, side, side) uint8
    voice: (10, step) float32 cepstral coefficients
    """

    faces: Tensor
    voice: Tensor
    label: int
    speaker: str


class Batch(NamedTuple):
    """
    faces:  (clip, frame, 3, side, side) in 0 to 1
    voice:  (clip, 10, step)
    labels: (clip,)
    """

    faces: Tensor
    voice: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> Batch:
        return Batch(*(part.to(device, non_blocking=True) for part in self))


def from_made(clip: MadeClip, hear: Cepstrum) -> Example:
    sound = resample(torch.from_numpy(clip.sound), SAMPLE_RATE, hear.config.rate)
    return Example(torch.from_numpy(clip.faces), hear(sound[None])[0], clip.label, clip.clip.speaker)


def resample(sound: Tensor, source: int, target: int) -> Tensor:
    """(sample,) at `source` Hz to `target` Hz by straight lines: the mel bands end well below either limit."""
    length = round(len(sound) * target / source)
    return interpolate(sound[None, None], size=length, mode="linear")[0, 0]


def batches(
    examples: Sequence[Example], size: int, side: int, shuffle: torch.Generator | None = None
) -> Iterator[Batch]:
    """Batches of this size; the last may be smaller. A last batch of one joins the one before: a net that learns
    normalises over its batch and cannot take a clip alone."""
    order = torch.randperm(len(examples), generator=shuffle).tolist() if shuffle else list(range(len(examples)))
    starts = list(range(0, len(order), size))
    if shuffle and len(order) % size == 1 and len(starts) > 1:
        starts.pop()
    for number, start in enumerate(starts):
        end = starts[number + 1] if number + 1 < len(starts) else len(order)
        yield collate([examples[place] for place in order[start:end]], side)


def collate(examples: Sequence[Example], side: int) -> Batch:
    """Faces scaled to this many pixels a side; sound of unequal length padded with its own last step."""
    steps = max(example.voice.shape[1] for example in examples)
    voices = [torch.nn.functional.pad(e.voice, (0, steps - e.voice.shape[1]), mode="replicate") for e in examples]
    faces = torch.stack([example.faces for example in examples]).float() / 255
    if faces.shape[-1] != side:
        flat = interpolate(faces.flatten(0, 1), size=(side, side), mode="bilinear", align_corners=False)
        faces = flat.unflatten(0, faces.shape[:2])
    return Batch(faces, torch.stack(voices), torch.tensor([example.label for example in examples]))
