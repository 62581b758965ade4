"""Weights and inputs by formula, the same on every machine, and the questions asked of every net."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from emotion.ml.nets.efficientface import EfficientFaceConfig
from emotion.ml.nets.temporal import TemporalConfig

NARROW_FACE = EfficientFaceConfig(widths=(8, 16, 32, 32, 24), repeats=(2, 1, 1), reduction=4)
NARROW = TemporalConfig(face=NARROW_FACE, early=8, late=16)
SCALES = torch.tensor([0.2, 1.0, 0.6])  # to make the clips of a batch differ
SIDE = 32  # pixels, the smallest face that all stages can halve


def weights_like(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of the same names and shapes, each a sine that depends on its place in the list."""
    return {name: _weights(place, name, value.shape) for place, (name, value) in enumerate(state.items())}


def _weights(place: int, name: str, shape: torch.Size) -> Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.long)
    wave = torch.sin(torch.arange(shape.numel(), dtype=torch.float64) * 1.7 + place).reshape(shape)
    if name.endswith("running_var"):
        return (1 + 0.5 * wave).float()
    if name.endswith("running_mean"):
        return (0.1 * wave).float()
    if len(shape) == 1:
        return (name.endswith("weight") + 0.3 * wave).float()
    return (wave * math.sqrt(2 / shape[1:].numel()) * 1.4).float()


def wave(*shape: int, step: float) -> Tensor:
    """An input between 0 and 1, in double precision."""
    angles = torch.arange(math.prod(shape), dtype=torch.float64) * step
    return (0.5 + 0.5 * torch.sin(angles)).float().reshape(shape).double()


def lively(net: nn.Module) -> nn.Module:
    """The net with weights large enough that its answers differ from input to input, ready to be asked."""
    net.load_state_dict(weights_like(net.state_dict()))
    return net.eval()


@torch.no_grad()
def check_alone_as_in_a_batch(net: nn.Module, *inputs: Tensor) -> None:
    """One clip alone gives what it gives among others that it differs from."""
    together = net(*inputs)
    assert (together[0] - together[1]).abs().max() > 5e-3
    for clip in range(len(together)):
        alone = net(*(part[clip : clip + 1] for part in inputs))
        torch.testing.assert_close(alone, together[clip : clip + 1], rtol=1e-4, atol=1e-4)


def starved(net: nn.Module) -> list[str]:
    """Weights that may learn and got no gradient, after a backward pass."""
    return [
        name
        for name, weight in net.named_parameters()
        if weight.requires_grad and (weight.grad is None or not weight.grad.any())
    ]


def parameters(net: nn.Module) -> int:
    return sum(weight.numel() for weight in net.parameters())
