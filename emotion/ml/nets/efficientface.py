"""EfficientFace: seven expressions from one face. Loads the published AffectNet and RAF-DB weights as they are."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from emotion.ml.nets.published import load_strictly, read_published

PUBLISHED_LABELS = ("neutral", "happy", "sad", "surprised", "fearful", "disgust", "angry")


@dataclass(frozen=True)
class EfficientFaceConfig:
    classes: int = 7
    widths: tuple[int, ...] = (29, 116, 232, 464, 1024)  # conv1, stages 2 to 4, conv5
    repeats: tuple[int, ...] = (4, 8, 4)
    reduction: int = 16


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation of each channel, red first, of the pictures the weights were trained on."""

    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]

    def __call__(self, faces: Tensor) -> Tensor:
        """faces: (…, 3, height, width) in 0 to 1, red first"""
        mean = faces.new_tensor(self.mean).view(3, 1, 1)
        return (faces - mean) / faces.new_tensor(self.deviation).view(3, 1, 1)


NORMALISATIONS = {
    "affectnet": Normalisation((0.55391484, 0.43522123, 0.3821877), (0.24837189, 0.21625527, 0.20221159)),
    "raf-db": Normalisation((0.57535914, 0.44928582, 0.40079932), (0.20735591, 0.18981615, 0.18132027)),
    "caer-s": Normalisation((0.35964426, 0.22359873, 0.19040863), (0.15188067, 0.11678473, 0.1103445)),
}


class FaceTrunk(nn.Module):
    """A face to 1,024 features. Names and order of the weights are the published ones."""

    def __init__(self, config: EfficientFaceConfig):
        super().__init__()
        first, second, third, fourth, last = config.widths
        self.conv1 = convolve(3, first, size=3, stride=2)
        self.stage2 = stage(first, second, config.repeats[0])
        self.stage3 = stage(second, third, config.repeats[1])
        self.stage4 = stage(third, fourth, config.repeats[2])
        self.local = LocalFeatures(first, second)
        self.modulator = Modulator(second, second // config.reduction)
        self.conv5 = convolve(fourth, last, size=1)

    def features(self, faces: Tensor) -> Tensor:
        """
        faces:   (face, 3, 224, 224)  normalised; sides may be any multiple of 16
        returns  (face, 1024)
        """
        # Same numbers, and a fifth more clips a second on a CPU.
        faces = faces.contiguous(memory_format=torch.channels_last)
        seen = nn.functional.max_pool2d(self.conv1(faces), 3, stride=2, padding=1)  # (face, 29, 56, 56)
        seen = self.modulator(self.stage2(seen)) + self.local(seen)  # (face, 116, 28, 28)
        seen = self.conv5(self.stage4(self.stage3(seen)))  # (face, 1024, 7, 7)
        return seen.mean(dim=(2, 3))


class EfficientFace(FaceTrunk):
    """Logits over the published seven expressions, in PUBLISHED_LABELS order.

    Source: Zhao, Liu & Zhou, "Robust lightweight facial expression recognition network with label distribution
    training", AAAI 2021; weights and details as in github.com/zengqunzhao/EfficientFace (MIT).
    """

    def __init__(self, config: EfficientFaceConfig | None = None):
        self.config = config or EfficientFaceConfig()
        super().__init__(self.config)
        self.fc = nn.Linear(self.config.widths[-1], self.config.classes)

    @classmethod
    def from_published(cls, path: Path) -> EfficientFace:
        """The net with the weights of a public checkpoint (`.pth.tar` with `module.` keys, 7 or 8 classes).

        Raises WrongCheckpoint.
        """
        state = read_published(path)
        classes = len(state["fc.bias"]) if "fc.bias" in state else EfficientFaceConfig.classes
        net = cls(EfficientFaceConfig(classes=classes))
        load_strictly(net, state)
        return net.eval()

    def forward(self, faces: Tensor) -> Tensor:
        """
        faces:   (face, 3, 224, 224)  red first, normalised with the training set's mean and deviation
        returns  (face, 7)
        """
        return self.fc(self.features(faces))


class InvertedResidual(nn.Module):
    """ShuffleNetV2's unit: half of the channels worked on, the other half kept (or, at stride 2, reduced), shuffled.

    Source: Ma et al., ECCV 2018, figure 3 c and d.
    """

    def __init__(self, inside: int, outside: int, stride: int):
        super().__init__()
        half = outside // 2
        if stride == 2:
            self.branch1 = nn.Sequential(*depthwise(inside, inside, stride), *pointwise(inside, half))
        entry = inside if stride == 2 else half
        self.branch2 = nn.Sequential(*pointwise(entry, half), *depthwise(half, half, stride), *pointwise(half, half))
        self.stride = stride

    def forward(self, seen: Tensor) -> Tensor:
        """(face, inside, side, side) to (face, outside, side / stride, side / stride)"""
        if self.stride == 1:
            kept, worked = seen.chunk(2, dim=1)
            return shuffle(torch.cat([kept, self.branch2(worked)], dim=1))
        return shuffle(torch.cat([self.branch1(seen), self.branch2(seen)], dim=1))


class LocalFeatures(nn.Module):
    """Each quarter of the face through convolutions of its own, then put back in its place.

    Quarters are numbered down the left side, then down the right, as the published weights are.
    """

    def __init__(self, inside: int, outside: int):
        super().__init__()
        for quarter in range(1, 5):
            for step, (entry, stride) in enumerate(((inside, 2), (outside, 1)), start=1):
                conv, norm = depthwise(entry, outside, stride)
                self.add_module(f"conv{quarter}_{step}", conv)
                self.add_module(f"bn{quarter}_{step}", norm)

    def forward(self, seen: Tensor) -> Tensor:
        """(face, 29, 56, 56) to (face, 116, 28, 28)"""
        left, right = seen.chunk(2, dim=3)
        quarters = [*left.chunk(2, dim=2), *right.chunk(2, dim=2)]
        looked = [self._look(number, part) for number, part in enumerate(quarters, start=1)]
        return torch.cat([torch.cat(looked[:2], dim=2), torch.cat(looked[2:], dim=2)], dim=3)

    def _look(self, quarter: int, seen: Tensor) -> Tensor:
        for step in (1, 2):
            conv, norm = self.get_submodule(f"conv{quarter}_{step}"), self.get_submodule(f"bn{quarter}_{step}")
            seen = norm(conv(seen)).relu()
        return seen


class Modulator(nn.Module):
    """What matters, by channel and by place: x · σ(channel · place).

    Differs from BAM (Park et al., BMVC 2018): a product inside the sigmoid, and no residual.
    """

    def __init__(self, width: int, narrow: int):
        super().__init__()
        self.channel_att = ChannelGate(width, narrow)
        self.spatial_att = SpatialGate(width, narrow)

    def forward(self, seen: Tensor) -> Tensor:
        return seen * torch.sigmoid(self.channel_att(seen) * self.spatial_att(seen))


class ChannelGate(nn.Module):
    def __init__(self, width: int, narrow: int):
        super().__init__()
        self.gate_c = nn.Sequential()
        self.gate_c.add_module("gate_c_fc_0", nn.Linear(width, narrow))
        self.gate_c.add_module("gate_c_bn_1", nn.BatchNorm1d(narrow))
        self.gate_c.add_module("gate_c_relu_1", nn.ReLU())
        self.gate_c.add_module("gate_c_fc_final", nn.Linear(narrow, width))

    def forward(self, seen: Tensor) -> Tensor:
        """(face, width, side, side) to (face, width, 1, 1)"""
        return self.gate_c(seen.mean(dim=(2, 3)))[:, :, None, None]


class SpatialGate(nn.Module):
    def __init__(self, width: int, narrow: int):
        super().__init__()
        self.gate_s = nn.Sequential()
        self.gate_s.add_module("gate_s_conv_reduce0", nn.Conv2d(width, narrow, 1))
        self.gate_s.add_module("gate_s_bn_reduce0", nn.BatchNorm2d(narrow))
        self.gate_s.add_module("gate_s_relu_reduce0", nn.ReLU())
        for step in (0, 1):
            self.gate_s.add_module(f"gate_s_conv_di_{step}", nn.Conv2d(narrow, narrow, 3, padding=4, dilation=4))
            self.gate_s.add_module(f"gate_s_bn_di_{step}", nn.BatchNorm2d(narrow))
            self.gate_s.add_module(f"gate_s_relu_di_{step}", nn.ReLU())
        self.gate_s.add_module("gate_s_conv_final", nn.Conv2d(narrow, 1, 1))

    def forward(self, seen: Tensor) -> Tensor:
        """(face, width, side, side) to (face, 1, side, side)"""
        return self.gate_s(seen)


def stage(inside: int, outside: int, repeats: int) -> nn.Sequential:
    widths = [inside] + [outside] * repeats
    return nn.Sequential(
        *(InvertedResidual(a, b, stride=2 if first == 0 else 1) for first, (a, b) in enumerate(pairwise(widths)))
    )


def convolve(inside: int, outside: int, size: int, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inside, outside, size, stride, padding=size // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outside), nn.ReLU())


def depthwise(inside: int, outside: int, stride: int) -> tuple[nn.Module, nn.Module]:
    conv = nn.Conv2d(inside, outside, 3, stride, padding=1, groups=inside, bias=False)
    return conv, nn.BatchNorm2d(outside)


def pointwise(inside: int, outside: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    return nn.Conv2d(inside, outside, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU()


def shuffle(seen: Tensor) -> Tensor:
    """Interleave the two halves of the channels, so that the next unit splits them anew."""
    return seen.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)
