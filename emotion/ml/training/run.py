"""A whole training run, from a config to a checkpoint. Stopped or killed, it resumes and comes to the same end."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from emotion.ml import checkpoint
from emotion.ml.checkpoint import Card, Checkpoint
from emotion.ml.datasets import made
from emotion.ml.datasets.clips import Clip, Split, check_split, seen_in, split_by
from emotion.ml.errors import EmotionError
from emotion.ml.nets.cross_fusion import CrossFusionConfig
from emotion.ml.nets.efficientface import EfficientFaceConfig
from emotion.ml.nets.mfcc import Cepstrum
from emotion.ml.nets.multimodal import MultimodalConfig, MultimodalNet
from emotion.ml.nets.temporal import TemporalConfig
from emotion.ml.nets.voice import VoiceConfig
from emotion.ml.training import metrics
from emotion.ml.training.config import NetConfig, TrainingConfig
from emotion.ml.training.examples import Batch, Example, batches, from_made
from emotion.ml.training.loop import ask, train_epoch
from emotion.ml.training.modality_dropout import Kind, drop_modalities

STATE = "state.pt"
BEST = "best.safetensors"


class Stopped(EmotionError):
    """Somebody asked the run to stop; it can go on from where it is."""


@dataclass(frozen=True)
class Data:
    """Examples of a checked split; `digest` is the sha256 of what they are."""

    split: Split
    train: Sequence[Example]
    validation: Sequence[Example]
    test: Sequence[Example]
    digest: str


@dataclass(frozen=True)
class Epoch:
    number: int  # from 1
    train_loss: float
    validation_loss: float
    validation_uar: float
    learning_rate: float
    seconds: float
    clips_per_second: float


@dataclass
class Progress:
    """Where a run is: what is kept after each epoch beside the net and the optimiser."""

    epoch: int = 0  # finished ones
    best_uar: float = -1.0
    best_epoch: int = 0

    def is_over(self, config: TrainingConfig) -> bool:
        waited = self.epoch - self.best_epoch
        return self.epoch >= config.epochs or (config.patience is not None and waited >= config.patience)


def run(
    config: TrainingConfig,
    data: Data,
    folder: Path,
    *,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    on_step: Callable[[float], None] = lambda loss: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Checkpoint:
    """Train in `folder`, going on from what is kept there; the best epoch by validation UAR, with its test scores.

    Every draw of an epoch comes from the seed and the epoch's number, so that a resumed run ends as an unbroken one.
    Raises Stopped, loop.Diverged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    device = device_for(config.device)
    torch.manual_seed(config.seed)
    net = build(config.net).to(device)
    optimiser = optimiser_for(net, config)
    progress = _resume(folder, config, data, net, optimiser)
    forward = torch.compile(net) if config.compile else net
    while not progress.is_over(config):
        if should_stop():
            raise Stopped(f"Stopped after epoch {progress.epoch}. It can go on from there.")
        epoch = _one_epoch(config, data, forward, optimiser, progress.epoch, device, on_step)
        progress.epoch = epoch.number
        if epoch.validation_uar > progress.best_uar:
            progress.best_uar, progress.best_epoch = epoch.validation_uar, epoch.number
            checkpoint.save(folder / BEST, net, card_of(config, data))
        _keep(folder, config, data, net, optimiser, progress)
        on_epoch(epoch)
    return _finish(config, data, net, folder, device, progress)


def build(config: NetConfig) -> MultimodalNet:
    """The net at its width: published at 1, and proportionally narrower below."""
    if config.name not in ("lt", "it", "ia"):
        raise EmotionError(f"{config.name} cannot be trained yet.")
    face = EfficientFaceConfig(widths=tuple(narrowed(width, config.width) for width in EfficientFaceConfig().widths))
    if config.width < 1:
        face = replace(face, reduction=4)
    early, late = narrowed(64, config.width), narrowed(128, config.width)
    first, second, third, fourth = (narrowed(width, config.width) for width in VoiceConfig().widths)
    voice = VoiceConfig(widths=(first, second, third, fourth))
    net = MultimodalNet(
        MultimodalConfig(
            fusion=config.name,  # type: ignore[arg-type]
            cross=CrossFusionConfig(heads=config.heads),
            face=TemporalConfig(face=face, early=early, late=late),
            voice=voice,
        )
    )
    if config.face_weights:
        net.face.load_face(config.face_weights)
    return net


def narrowed(width: int, share: float) -> int:
    """A multiple of eight, so that heads and shuffled halves come out even; the published width as it is."""
    return width if share == 1 else max(8, round(width * share / 8) * 8)


def made_data(config: TrainingConfig) -> Data:
    """The made corpus, by actor: a quarter to test, another to choose by, the rest to learn from."""
    clips = made.make(made.MadeConfig(actors=config.corpus.actors))
    hear = Cepstrum()
    examples = {clip.clip.name: from_made(clip, hear) for clip in clips}
    actors = sorted({clip.clip.speaker for clip in clips})
    turned = actors[config.corpus.fold - 1 :] + actors[: config.corpus.fold - 1]
    quarter = max(1, len(actors) // 4)
    everyone = tuple(clip.clip for clip in clips)
    split = split_by(everyone, "made", "speaker", set(turned[quarter : 2 * quarter]), set(turned[:quarter]))
    return data_of(check_split(split), examples)


def data_of(split: Split, examples: dict[str, Example]) -> Data:
    def of(clips: tuple[Clip, ...]) -> list[Example]:
        return [examples[clip.name] for clip in clips]

    names = json.dumps({part: sorted(clip.name for clip in clips) for part, clips in split.parts().items()})
    digest = hashlib.sha256(names.encode())
    for name in sorted(examples):
        digest.update(examples[name].faces.numpy().tobytes())
        digest.update(examples[name].voice.numpy().tobytes())
    return Data(split, of(split.train), of(split.validation), of(split.test), digest.hexdigest())


def device_for(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


def optimiser_for(net: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    weights = [weight for weight in net.parameters() if weight.requires_grad]
    if config.optimiser == "sgd":
        return torch.optim.SGD(weights, lr=config.learning_rate, momentum=0.9, weight_decay=config.weight_decay)
    return torch.optim.AdamW(weights, lr=config.learning_rate, weight_decay=config.weight_decay)


def card_of(config: TrainingConfig, data: Data, scores: dict[str, Any] | None = None) -> Card:
    corpora = tuple(sorted({clip.corpus for clip in data.split.train}))
    return Card(
        net=config.net.name,
        config=config.model_dump(mode="json"),
        corpora=corpora,
        seen=seen_in(data.split),
        data={data.split.name: data.digest},
        metrics=scores or {},
    )


def _one_epoch(config, data, net, optimiser, done: int, device, on_step) -> Epoch:
    started = time.perf_counter()
    rate = config.learning_rate * config.schedule.rate(done, config.epochs)
    for group in optimiser.param_groups:
        group["lr"] = rate
    draws = torch.Generator().manual_seed(config.seed * 100_003 + done)
    torch.manual_seed(config.seed * 100_003 + done)  # the net's own dropout
    loss = train_epoch(
        net,
        batches(data.train, config.batch_size, config.net.side, shuffle=draws),
        optimiser,
        device=device,
        spread=lambda batch: spread(batch, config.modality_dropout, draws),
        precise=lambda: (
            torch.autocast(device.type, torch.bfloat16) if config.precision == "bfloat16" else nullcontext()
        ),
        clip=config.gradient_clip,
        on_step=on_step,
    )
    learned = time.perf_counter() - started
    told = ask(net, batches(data.validation, config.batch_size, config.net.side), device=device)
    return Epoch(
        number=done + 1,
        train_loss=loss,
        validation_loss=told.loss,
        validation_uar=metrics.unweighted_recall(told.labels.numpy(), told.logits.argmax(1).numpy()),
        learning_rate=rate,
        seconds=time.perf_counter() - started,
        clips_per_second=len(data.train) / learned,
    )


def spread(batch: Batch, kind: Kind, draws: torch.Generator) -> Batch:
    dropped = drop_modalities(batch.faces, batch.voice, kind, draws)
    return Batch(dropped.faces, dropped.voice, batch.labels[dropped.source])


def _resume(folder: Path, config: TrainingConfig, data: Data, net: nn.Module, optimiser) -> Progress:
    path = folder / STATE
    if not path.exists():
        return Progress()
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["run"] != _name(config, data):
        raise EmotionError("This folder holds another run: another config or other data. Choose an empty one.")
    net.load_state_dict(state["net"])
    optimiser.load_state_dict(state["optimiser"])
    return Progress(**state["progress"])


def _keep(folder: Path, config: TrainingConfig, data: Data, net: nn.Module, optimiser, progress: Progress) -> None:
    state = {
        "run": _name(config, data),
        "net": net.state_dict(),
        "optimiser": optimiser.state_dict(),
        "progress": asdict(progress),
    }
    half = folder / f"{STATE}.part"
    torch.save(state, half)
    os.replace(half, folder / STATE)


def _name(config: TrainingConfig, data: Data) -> str:
    return hashlib.sha256((config.model_dump_json() + data.digest).encode()).hexdigest()


def _finish(config, data, net, folder: Path, device, progress: Progress) -> Checkpoint:
    checkpoint.load(folder / BEST).into(net)
    scores: dict[str, Any] = {"epoch": progress.best_epoch, "validation": {"UAR": progress.best_uar}, "test": {}}
    for row, without in {"both": "", "voice only": "face", "face only": "voice"}.items():
        told = ask(net, batches(data.test, config.batch_size, config.net.side), device=device, without=without)
        guessed = told.logits.argmax(1).numpy()
        scores["test"][row] = {"UAR": metrics.unweighted_recall(told.labels.numpy(), guessed), "NLL": told.loss}
    return checkpoint.save(folder / BEST, net, card_of(config, data, scores))
