"""The small still-picture net that ships: one levelled face to seven expressions."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from emotion.ml.labels import LABELS, Emotion

SIDE = 112  # pixels, width and height of the face the net was trained on
MEAN_RGB = (122.782, 117.001, 104.298)

# The net's own order of its seven outputs. None of them is "calm": no face net has it.
CLASSES = (
    Emotion.NEUTRAL,
    Emotion.HAPPY,
    Emotion.SAD,
    Emotion.ANGRY,
    Emotion.FEARFUL,
    Emotion.DISGUST,
    Emotion.SURPRISED,
)


class SeparableConv(nn.Module):
    """A 3x3 convolution a channel, then a 1x1 across channels; padded as TensorFlow's "same"."""

    def __init__(self, wide_in: int, wide_out: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.depthwise = nn.Conv2d(wide_in, wide_in, 3, stride, padding=_padding(stride), groups=wide_in, bias=False)
        self.pointwise = nn.Conv2d(wide_in, wide_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.depthwise(_pad_as_tensorflow(x, self.stride)))


class FirstConv(nn.Conv2d):
    """The plain convolution that the colours enter by."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(_pad_as_tensorflow(x, self.stride[0]))


class DenseBlock(nn.Module):
    """Four convolutions, each fed the sum of all before it; the first one halves the picture."""

    def __init__(self, wide_in: int, wide_out: int) -> None:
        super().__init__()
        first = FirstConv(wide_in, wide_out, 3, 2) if wide_in == 3 else SeparableConv(wide_in, wide_out, 2)
        self.conv0 = first
        self.conv1 = SeparableConv(wide_out, wide_out)
        self.conv2 = SeparableConv(wide_out, wide_out)
        self.conv3 = SeparableConv(wide_out, wide_out)

    def forward(self, x: Tensor) -> Tensor:
        total = functional.relu(self.conv0(x))
        # The first sum starts from a rectified tensor, so rectifying it again changes nothing.
        for conv in (self.conv1, self.conv2, self.conv3):
            total = total + conv(functional.relu(total))
        return functional.relu(total)


class ExpressionNet(nn.Module):
    """Seven logits in the order of CLASSES from levelled faces.

    Source: FaceExpressionNet of @vladmandic/face-api 1.7.15 (MIT), 323,687 parameters; the card is
    `weights/expression.md`. Differs: computes in channels-last order, and skips the resizing to a square.
    """

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.dense0 = DenseBlock(3, 32)
        self.dense1 = DenseBlock(32, 64)
        self.dense2 = DenseBlock(64, 128)
        self.dense3 = DenseBlock(128, 256)
        self.fc = nn.Linear(256, len(CLASSES))
        self.register_buffer("mean", torch.tensor(MEAN_RGB).view(1, 3, 1, 1), persistent=False)

    def forward(self, faces: Tensor) -> Tensor:
        """
        faces:   (face, 3, 112, 112) RGB, 0 to 255
        returns  (face, 7) logits
        """
        x = ((faces - self.mean) / 255).contiguous(memory_format=torch.channels_last)
        for block in (self.dense0, self.dense1, self.dense2, self.dense3):
            x = block(x)
        return self.fc(functional.avg_pool2d(x, 7).flatten(1))


def over_labels(logits: Tensor) -> Tensor:
    """Probabilities over the eight LABELS, (face, 8), from the net's seven logits; "calm" is always 0."""
    spread = logits.new_zeros(len(logits), len(LABELS))
    spread[:, [int(label) for label in CLASSES]] = logits.softmax(dim=1)
    return spread


def weights_from_tensorflow(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The original's tensors, (height, width, in, out), as this net's state dict."""
    state: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        *where, kind = name.split("/")
        layer = ".".join(where)
        match kind:
            case "filters":
                state[f"{layer}.weight"] = tensor.permute(3, 2, 0, 1)
            case "depthwise_filter":
                state[f"{layer}.depthwise.weight"] = tensor.permute(2, 3, 0, 1)
            case "pointwise_filter":
                state[f"{layer}.pointwise.weight"] = tensor.permute(3, 2, 0, 1)
            case "weights":
                state[f"{layer}.weight"] = tensor.T
            case "bias":
                separable = f"{name.rsplit('/', 1)[0]}/pointwise_filter" in tensors
                state[f"{layer}.pointwise.bias" if separable else f"{layer}.bias"] = tensor
    return {name: tensor.contiguous() for name, tensor in state.items()}


def _padding(stride: int) -> int:
    return 1 if stride == 1 else 0


def _pad_as_tensorflow(x: Tensor, stride: int) -> Tensor:
    # "Same" padding at stride 2 over an even side adds one row below and one column right, none before.
    return x if stride == 1 else functional.pad(x, (0, 1, 0, 1))
