"""What happens to a face between a room and a file: out of focus, too little light."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Faces = NDArray[np.uint8]  # (frame, 3, side, side)


def blurred(faces: Faces, share: float) -> Faces:
    """Out of focus: a Gaussian whose deviation is this share of the face's side."""
    blur = ImageFilter.GaussianBlur(share * faces.shape[-1])
    frames = (Image.fromarray(frame.transpose(1, 2, 0)).filter(blur) for frame in faces)
    return np.stack([np.asarray(frame).transpose(2, 0, 1) for frame in frames])


def darkened(faces: Faces, share: float, noise: float, rng: np.random.Generator) -> Faces:
    """This share of the light, with a sensor's noise of this deviation (0 to 255)."""
    dark = faces * share + rng.normal(0, noise, faces.shape)
    return dark.round().clip(0, 255).astype(np.uint8)
