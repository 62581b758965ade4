"""One epoch of learning, one pass of asking: the loop and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from emotion.ml.errors import EmotionError
from emotion.ml.training.examples import Batch


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


def train_epoch(
    net: nn.Module,
    batches: Iterable[Batch],
    optimiser: torch.optim.Optimizer,
    *,
    device: torch.device,
    spread: Callable[[Batch], Batch] = lambda batch: batch,
    precise: Callable[[], AbstractContextManager] = torch.enable_grad,
    clip: float | None = None,
    on_step: Callable[[float], None] = lambda loss: None,
) -> float:
    """The mean loss over the clips. `spread` is modality dropout; `precise` the precision. Raises Diverged."""
    net.train()
    total = clips = 0.0
    for batch in batches:
        batch = spread(batch.to(device))
        optimiser.zero_grad(set_to_none=True)
        with precise():
            loss = cross_entropy(net(batch.faces, batch.voice).float(), batch.labels)
        if not torch.isfinite(loss):
            raise Diverged("The loss is no number any more. Try a lower learning rate or gradient clipping.")
        loss.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(net.parameters(), clip)
        optimiser.step()
        total += float(loss.detach()) * len(batch.labels)
        clips += len(batch.labels)
        on_step(float(loss.detach()))
    return total / max(1, clips)


@torch.inference_mode()
def ask(
    net: nn.Module,
    batches: Iterable[Batch],
    *,
    device: torch.device,
    without: str = "",
) -> Told:
    """What the net says of every clip, in order. `without` "face" or "voice" shows it zeros for that channel."""
    net.eval()
    logits, labels = [], []
    for batch in batches:
        batch = batch.to(device)
        faces = torch.zeros_like(batch.faces) if without == "face" else batch.faces
        voice = torch.zeros_like(batch.voice) if without == "voice" else batch.voice
        logits.append(net(faces, voice).float().cpu())
        labels.append(batch.labels.cpu())
    return Told(torch.cat(logits), torch.cat(labels))
