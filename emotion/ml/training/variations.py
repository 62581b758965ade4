"""What spoils a recording: a small, blurred, dark face, noise over the voice. A clip said otherwise, or turned."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from emotion.ml.datasets.sound_transforms import faster, with_noise
from emotion.ml.training.examples import Example

Channel = Literal["face", "voice"]

NOISY_VOICE = 10.0  # dB of signal over noise, in the noisy row of every report
NOISY_FACE = 4.0  # times smaller
WORST_VOICE, BEST_VOICE = -5.0, 20.0  # dB, in training
SMALLEST_FACE = 8.0  # times smaller, in training
DARKEST = 0.3


def noisy(example: Example, rng: np.random.Generator) -> Example:
    """As the noisy row of a report has it: both channels spoilt by the same amount in every clip."""
    voiced = _with_noise(example, NOISY_VOICE, rng)
    return _smaller(voiced, NOISY_FACE, 1.0, rng)


def degraded(example: Example, channel: Channel, rng: np.random.Generator) -> Example:
    """As training has it: one channel spoilt, by a drawn amount."""
    if channel == "voice":
        return _with_noise(example, rng.uniform(WORST_VOICE, BEST_VOICE), rng)
    return _smaller(example, SMALLEST_FACE ** rng.uniform(), rng.uniform(DARKEST, 1.0), rng)


def said_otherwise(example: Example, rng: np.random.Generator) -> Example:
    """Another pace and pitch, a little noise, and words left out.

    For MMER's twin. Differs from the published one: translated there and back, and spoken by a synthesised voice.
    """
    sound = faster(example.sound.numpy(), rng.choice([0.85, 0.9, 1.1, 1.15]))
    sound = with_noise(sound, rng.uniform(15, 25), rng)
    words = example.text.split()
    kept = [word for word in words if rng.random() > 0.15] or words
    return example._replace(name="", sound=torch.from_numpy(sound), text=" ".join(kept))


def _with_noise(example: Example, decibels: float, rng: np.random.Generator) -> Example:
    sound = with_noise(example.sound.numpy(), decibels, rng)
    return example._replace(name="", sound=torch.from_numpy(sound))


def _smaller(example: Example, times: float, brightness: float, rng: np.random.Generator) -> Example:
    """Shrunk and enlarged again, darkened, with a camera's noise; frames without a face stay empty."""
    if not len(example.faces):
        return example
    side = example.faces.shape[-1]
    small = max(4, round(side / times))
    faces = interpolate(example.faces.float(), (small, small), mode="bilinear", antialias=True)
    faces = interpolate(faces, (side, side), mode="bilinear") * brightness
    faces = faces + torch.from_numpy(rng.normal(0, 6, faces.shape).astype(np.float32))
    faces = faces.clamp(0, 255).round().to(torch.uint8) * example.has_face[:, None, None, None]
    return example._replace(name="", faces=faces, height=example.height * small / side)


def turned(faces: Tensor, kind: Literal["none", "flip", "flip and turn"], draws: torch.Generator) -> Tensor:
    """Half of the clips mirrored, each turned by up to 10 degrees; all frames of a clip alike.

    faces: (clip, frame, 3, side, side)
    Source: github.com/katerynaCh/multimodal-emotion-recognition, transforms.py.
    """
    if kind == "none":
        return faces
    clips = len(faces)
    mirrored = (torch.rand(clips, generator=draws) < 0.5).to(faces.device)
    faces = torch.where(mirrored.view(-1, 1, 1, 1, 1), faces.flip(-1), faces)
    if kind == "flip":
        return faces
    angles = torch.deg2rad(torch.randint(-10, 11, (clips,), generator=draws).float()).to(faces.device)
    cosine, sine, none = angles.cos(), angles.sin(), torch.zeros_like(angles)
    rotation = torch.stack([cosine, -sine, none, sine, cosine, none], dim=1).view(clips, 2, 3)
    frames = rotation.repeat_interleave(faces.shape[1], dim=0)
    flat = faces.flatten(0, 1)
    grid = torch.nn.functional.affine_grid(frames, list(flat.shape), align_corners=False)
    return torch.nn.functional.grid_sample(flat, grid, align_corners=False).view_as(faces)
