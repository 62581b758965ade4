"""What a run tells whoever watches."""

from __future__ import annotations

import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, NamedTuple

import torch

from emotion.ml.labels import LABELS
from emotion.ml.training.metrics import Scores

PATIENT = 3  # epochs in a row before something counts as a trend


class Warned(NamedTuple):
    """Something in a run that somebody should look at. The text says what, and what may help."""

    kind: Literal["validation turned", "never predicted", "not compiled", "contaminated"]
    text: str


@dataclass(frozen=True)
class Epoch:
    """
    number            from 1, over all phases; `phase` is the net's own number of it
    validation_…      of the validation clips of the phase's corpus, before any temperature
    recalls           of each of LABELS; None where it does not occur
    confusion         (label, guess) counts of validation clips
    memory            bytes, at the most so far: of the GPU where the run is on one, else of the process
    seconds_left      until the last epoch of the last phase; early stopping may end it sooner
    is_best           so far in its phase
    """

    number: int
    phase: int
    train_loss: float
    validation_loss: float
    validation_uar: float
    validation_war: float
    validation_macro_f1: float
    recalls: tuple[float | None, ...]
    confusion: tuple[tuple[int, ...], ...]
    learning_rate: float
    seconds: float
    clips_per_second: float
    memory: int
    seconds_left: float
    is_best: bool
    warnings: tuple[Warned, ...] = ()


@dataclass
class Progress:
    """Where a run is: what is kept after each epoch beside the net and the optimiser.

    epoch                  finished ones, over all phases
    place                  of the phase, from 0; `done` are the finished epochs in it
    best_uar, best_epoch   of this phase
    losses                 of this phase: training, validation
    missed                 for how many epochs each label has not been guessed
    """

    epoch: int = 0
    place: int = 0
    done: int = 0
    best_uar: float = -1.0
    best_epoch: int = 0
    losses: list[list[float]] = field(default_factory=list)
    missed: list[int] = field(default_factory=lambda: [0] * len(LABELS))

    def next_phase(self) -> None:
        self.__init__(epoch=self.epoch, place=self.place + 1)  # type: ignore[misc]

    def note(self, train_loss: float, validation_loss: float, scores: Scores) -> bool:
        """Whether this epoch is the best of its phase."""
        self.epoch, self.done = self.epoch + 1, self.done + 1
        self.losses.append([train_loss, validation_loss])
        guessed = [sum(column) for column in zip(*scores.confusion, strict=True)]
        occurs = [recall is not None for recall in scores.recalls]
        self.missed = [
            since + 1 if there and not count else 0
            for since, there, count in zip(self.missed, occurs, guessed, strict=True)
        ]
        if scores.unweighted_recall <= self.best_uar:
            return False
        self.best_uar, self.best_epoch = scores.unweighted_recall, self.epoch
        return True

    def waited(self) -> int:
        """Epochs since the best one of this phase."""
        return self.epoch - max(self.best_epoch, self.epoch - self.done)

    def warnings(self) -> tuple[Warned, ...]:
        found = []
        if turned(self.losses):
            text = (
                "Validation loss has risen for three epochs while training loss fell: the net learns its clips by "
                "heart. Fewer epochs, weight decay, dropout or a narrower net may help."
            )
            found.append(Warned("validation turned", text))
        missed = [label for label, since in zip(LABELS, self.missed, strict=True) if since >= PATIENT]
        if missed:
            text = (
                f"Never predicted in the last {PATIENT} epochs: {', '.join(missed)}. It may need more epochs or more "
                "clips of it."
            )
            found.append(Warned("never predicted", text))
        return tuple(found)


def turned(losses: Sequence[Sequence[float]]) -> bool:
    """Whether validation loss has risen, and training loss fallen, in each of the last epochs."""
    if len(losses) <= PATIENT:
        return False
    recent = losses[-PATIENT - 1 :]
    return all(after[0] < before[0] and after[1] > before[1] for before, after in pairwise(recent))


def memory_of(device: torch.device) -> int:
    """Bytes, at the most so far."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
