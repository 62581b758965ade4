"""The nets that a checkpoint may be of: made empty from its card, to see whether its weights fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import torch
from torch import nn

from emotion.ml.checkpoint import Card, Checkpoint
from emotion.ml.errors import WrongCheckpoint
from emotion.ml.nets.expression import ExpressionNet
from emotion.ml.nets.voice_head import VoiceHead, VoiceHeadConfig
from emotion.ml.training.kinds import NetName
from emotion.ml.training.systems import build, sizes_of
from emotion.ml.voice_features import VoiceFeaturesConfig


def must_fit(saved: Checkpoint) -> None:
    """Every weight of the net that the card names, and no other. Raises WrongCheckpoint."""
    with torch.device("meta"):  # shapes without memory, however large the net
        net = net_of(saved.card)
    wanted = {name: tuple(value.shape) for name, value in net.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in saved.weights.items()}
    if wanted != found:
        unlike = sorted(name for name in {*wanted, *found} if wanted.get(name) != found.get(name))
        raise WrongCheckpoint(
            f"The weights are not those of the net {saved.card.net}: {', '.join(unlike[:3])}"
            f"{' and more' if len(unlike) > 3 else ''}."
        )


def net_of(card: Card) -> nn.Module:
    """Raises WrongCheckpoint."""
    if card.net == "expression":
        return ExpressionNet()
    if card.net == "voice-head":
        return _voice_head(card.config)
    if card.net in get_args(NetName):
        return build(*sizes_of(card))
    raise WrongCheckpoint(f"No net here is called “{card.net}”.")


def _voice_head(config: Mapping[str, Any]) -> VoiceHead:
    try:
        head, features = ({**config[name]} for name in ("head", "features"))
        for plain in (head, features):
            plain |= {name: tuple(value) for name, value in plain.items() if isinstance(value, list)}
        VoiceFeaturesConfig(**features)
        return VoiceHead(VoiceHeadConfig(**head))
    except (KeyError, TypeError) as error:
        raise WrongCheckpoint("The card does not say how large its voice head is.") from error
