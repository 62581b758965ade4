"""facenet-pytorch's own search, to compare with: imported from the installed package, without torchvision and OpenCV.

It needs of torchvision one function, which stands here, and of OpenCV nothing for finding boxes.
"""

from __future__ import annotations

import sys
import warnings
from types import ModuleType

import numpy as np
import torch


def load_search(**settings):
    """A facenet_pytorch.MTCNN with its own defaults, or what `settings` says."""
    names = ["torchvision", "torchvision.transforms", "torchvision.ops", "torchvision.ops.boxes", "cv2"]
    absent = {name: ModuleType(name) for name in names if name not in sys.modules}
    absent["torchvision.transforms"].functional = ModuleType("functional")
    absent["torchvision.ops.boxes"].batched_nms = batched_nms
    sys.modules.update(absent)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package compares a text by identity
            from facenet_pytorch import MTCNN
    finally:
        for name in absent:
            del sys.modules[name]  # transformers looks whether torchvision is there
    return MTCNN(**settings)


def batched_nms(boxes: torch.Tensor, scores: torch.Tensor, groups: torch.Tensor, overlap: float) -> torch.Tensor:
    """The surest boxes of each group, none overlapping a surer one by more than `overlap`."""
    kept: list[int] = []
    places, order = boxes.numpy(), torch.argsort(scores, descending=True, stable=True).numpy()
    group = groups.numpy()
    area = (places[:, 2] - places[:, 0]) * (places[:, 3] - places[:, 1])
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(int(best))
        wide = np.minimum(places[best, 2], places[rest, 2]) - np.maximum(places[best, 0], places[rest, 0])
        high = np.minimum(places[best, 3], places[rest, 3]) - np.maximum(places[best, 1], places[rest, 1])
        common = wide.clip(min=0) * high.clip(min=0)
        apart = common <= overlap * (area[best] + area[rest] - common)
        order = rest[apart | (group[rest] != group[best])]
    return torch.tensor(kept, dtype=torch.long)
