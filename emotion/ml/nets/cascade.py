"""The three small nets that find a face: one proposes, one refines, one confirms and sees eyes, nose and mouth.

Source: Zhang et al., Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks,
2016; weights as carried by facenet-pytorch (MIT), whose names of layers they keep.
Each net takes RGB as (pixel - 127.5) / 128 and returns the probability of a face first.
"""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional


class ProposalNet(nn.Module):
    """Looks at every 12x12 window of a picture, 2 pixels apart."""

    WINDOW, STEP = 12, 2

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 10, 3), nn.PReLU(10)
        self.conv2, self.prelu2 = nn.Conv2d(10, 16, 3), nn.PReLU(16)
        self.conv3, self.prelu3 = nn.Conv2d(16, 32, 3), nn.PReLU(32)
        self.conv4_1, self.conv4_2 = nn.Conv2d(32, 2, 1), nn.Conv2d(32, 4, 1)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """
        pictures:  (frame, 3, height, width)
        returns    (frame, row, column) probability, (frame, 4, row, column) shift of each window's edges
        """
        x = _largest(self.prelu1(self.conv1(pictures)), 2)
        x = self.prelu3(self.conv3(self.prelu2(self.conv2(x))))
        return self.conv4_1(x).softmax(dim=1)[:, 1], self.conv4_2(x)


class RefineNet(nn.Module):
    """Judges a window of 24x24."""

    SIDE = 24

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 28, 3), nn.PReLU(28)
        self.conv2, self.prelu2 = nn.Conv2d(28, 48, 3), nn.PReLU(48)
        self.conv3, self.prelu3 = nn.Conv2d(48, 64, 2), nn.PReLU(64)
        self.dense4, self.prelu4 = nn.Linear(576, 128), nn.PReLU(128)
        self.dense5_1, self.dense5_2 = nn.Linear(128, 2), nn.Linear(128, 4)

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """
        windows:  (window, 3, 24, 24)
        returns   (window,) probability, (window, 4) shift of its edges
        """
        x = _largest(self.prelu1(self.conv1(windows)), 3)
        x = _largest(self.prelu2(self.conv2(x)), 3)
        x = self.prelu4(self.dense4(_flat(self.prelu3(self.conv3(x)))))
        return self.dense5_1(x).softmax(dim=1)[:, 1], self.dense5_2(x)


class OutputNet(nn.Module):
    """Judges a window of 48x48 and finds five points in it."""

    SIDE = 48

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 32, 3), nn.PReLU(32)
        self.conv2, self.prelu2 = nn.Conv2d(32, 64, 3), nn.PReLU(64)
        self.conv3, self.prelu3 = nn.Conv2d(64, 64, 3), nn.PReLU(64)
        self.conv4, self.prelu4 = nn.Conv2d(64, 128, 2), nn.PReLU(128)
        self.dense5, self.prelu5 = nn.Linear(1152, 256), nn.PReLU(256)
        self.dense6_1, self.dense6_2, self.dense6_3 = nn.Linear(256, 2), nn.Linear(256, 4), nn.Linear(256, 10)

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """
        windows:  (window, 3, 48, 48)
        returns   (window,) probability, (window, 4) shift of its edges, (window, 5, 2) eyes, nose, corners
                  of the mouth as x and y shares of the window, left in the picture first
        """
        x = _largest(self.prelu1(self.conv1(windows)), 3)
        x = _largest(self.prelu2(self.conv2(x)), 3)
        x = _largest(self.prelu3(self.conv3(x)), 2)
        x = self.prelu5(self.dense5(_flat(self.prelu4(self.conv4(x)))))
        points = self.dense6_3(x).view(-1, 2, 5).transpose(1, 2)
        return self.dense6_1(x).softmax(dim=1)[:, 1], self.dense6_2(x), points


def _largest(x: Tensor, side: int) -> Tensor:
    """The largest of each side x side, 2 apart, the last one cut short: max_pool2d's ceil_mode.

    By slices, because torch's own takes 8 to 20 times as long on a CPU for nets this narrow.
    """
    height, width = (-((side - length) // 2) + 1 for length in x.shape[2:])
    x = functional.pad(
        x,
        (0, 2 * (width - 1) + side - x.shape[3], 0, 2 * (height - 1) + side - x.shape[2]),
        value=float("-inf"),
    )
    x = reduce(torch.maximum, (x[:, :, start : start + 2 * height - 1 : 2] for start in range(side)))
    return reduce(torch.maximum, (x[..., start : start + 2 * width - 1 : 2] for start in range(side)))


def _flat(x: Tensor) -> Tensor:
    # The weights were made where width comes before height, and channels last.
    return torch.flatten(x.permute(0, 3, 2, 1), 1)
