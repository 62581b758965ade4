"""Find every face in a batch of pictures, or look again where one should be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from emotion.ml.nets.cascade import OutputNet, ProposalNet, RefineNet

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class CascadeConfig:
    """How hard to look.

    min_face    the smallest face looked for, as a share of the picture's shorter side
    lines       the shorter side that pictures are reduced to before they are searched
    factor      each picture searched is this much smaller than the last, for larger faces
    thresholds  the probability that lets a window pass each of the three nets
    """

    min_face: float = 0.1
    lines: int = 240
    factor: float = 0.6
    thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7)


@dataclass(frozen=True)
class Face:
    """A face in a picture, in its pixels: left, top, right, bottom; points (5, 2) as OutputNet gives them."""

    box: Floats
    score: float
    points: Floats

    @property
    def height(self) -> float:
        return float(self.box[3] - self.box[1])

    @property
    def area(self) -> float:
        return float((self.box[2] - self.box[0]) * self.height)


class Cascade(nn.Module):
    """The three nets in a row, over all pictures of a batch at once."""

    def __init__(self, config: CascadeConfig) -> None:
        super().__init__()
        self.config = config
        self.propose, self.refine, self.confirm = ProposalNet(), RefineNet(), OutputNet()

    @torch.inference_mode()
    def search(self, pictures: Sequence[Tensor]) -> list[list[Face]]:
        """Every face in each picture, the largest first.

        pictures:  (height, width, 3) uint8 each, all of one size
        """
        size = pictures[0].shape[:2]
        shrink = min(1.0, self.config.lines / min(size))
        height, width = (round(side * shrink) for side in size)
        frames = torch.cat([resized(_upright(picture), height, width) for picture in pictures])
        windows = self._propose(frames, min_side=self.config.min_face * min(height, width))
        return self._judge(frames.split(1), windows, scale=min(size) / min(height, width))

    @torch.inference_mode()
    def look_again(self, pictures: Sequence[Tensor], boxes: Floats) -> list[list[Face]]:
        """The face near each picture's box, or none there: the two later nets alone, in full detail.

        pictures:  (height, width, 3) uint8 each, all of one size
        boxes:     (picture, 4) pixels
        """
        windows = _Windows(boxes.astype(np.float32), np.ones(len(boxes), np.float32), np.arange(len(boxes)))
        return self._judge([_upright(picture) for picture in pictures], windows, scale=1.0)

    def _propose(self, frames: Tensor, min_side: float) -> _Windows:
        height, width = frames.shape[2:]
        scale = self.propose.WINDOW / min_side
        found = []
        while min(height, width) * scale >= self.propose.WINDOW:
            small = _levelled(resized(frames, int(height * scale + 1), int(width * scale + 1)))
            score, shift = self.propose(small)
            windows = _windows_of(score, shift, scale, self.config.thresholds[0])
            found.append(windows.thinned(0.5))
            scale *= self.config.factor
        return _together(found).thinned(0.7).moved()

    def _judge(self, frames: Sequence[Tensor], windows: _Windows, scale: float) -> list[list[Face]]:
        windows = windows.squared().within(frames[0])
        if len(windows):
            score, shift = self.refine(_levelled(_cut(frames, windows, self.refine.SIDE)))
            windows = windows.judged(score, shift, self.config.thresholds[1]).thinned(0.7)
            windows = windows.moved(edge=1).squared().within(frames[0])
        faces: list[list[Face]] = [[] for _ in frames]
        if not len(windows):
            return faces
        score, shift, points = self.confirm(_levelled(_cut(frames, windows, self.confirm.SIDE)))
        passed = (score > self.config.thresholds[2]).cpu().numpy()
        corner, size = windows.boxes[:, None, :2], windows.sides(edge=1)[:, None]
        spots = (points.cpu().numpy() * size + corner - 1)[passed]
        windows = windows.judged(score, shift, self.config.thresholds[2]).moved(edge=1)
        for kept in windows.thinnest(0.7, of_smaller=True):
            box = windows.boxes[kept] * scale
            face = Face(box, float(windows.scores[kept]), (spots[kept] * scale).astype(np.float32))
            faces[windows.frames[kept]].append(face)
        return [sorted(seen, key=lambda face: -face.area) for seen in faces]


def resized(frames: Tensor, height: int, width: int) -> Tensor:
    """(frame, 3, height, width), every pixel of the larger picture counted."""
    # Kept in bytes, with colours last: torch has a path for that which is 10 to 25 times faster than
    # averaging floats (5 ms a picture saved). It has none on a GPU.
    pixels = frames if frames.device.type == "cpu" else frames.float()
    return functional.interpolate(pixels, size=(height, width), mode="bilinear", antialias=True)


@dataclass(frozen=True)
class _Windows:
    """Candidates: boxes (window, 4) in pixels, how sure, in which frame, and how far their edges should move."""

    boxes: Floats
    scores: Floats
    frames: NDArray[np.int64]
    shifts: Floats | None = None

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, which: NDArray[Any] | Sequence[int]) -> _Windows:
        shifts = self.shifts[which] if self.shifts is not None else None
        return _Windows(self.boxes[which], self.scores[which], self.frames[which], shifts)

    def sides(self, edge: int = 0) -> Floats:
        """(window, 2) width and height; the two later nets count the last pixel too."""
        return self.boxes[:, 2:] - self.boxes[:, :2] + edge

    def judged(self, score: Tensor, shift: Tensor, threshold: float) -> _Windows:
        scores = score.cpu().numpy()
        return _Windows(self.boxes, scores, self.frames, shift.cpu().numpy())[scores > threshold]

    def moved(self, edge: int = 0) -> _Windows:
        assert self.shifts is not None
        sides = np.tile(self.sides(edge), 2)
        return _Windows(self.boxes + self.shifts * sides, self.scores, self.frames)

    def squared(self) -> _Windows:
        sides = self.sides()
        longest = sides.max(axis=1, keepdims=True)
        corner = self.boxes[:, :2] + sides * 0.5 - longest * 0.5
        return _Windows(np.hstack([corner, corner + longest]), self.scores, self.frames)

    def within(self, frame: Tensor) -> _Windows:
        """Only those that still touch their picture, which is as large as this one."""
        height, width = frame.shape[2:]
        low, high = np.trunc(self.boxes[:, :2]), np.trunc(self.boxes[:, 2:])
        return self[np.all(np.minimum(high, (width, height)) >= np.maximum(low, 1), axis=1)]

    def thinned(self, overlap: float) -> _Windows:
        return self[self.thinnest(overlap)]

    def thinnest(self, overlap: float, of_smaller: bool = False) -> list[int]:
        """The surest windows, none of which overlaps a surer one of its frame by more than `overlap`."""
        edge = 1 if of_smaller else 0
        # Windows of different frames are moved apart, so that one pass does for all of them.
        apart = self.frames * (np.ceil(self.boxes.max(initial=0)) - np.floor(self.boxes.min(initial=0)) + 2)
        low, high = self.boxes[:, :2].T + apart, self.boxes[:, 2:].T + apart
        area = (high - low + edge).prod(axis=0)
        left = np.argsort(-self.scores, kind="stable")
        kept = []
        while len(left):
            best, rest = left[0], left[1:]
            kept.append(int(best))
            shared = np.minimum(high[:, [best]], high[:, rest]) - np.maximum(low[:, [best]], low[:, rest]) + edge
            common = shared.clip(min=0).prod(axis=0)
            whole = np.minimum(area[best], area[rest]) if of_smaller else area[best] + area[rest] - common
            left = rest[common <= overlap * whole]
        return kept


def _windows_of(score: Tensor, shift: Tensor, scale: float, threshold: float) -> _Windows:
    """The places of one size where the first net sees a face."""
    frame, row, column = torch.nonzero(score >= threshold, as_tuple=True)
    spot = torch.stack([column, row], dim=1).float() * ProposalNet.STEP
    boxes = torch.cat([(spot + 1) / scale, (spot + ProposalNet.WINDOW) / scale], dim=1).floor()
    return _Windows(
        boxes.cpu().numpy(),
        score[frame, row, column].cpu().numpy(),
        frame.cpu().numpy(),
        shift[frame, :, row, column].cpu().numpy(),
    )


def _together(found: list[_Windows]) -> _Windows:
    if not found:
        no_boxes = np.empty((0, 4), np.float32)
        return _Windows(no_boxes, np.empty(0, np.float32), np.empty(0, np.int64), shifts=no_boxes)
    parts = [(windows.boxes, windows.scores, windows.frames, windows.shifts) for windows in found]
    return _Windows(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _cut(frames: Sequence[Tensor], windows: _Windows, side: int) -> Tensor:
    """(window, 3, side, side): each window's part of its frame, cut off at the frame's edge, brought to one size."""
    height, width = frames[0].shape[2:]
    cuts = []
    for frame, (left, top, right, bottom) in zip(windows.frames, windows.boxes.astype(int), strict=True):
        part = frames[frame][..., max(top, 1) - 1 : min(bottom, height), max(left, 1) - 1 : min(right, width)]
        cuts.append(resized(part, side, side))
    return torch.cat(cuts)


def _upright(picture: Tensor) -> Tensor:
    """(1, 3, height, width) of (height, width, 3), with nothing copied."""
    return picture.permute(2, 0, 1)[None]


def _levelled(pixels: Tensor) -> Tensor:
    return (pixels.float() - 127.5) * 0.0078125
