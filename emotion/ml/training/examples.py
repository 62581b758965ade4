"""Clips as tensors: what a net is shown, and the batches in which it sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from queue import Queue
from threading import Event, Thread
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from emotion.ml.media import SAMPLE_RATE
from emotion.ml.nets.mfcc import Cepstrum
from emotion.ml.training.kinds import Input

Item = TypeVar("Item")


class Example(NamedTuple):
    """
    name:     of the clip, unique in its corpus; empty for a changed copy
    faces:    (frame, 3, side, side) uint8, red first, zeros where no face was found
    has_face: (frame,) bool
    sound:    (sample,) float32 at 16 kHz
    text:     what is said, where the corpus knows it
    label:    its place in LABELS
    height:   pixels of the face, for what judges its quality
    """

    name: str
    faces: Tensor
    has_face: Tensor
    sound: Tensor
    text: str
    label: int
    speaker: str
    height: float


@dataclass(frozen=True)
class Batch:
    """What the net asks for of some clips; the rest is None.

    labels:    (clip,)
    faces:     (clip, frame, 3, side, side)  uint8 as read, 0 to 1 once `bright`
    has_face:  (clip, frame)
    heights:   (clip,)           pixels of the face
    cepstrum:  (clip, 10, step)
    sound:     (clip, sample)
    lengths:   (clip,)           samples of each clip's own sound
    soft:      (clip, frame, 8)  a generator's labels, each sums to 1
    texts:     what is said in each clip
    twin:      the same clips said otherwise, for MMER
    weight:    how much the batch's loss counts, where several processes share one batch
    """

    labels: Tensor
    faces: Tensor | None = None
    has_face: Tensor | None = None
    heights: Tensor | None = None
    cepstrum: Tensor | None = None
    sound: Tensor | None = None
    lengths: Tensor | None = None
    soft: Tensor | None = None
    texts: tuple[str, ...] = ()
    twin: Batch | None = None
    weight: float = 1.0

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> Batch:
        twin = self.twin.to(device) if self.twin else None
        return replace(self.changed(lambda part: part.to(device, non_blocking=True)), twin=twin)

    def changed(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """With each of its own tensors changed alike."""
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        tensors: dict[str, Any] = {name: change(part) for name, part in parts.items() if isinstance(part, Tensor)}
        return replace(self, **tensors)

    def bright(self, side: int) -> Batch:
        """Faces from 0 to 1, scaled to this many pixels a side."""
        if self.faces is None or self.faces.dtype != torch.uint8:
            return self
        faces = self.faces.float() / 255
        if faces.shape[-1] != side:
            smaller = side < faces.shape[-1]
            flat = interpolate(faces.flatten(0, 1), (side, side), mode="bilinear", antialias=smaller)
            faces = flat.unflatten(0, faces.shape[:2])
        return replace(self, faces=faces)

    def of(self, source: Tensor) -> Batch:
        """Copies of its clips by their places (copy,)."""
        texts = tuple(self.texts[place] for place in source.tolist()) if self.texts else ()
        return replace(self.changed(lambda part: part[source]), texts=texts)


class Collating:
    """Examples to a batch of what a net asks for. Cepstra are computed once a clip.

    samples: that a cepstrum is of: a shorter sound has silence after it, so that a clip is the same in every batch
    """

    def __init__(self, inputs: Sequence[Input], samples: int = 0):
        self.inputs, self.samples = frozenset(inputs), samples
        self._hear = Cepstrum()
        self._heard: dict[str, Tensor] = {}

    def __call__(self, examples: Sequence[Example]) -> Batch:
        batch = Batch(torch.tensor([example.label for example in examples]))
        if "faces" in self.inputs:
            batch = replace(
                batch,
                faces=torch.stack([example.faces for example in examples]),
                has_face=torch.stack([example.has_face for example in examples]),
                heights=torch.tensor([example.height for example in examples]),
            )
        if "cepstrum" in self.inputs:
            batch = replace(batch, cepstrum=torch.stack([self.cepstrum(example) for example in examples]))
        if "sound" in self.inputs:
            lengths = torch.tensor([len(example.sound) for example in examples])
            longest = int(lengths.max())
            sound = torch.stack([pad(example.sound, (0, longest - len(example.sound))) for example in examples])
            batch = replace(batch, sound=sound, lengths=lengths)
        if "text" in self.inputs:
            batch = replace(batch, texts=tuple(example.text for example in examples))
        return batch

    def cepstrum(self, example: Example) -> Tensor:
        """(10, step)"""
        if example.name not in self._heard:
            sound = pad(example.sound, (0, max(0, self.samples - len(example.sound))))
            found = self._hear(resample(sound, SAMPLE_RATE, self._hear.config.rate)[None])[0]
            if not example.name:  # a changed copy
                return found
            self._heard[example.name] = found
        return self._heard[example.name]


def resample(sound: Tensor, source: int, target: int) -> Tensor:
    """(sample,) at `source` Hz to `target` Hz by straight lines: the mel bands end well below either limit."""
    length = round(len(sound) * target / source)
    return interpolate(sound[None, None], size=length, mode="linear")[0, 0]


@dataclass(frozen=True)
class Share:
    """Which part of each batch a process takes: the `number`th of `count`."""

    number: int = 0
    count: int = 1


def batches(
    examples: Sequence[Example],
    size: int,
    collate: Callable[[Sequence[Example]], Batch],
    shuffle: torch.Generator | None = None,
    share: Share = Share(),
) -> Iterator[Batch]:
    """Batches of this size; the last may be smaller.

    Where it is shuffled, a net learns, and normalises over its batch: a last batch that would leave a process with
    fewer than two clips joins the one before.
    """
    for places in order_of(len(examples), size, shuffle, share.count):
        start, end = (len(places) * number // share.count for number in (share.number, share.number + 1))
        batch = collate([examples[place] for place in places[start:end]])
        yield replace(batch, weight=(end - start) * share.count / len(places))


def order_of(count: int, size: int, shuffle: torch.Generator | None, processes: int = 1) -> list[list[int]]:
    """The places of each batch's examples."""
    order = torch.randperm(count, generator=shuffle).tolist() if shuffle else list(range(count))
    starts = list(range(0, count, size))
    if shuffle and len(starts) > 1 and count - starts[-1] < 2 * processes:
        starts.pop()
    return [order[start:end] for start, end in zip(starts, [*starts[1:], count], strict=True)]


def ahead(items: Iterator[Item], count: int = 2) -> Iterator[Item]:
    """The same items, read by a thread of their own up to `count` before they are asked for."""
    ready: Queue = Queue(maxsize=count)
    left = Event()

    def read() -> None:
        try:
            for item in items:
                ready.put((item, None))
                if left.is_set():
                    return
            ready.put((None, StopIteration()))
        except BaseException as error:
            ready.put((None, error))

    Thread(target=read, daemon=True).start()
    try:
        while True:
            item, error = ready.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item
    finally:
        left.set()
        while not ready.empty():
            ready.get_nowait()


def draws(*numbers: int) -> np.random.Generator:
    return np.random.default_rng(numbers)
