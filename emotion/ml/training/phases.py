"""Which weights learn when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from emotion.ml.nets.blocks import resting


@dataclass(frozen=True)
class Phase:
    """A stretch of training: on which corpus, and which parts of the net stay as they are.

    frozen: beginnings of the names of weights
    """

    number: int
    corpus: str
    frozen: tuple[str, ...] = ()


# The prototype's enhanced model: its report's section on training, and nothing that it does not say.
ENHANCED = (
    Phase(1, "ravdess", frozen=("voice.",)),  # all but wav2vec2, its projector and classifier included
    Phase(2, "ravdess", frozen=("voice.encoder.",)),  # all but what comes before the projector
    Phase(3, "iemocap"),  # fine-tuning
)
# The head first, because a random one would bend the encoder (Kumar et al., ICLR 2022); the convolutions never, as is
# usual (Baevski et al., NeurIPS 2020, section 4.2).
WAV2VEC2 = (
    Phase(1, "ravdess", frozen=("encoder.",)),
    Phase(2, "ravdess", frozen=("encoder.model.feature_extractor.",)),
)
PHASES: Mapping[str, tuple[Phase, ...]] = {"enhanced": ENHANCED, "wav2vec2": WAV2VEC2}


def phases_of(net: str, corpus: str) -> tuple[Phase, ...]:
    """The phases of a net of that name; most have one, on the corpus at hand, in which all that can learn does."""
    return PHASES.get(net, (Phase(1, corpus),))


def enter(net: nn.Module, phase: Phase) -> list[nn.Parameter]:
    """Freeze and wake the weights as the phase has it; returns those that learn, for the optimiser.

    What rests in every phase (see `blocks.rest`) stays so. Raises ValueError for a part that the net does not have.
    """
    names = [name for name, _ in net.named_parameters()]
    for part in phase.frozen:
        if not any(name.startswith(part) for name in names):
            raise ValueError(f"phase {phase.number} freezes {part}, which this net does not have")
    still = resting(net)
    for name, weight in net.named_parameters():
        weight.requires_grad_(name not in still and not name.startswith(phase.frozen))
    return [weight for weight in net.parameters() if weight.requires_grad]
