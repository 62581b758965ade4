"""A face with its eyes on a level line, cut to the size a net was made for."""

from __future__ import annotations

from collections.abc import Sequence
from math import atan2, cos, sin

import torch
from torch import Tensor
from torch.nn import functional

from emotion.ml.faces.finding import Face, resized

# A large face is shrunk first, to this many pixels for one of the result: the turning itself reads only
# four neighbours and would flicker.
FINER = 1.5


@torch.inference_mode()
def cut_level(pictures: Sequence[Tensor], faces: Sequence[Face], *, side: int, margin: float) -> Tensor:
    """(face, 3, side, side) floats, 0 to 255: each face turned upright, `margin` times its box wide.

    pictures:  one (height, width, 3) uint8 for each face
    """
    if not faces:
        return torch.empty(0, 3, side, side)
    return torch.cat([_cut(picture, face, side, margin) for picture, face in zip(pictures, faces, strict=True)])


def _cut(picture: Tensor, face: Face, side: int, margin: float) -> Tensor:
    left, top, right, bottom = (float(edge) for edge in face.box)
    (eye_x, eye_y), (other_x, other_y) = face.points[:2].tolist()
    turn = atan2(other_y - eye_y, other_x - eye_x)
    reach = max(right - left, bottom - top) / 2 * margin
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2

    # Only the part that a turned square can touch is made into floats.
    around = int(reach * 1.5) + 2
    first_x, first_y = max(0, int(middle_x) - around), max(0, int(middle_y) - around)
    part = picture[first_y : int(middle_y) + around, first_x : int(middle_x) + around].permute(2, 0, 1)[None]
    across, down = 2 / part.shape[3], 2 / part.shape[2]  # grid_sample counts a picture as -1 to 1
    shrink = FINER * side / (2 * reach)
    if shrink < 1:
        part = resized(part, round(part.shape[2] * shrink), round(part.shape[3] * shrink))

    steps = (torch.arange(side, device=picture.device) * 2 + 1) / side - 1  # the middles of the result's pixels
    right_x, right_y = cos(turn) * reach * across, sin(turn) * reach * down  # one step along the eyes
    down_x, down_y = -sin(turn) * reach * across, cos(turn) * reach * down  # one step to the chin
    x = steps * right_x + steps[:, None] * down_x + ((middle_x - first_x) * across - 1)
    y = steps * right_y + steps[:, None] * down_y + ((middle_y - first_y) * down - 1)
    grid = torch.stack([x, y], dim=-1)[None]
    return functional.grid_sample(part.float(), grid, padding_mode="border", align_corners=False)
