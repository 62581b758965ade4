"""Batches in which a channel fades or is missing, so that a net learns to do with the other."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Generator, Tensor

Kind = Literal["softhard", "noise", "none"]


class Dropped(NamedTuple):
    """
    faces:  (copy, …)
    voice:  (copy, …)
    source: (copy,)  which clip of the batch each copy is of: `labels[source]`, `lengths[source]`
    """

    faces: Tensor
    voice: Tensor
    source: Tensor


def drop_modalities(faces: Tensor, voice: Tensor, kind: Kind, generator: Generator | None = None) -> Dropped:
    """The batch with copies that lack something, shuffled.

    faces, voice: (clip, …)
    softhard:     four copies of each clip: as it is; faces times 1 - α and voice times α; no faces; no voice
    noise:        three: as it is; noise for faces; noise for voice
    none:         the clips themselves, in their order

    Source: Chumachenko et al., ICPR 2022, section III-B; α in hundredths from 0 to .99, a draw for each clip. A net
    that levels its own sound (wav2vec2) does not feel α; it feels the missing channels.
    """
    clips = torch.arange(len(faces), device=faces.device)
    if kind == "none":
        return Dropped(faces, voice, clips)
    if kind == "softhard":
        alpha = torch.randint(100, (len(faces),), generator=generator).to(faces.device) / 100
        many_faces = [faces, scaled(faces, 1 - alpha), missing(faces, "softhard"), faces]
        many_voices = [voice, scaled(voice, alpha), voice, missing(voice, "softhard")]
    else:
        many_faces = [faces, missing(faces, "noise", generator), faces]
        many_voices = [voice, voice, missing(voice, "noise", generator)]
    order = torch.randperm(len(many_faces) * len(faces), generator=generator).to(faces.device)
    source = clips.repeat(len(many_faces))
    return Dropped(torch.cat(many_faces)[order], torch.cat(many_voices)[order], source[order])


def missing(channel: Tensor, kind: Kind, generator: Generator | None = None) -> Tensor:
    """What stands for a missing channel, also at a test: normal noise for a net trained with noise, else zeros."""
    if kind != "noise":
        return torch.zeros_like(channel)
    return torch.randn(channel.shape, generator=generator, dtype=channel.dtype).to(channel.device)


def scaled(channel: Tensor, share: Tensor) -> Tensor:
    return channel * share.to(channel.dtype).view(-1, *[1] * (channel.ndim - 1))
