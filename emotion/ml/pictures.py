"""Still pictures: every face in each, where it is, and what its expression looks like."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from emotion.ml.errors import UnreadableRecording
from emotion.ml.faces import choose, cut_level
from emotion.ml.inference import Recogniser
from emotion.ml.nets.expression import SIDE
from emotion.ml.readings import Gap

LARGEST = 1600  # pixels, the longer side: a face that can be read is large enough in this
MOST_PIXELS = 100_000_000  # as declared; more is refused before there is room made for it
FORMATS = ("JPEG", "PNG")


@dataclass(frozen=True)
class FaceFound:
    """
    box         left, top, right, bottom as shares of the picture (0 to 1)
    sure        the detector's probability
    expression  over LABELS; sums to 1
    """

    box: tuple[float, float, float, float]
    sure: float
    expression: tuple[float, ...]


@dataclass(frozen=True)
class PictureRead:
    """`gap` says why a recording would have no reading at such a moment; None where it would have one."""

    width: int
    height: int
    faces: tuple[FaceFound, ...]  # the largest first
    gap: str | None = None


def open_picture(path: Path) -> Image.Image:
    """Upright, in RGB, at most LARGEST pixels wide or high. Raises UnreadableRecording."""
    try:
        with Image.open(path, formats=FORMATS) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise UnreadableRecording("The picture is too large.")
            picture = ImageOps.exif_transpose(opened).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableRecording("This is no picture, or it is damaged.") from error
    picture.thumbnail((LARGEST, LARGEST))
    return picture


def read_picture(recogniser: Recogniser, picture: Image.Image) -> PictureRead:
    pixels = np.asarray(picture)
    held = torch.from_numpy(pixels.copy()).to(recogniser.device)
    (faces,) = recogniser.cascade.search([held])
    config = recogniser.loaded.config
    cut = cut_level([held] * len(faces), faces, side=SIDE, margin=config.margin)
    expressions = recogniser.expressions(cut) if faces else []
    chosen = choose(pixels, faces, config.choice)
    return PictureRead(
        width=picture.width,
        height=picture.height,
        faces=tuple(
            FaceFound(_shares(face.box.tolist(), picture), round(float(face.score), 4), expression)
            for face, expression in zip(faces, expressions, strict=True)
        ),
        gap=str(chosen) if isinstance(chosen, Gap) else None,
    )


def _shares(box: list[float], picture: Image.Image) -> tuple[float, float, float, float]:
    left, top, right, bottom = box
    return (
        _share(left, picture.width),
        _share(top, picture.height),
        _share(right, picture.width),
        _share(bottom, picture.height),
    )


def _share(edge: float, side: int) -> float:
    return round(min(1.0, max(0.0, edge / side)), 4)
