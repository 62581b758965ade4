"""Weights with what is needed to trust them: config, label order, what they learned from, hashes. Never a pickle."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from emotion.ml.errors import WrongCheckpoint
from emotion.ml.labels import LABELS

Net = TypeVar("Net", bound=nn.Module)

FORMAT = "1"


@dataclass(frozen=True)
class Card:
    """What stands beside the weights.

    net         the net's name in `emotion.ml.describe`
    config      its config dataclass as plain data
    labels      the order of every logit
    corpora     what it was trained on; a test on one of these is contaminated
    seen        by corpus, the "speakers", "groups" and "sentences" it learned from or was chosen by: `clips.seen_in`
    data        sha256 of each corpus's list of files
    metrics     scores by protocol
    """

    net: str
    config: Mapping[str, Any]
    labels: tuple[str, ...] = LABELS
    corpora: tuple[str, ...] = ()
    seen: Mapping[str, Mapping[str, list[str]]] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=lambda: {"torch": torch.__version__})
    licence: str = ""


@dataclass(frozen=True)
class Checkpoint:
    card: Card
    weights: Mapping[str, Tensor]
    sha256: str  # of the weights

    def into(self, net: Net) -> Net:
        """The net with these weights: every name and shape must fit. Raises WrongCheckpoint."""
        try:
            net.load_state_dict(dict(self.weights), strict=True)
        except RuntimeError as error:
            raise WrongCheckpoint(
                f"These weights are not for this net: {str(error).splitlines()[-1].strip()}"
            ) from error
        return net


def save(path: Path, net: nn.Module, card: Card) -> Checkpoint:
    """Write net and card to one safetensors file, whole or not at all."""
    # Copies: shared tensors may not be stored twice, and the file must not depend on the device.
    weights = {name: value.detach().to("cpu").contiguous().clone() for name, value in net.state_dict().items()}
    digest = digest_of(weights)
    metadata = {"format": FORMAT, "sha256": digest, "card": json.dumps(asdict(card), sort_keys=True)}
    half = path.with_suffix(path.suffix + ".part")
    save_file(weights, half, metadata)
    os.replace(half, path)
    return Checkpoint(card, weights, digest)


def load(path: Path, labels: tuple[str, ...] = LABELS) -> Checkpoint:
    """Raises WrongCheckpoint: missing, damaged, of another make, or with its labels in another order."""
    if not path.exists():
        raise WrongCheckpoint(f"There is no checkpoint {path.name}.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WrongCheckpoint(f"{path.name} is damaged or no safetensors file.") from error
    if "card" not in metadata:
        raise WrongCheckpoint(f"{path.name} carries no card: nothing says what it is.")
    card = _card(metadata["card"])
    if card.labels != tuple(labels):
        raise WrongCheckpoint(f"{path.name} has its labels in another order: {', '.join(card.labels)}.")
    if digest_of(weights) != metadata.get("sha256"):
        raise WrongCheckpoint(f"The weights in {path.name} are not the ones that were saved.")
    return Checkpoint(card, weights, metadata["sha256"])


def digest_of(weights: Mapping[str, Tensor]) -> str:
    """sha256 over names, types, shapes and values, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        value = weights[name].detach().to("cpu").contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _card(text: str) -> Card:
    try:
        data = json.loads(text)
        data["labels"], data["corpora"] = tuple(data["labels"]), tuple(data["corpora"])
        return Card(**data)
    except (ValueError, KeyError, TypeError) as error:
        raise WrongCheckpoint("The card is not one that this project writes.") from error
