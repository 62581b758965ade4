"""Small checkpoints through the real save: random weights, made figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clinic.models import User
from emotion.models import Checkpoint, Pack
from emotion.services import registry

FIGURES = {"UAR": 0.7, "ECE": 0.04, "clips": 48}
METRICS = {"validation": {"UAR": 0.72}, "temperature": 2.0, "test": {"both": FIGURES}}


def a_clip_reader_file(path: Path, seed: int = 1, metrics: Mapping[str, Any] = METRICS, **fields: Any) -> Path:
    """A narrow late transformer, as the studio writes one."""
    import torch

    from emotion.ml import checkpoint
    from emotion.ml.checkpoint import Card
    from emotion.ml.training.config import NetConfig, TrainingConfig
    from emotion.ml.training.systems import build

    config = TrainingConfig(net=NetConfig(name="lt", width=0.1, side=32))
    torch.manual_seed(seed)
    told = {"corpora": ("made",), "data": {"made": "ab" * 32}, "licence": "made here", **fields}
    card = Card(net="lt", config=config.model_dump(mode="json"), metrics=metrics, **told)
    checkpoint.save(path, build(config.net), card)
    return path


def an_expression_file(path: Path) -> Path:
    """The shipped expression net under a card of our own."""
    from emotion.ml import checkpoint
    from emotion.ml.checkpoint import Card
    from emotion.ml.inference import _fill
    from emotion.ml.nets.expression import ExpressionNet
    from emotion.ml.packs import WEIGHTS

    net = _fill(ExpressionNet(), WEIGHTS / "expression.safetensors")
    checkpoint.save(path, net, Card(net="expression", config={}, licence="MIT"))
    return path


def a_checkpoint(folder: Path, by: User, seed: int = 1, name: str = "Tiny", **fields: Any) -> Checkpoint:
    file = a_clip_reader_file(folder / f"tiny-{seed}.safetensors", seed, **fields)
    return registry.register_checkpoint(file, by=by, name=name)


def a_built_pack(folder: Path, by: User, name: str = "tiny", seed: int = 1, **fields: Any) -> Pack:
    return registry.build_pack(registry.make_pack(name, [a_checkpoint(folder, by, seed, **fields)], by))


def a_made_pack(by: User, name: str, metrics: Mapping[str, Any] = METRICS, **card: Any) -> Pack:
    """Rows alone, for tests that read nothing with it."""
    told = {"corpora": ["made"], "data": {"made": "ab" * 32}, "metrics": metrics, **card}
    checkpoint = Checkpoint.objects.create(
        name=f"Net of {name}",
        net="lt",
        path=f"checkpoints/{name}.safetensors",
        size=1000,
        file_sha256=name.encode().hex().ljust(64, "0")[:64],
        weights_sha256="0" * 64,
        card=told,
        origin=Checkpoint.Origin.IMPORTED,
        added_by=by,
    )
    pack = registry.make_pack(name, [checkpoint], by)
    pack.sha256 = name.encode().hex().ljust(64, "1")[:64]
    pack.save()
    return pack
