"""One epoch of learning, one pass of asking: the loop and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from itertools import islice
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from emotion.ml.errors import EmotionError
from emotion.ml.training.examples import Batch
from emotion.ml.training.learners import Learner

Item = TypeVar("Item")
OnStep = Callable[[float, int, int], None]  # loss, step from 1, steps of the epoch


class Diverged(EmotionError):
    """The loss is no number any more: a lower learning rate, or gradient clipping, may help."""


class Told(NamedTuple):
    """
    logits: (clip, 8)
    labels: (clip,)
    """

    logits: Tensor
    labels: Tensor

    @property
    def loss(self) -> float:
        return float(cross_entropy(self.logits, self.labels))


class Learned(NamedTuple):
    """The sum of the losses over the clips, and the clips."""

    loss: float
    clips: int

    @property
    def mean(self) -> float:
        return self.loss / max(1, self.clips)


def train_epoch(
    learner: Learner,
    batches: Iterable[Batch],
    optimiser: torch.optim.Optimizer,
    *,
    device: torch.device,
    step: Callable[[Batch], Tensor] | None = None,
    turn: Callable[[Tensor], Tensor] = lambda faces: faces,
    spread: Callable[[Batch], Batch] = lambda batch: batch,
    precise: Callable[[], AbstractContextManager] = torch.enable_grad,
    clip: float | None = None,
    accumulate: int = 1,
    steps: int = 0,
    on_step: OnStep = lambda loss, step, steps: None,
) -> Learned:
    """
    step      the learner, or what wraps it so that several processes share its gradients
    turn      augmentation of faces
    spread    modality dropout
    precise   the precision
    steps     how many there will be, for on_step

    Raises Diverged.
    """
    learner.train()
    forward, total, clips = step or learner, 0.0, 0
    for number, parts in enumerate(in_groups(batches, accumulate), start=1):
        optimiser.zero_grad(set_to_none=True)
        sizes = [len(part) / part.weight for part in parts]  # in step with the clips of all processes
        loss = 0.0
        for part, size in zip(parts, sizes, strict=True):
            with torch.no_grad():
                batch = spread(learner.prepared(part.to(device), turn))
            with precise():
                each = forward(batch)
            (each * (size / sum(sizes))).backward()
            loss += float(each.detach()) / part.weight * size / sum(sizes)
            total += float(each.detach()) / part.weight * len(batch)
            clips += len(batch)
        # With several processes the norm is one and the same in all of them, so they stop together.
        norm = nn.utils.clip_grad_norm_(learner.parameters(), float("inf") if clip is None else clip)
        if not torch.isfinite(norm):
            raise Diverged("The loss is no number any more. Try a lower learning rate or gradient clipping.")
        optimiser.step()
        on_step(loss, number, steps)
    return Learned(total, clips)


def in_groups(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    waiting = iter(items)
    while group := list(islice(waiting, size)):
        yield group


@torch.inference_mode()
def ask(
    learner: Learner,
    batches: Iterable[Batch],
    *,
    device: torch.device,
    change: Callable[[Batch], Batch] = lambda batch: batch,
) -> Told:
    """What the net says of every clip, in order. `change` takes a channel away."""
    learner.eval()
    logits, labels = [], []
    for part in batches:
        batch = change(learner.prepared(part.to(device)))
        logits.append(learner.logits(batch).float().cpu())
        labels.append(batch.labels.cpu())
    return Told(torch.cat(logits), torch.cat(labels))
