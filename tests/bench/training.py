"""How many clips a second training takes in, and what rounding and compiling change, in turns in the same run.

Made clips, the real epoch: batches, loss, backward pass, AdamW. Without modality dropout: with it (softhard) each clip
is shown four times, so a quarter as many go through.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass

import torch

from emotion.ml.datasets import made
from emotion.ml.datasets.windows import MadeWindows
from emotion.ml.training.config import TrainingConfig
from emotion.ml.training.data import Examples
from emotion.ml.training.examples import Collating, Example, batches
from emotion.ml.training.learners import learner_for
from emotion.ml.training.loop import train_epoch
from emotion.ml.training.run import cannot_compile, optimiser_for
from emotion.ml.training.systems import build
from tests.bench import clock

SECONDS = 3.6  # a clip, as the published nets see it


@dataclass(frozen=True)
class Size:
    """A net, and how many clips it learns from: that many in a step, that many in a timed epoch."""

    net: Mapping[str, object]
    batch: int
    clips: int

    @property
    def config(self) -> TrainingConfig:
        values = {"net": {"name": "lt", **self.net}, "batch_size": self.batch, "modality_dropout": "none"}
        return TrainingConfig.checked(values)


PUBLISHED = Size({"frames": 15}, batch=8, clips=8)
SMALL = Size({"width": 0.25, "side": 64, "frames": 5}, batch=16, clips=64)


def training() -> dict[str, object]:
    torch.set_num_threads(1)
    return {
        "clock": clock.name_of("cpu"),
        "clip": f"{SECONDS} s of voice",
        "lt, published: 15 faces of 224 pixels, batches of 8": measured(PUBLISHED, "cpu", compiles=False),
        "lt, a quarter as wide: 5 faces of 64 pixels, batches of 16": measured(SMALL, "cpu"),
        "gpu": {"lt, published": measured(PUBLISHED, "cuda")} if torch.cuda.is_available() else "none here",
    }


def measured(size: Size, device: str, compiles: bool = True) -> dict[str, object]:
    """Clips a second, and the ratios to float32 without compiling."""
    config, examples = size.config, some_examples(size)
    epochs: dict[str, Callable[[], object]] = {
        "float32": an_epoch(config, examples, device),
        "bfloat16": an_epoch(config, examples, device, bfloat16=True),
    }
    found: dict[str, object] = {}
    if compiles and (reason := cannot_compile(torch.device(device))):
        found["not compiled"] = reason
    elif compiles:
        epochs["compiled"] = an_epoch(config, examples, device, compiled=True)
        if device != "cpu":
            epochs["compiled, bfloat16"] = an_epoch(config, examples, device, bfloat16=True, compiled=True)
    first: dict[str, float] = {}
    best = dict.fromkeys(epochs, float("inf"))
    for name, epoch in epochs.items():  # also wakes caches, and compiles
        begin = time.perf_counter()
        epoch()
        first[name] = time.perf_counter() - begin
    for _ in range(clock.RUNS):
        for name, epoch in epochs.items():
            best[name] = min(best[name], clock.timed(epoch, runs=1, device=device)[0])
    rates = {name: len(examples) / seconds for name, seconds in best.items()}
    return {
        "clips_a_second": {name: round(rate, 2) for name, rate in rates.items()},
        "times_float32": {name: round(rate / rates["float32"], 2) for name, rate in rates.items() if name != "float32"},
        "seconds_to_compile": {name: round(first[name] - best[name], 1) for name in epochs if "compiled" in name},
        **found,
    }


def an_epoch(
    config: TrainingConfig, examples: list[Example], device: str, bfloat16: bool = False, compiled: bool = False
) -> Callable[[], object]:
    """One epoch of a new net, to be called again and again."""
    torch.manual_seed(0)
    there = torch.device(device)
    learner = learner_for(build(config.net).to(there), config)
    if compiled:
        learner.net.compile()
    optimiser = optimiser_for([weight for weight in learner.parameters() if weight.requires_grad], config)
    collate = Collating(config.net.inputs, round(SECONDS * made.SAMPLE_RATE))

    def epoch() -> object:
        return train_epoch(
            learner,
            batches(examples, config.batch_size, collate, torch.Generator().manual_seed(0)),
            optimiser,
            device=there,
            precise=lambda: torch.autocast(there.type, torch.bfloat16) if bfloat16 else nullcontext(),
            clip=config.gradient_clip,
        )

    return epoch


def some_examples(size: Size) -> list[Example]:
    drawn = made.MadeConfig(actors=1, takes=-(-size.clips // 8), frames=size.config.net.frames or 15, seconds=SECONDS)
    windows = MadeWindows(made.make(drawn))
    return list(Examples(windows, windows.clips))[: size.clips]
