"""Batches in which a channel fades or is missing, so that a net learns to do with the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor

from emotion.ml.training.examples import Batch, Example
from emotion.ml.training.variations import Channel, degraded

Kind = Literal["softhard", "noise", "degrade", "none"]

GONE = 0.25  # of the degraded copies have no such channel at all


class Dropped(NamedTuple):
    """
    faces:  (copy, …)
    voice:  (copy, …)
    source: (copy,)  which clip of the batch each copy is of: `labels[source]`, `lengths[source]`
    """

    faces: Tensor
    voice: Tensor
    source: Tensor


def dropped(batch: Batch, kind: Kind, generator: Generator | None = None) -> Batch:
    """The batch of a net with faces and one voice, with copies that lack something; degraded ones are in it already."""
    if kind in ("none", "degrade"):
        return batch
    assert batch.faces is not None
    if batch.cepstrum is not None:
        found = drop_modalities(batch.faces, batch.cepstrum, kind, generator)
        return replace(batch.of(found.source), faces=found.faces, cepstrum=found.voice)
    assert batch.sound is not None
    found = drop_modalities(batch.faces, batch.sound, kind, generator)
    return replace(batch.of(found.source), faces=found.faces, sound=found.voice)


def with_degraded(examples: Sequence[Example], rng: np.random.Generator) -> list[Example]:
    """Three of each clip: as it is; with a spoilt face or none; with a spoilt voice or none. Our own."""
    channels: tuple[Channel, ...] = ("face", "voice")
    spoilt = [degraded_or_gone(example, channel, rng) for channel in channels for example in examples]
    return [*examples, *spoilt]


def degraded_or_gone(example: Example, channel: Channel, rng: np.random.Generator) -> Example:
    if rng.random() >= GONE:
        return degraded(example, channel, rng)
    if channel == "voice":
        return example._replace(name="", sound=torch.zeros_like(example.sound))
    none = torch.zeros_like(example.has_face)
    return example._replace(name="", faces=torch.zeros_like(example.faces), has_face=none)


def without(batch: Batch, channel: Literal["face", "voice", "text"], kind: Kind, draws: Generator | None) -> Batch:
    """The batch with one channel missing, as the net has known it to be missing in training."""
    if channel == "text":
        return replace(batch, texts=("",) * len(batch))
    if channel == "face":
        assert batch.faces is not None
        assert batch.has_face is not None
        return replace(batch, faces=missing(batch.faces, kind, draws), has_face=torch.zeros_like(batch.has_face))
    cepstrum = None if batch.cepstrum is None else missing(batch.cepstrum, kind, draws)
    sound = None if batch.sound is None else missing(batch.sound, kind, draws)
    return replace(batch, cepstrum=cepstrum, sound=sound)


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
