"""Label distribution learning: a net that already reads faces gives the one that learns a distribution for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from emotion.ml.labels import LABELS
from emotion.ml.nets.efficientface import NORMALISATIONS, PUBLISHED_LABELS, EfficientFace, Normalisation
from emotion.ml.nets.expression import CLASSES, SIDE, ExpressionNet


class LabelGenerator(Protocol):
    """Any classifier of faces that speaks the learner's labels.

    Source: Zhao, Liu & Zhou, AAAI 2021, whose generator is a ResNet-50.
    """

    def __call__(self, faces: Tensor) -> Tensor:
        """
        faces:   (face, 3, height, width)  red first, 0 to 1
        returns  (face, label)  sums to 1, without gradient
        """


class NetGenerator:
    """A trained net as a generator: faces in the size and range it knows, its answers in the learner's order."""

    def __init__(
        self,
        net: nn.Module,
        has: Sequence[str],
        wanted: Sequence[str],
        *,
        side: int,
        prepare: Normalisation | None = None,
        scale: float = 1.0,
        temperature: float = 1.0,
    ):
        """
        has, wanted:    labels of the net's outputs, and of the learner's; what only the net has is left out and the
                        rest made to sum to 1, what only the learner has gets 0
        scale, prepare: what the net expects of a pixel, from 0 to 1
        temperature:    above 1 softens the distributions
        """
        if not set(has) & set(wanted):
            raise ValueError("generator and learner share no label")
        self.net = net.eval().requires_grad_(False)
        self.columns = [(place, list(has).index(label)) for place, label in enumerate(wanted) if label in has]
        self.labels = tuple(wanted)
        self.side, self.prepare, self.scale, self.temperature = side, prepare, scale, temperature

    @torch.no_grad()
    def __call__(self, faces: Tensor) -> Tensor:
        if faces.shape[-2:] != (self.side, self.side):
            faces = functional.interpolate(
                faces, (self.side, self.side), mode="bilinear", align_corners=False, antialias=True
            )
        faces = faces * self.scale if self.prepare is None else self.prepare(faces)
        logits = self.net.to(faces.device)(faces) / self.temperature
        ours, theirs = map(list, zip(*self.columns, strict=True))
        soft = logits.new_zeros(len(logits), len(self.labels))
        soft[:, ours] = logits[:, theirs].softmax(dim=1)
        return soft


def from_expression_net(
    net: ExpressionNet, wanted: Sequence[str] = PUBLISHED_LABELS, temperature: float = 1.0
) -> NetGenerator:
    """The small net that ships, as a generator."""
    has = [LABELS[label] for label in CLASSES]
    return NetGenerator(net, has, wanted, side=SIDE, scale=255.0, temperature=temperature)


def from_efficientface(
    net: EfficientFace,
    wanted: Sequence[str] = PUBLISHED_LABELS,
    trained_on: str = "affectnet",
    temperature: float = 1.0,
) -> NetGenerator:
    """A public EfficientFace checkpoint as a generator."""
    prepare = NORMALISATIONS[trained_on]
    return NetGenerator(net, PUBLISHED_LABELS, wanted, side=224, prepare=prepare, temperature=temperature)
