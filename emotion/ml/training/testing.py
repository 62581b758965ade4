"""How good a trained net is on clips that nothing was chosen by: whole, with a channel missing, and in noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
import torch

from emotion.ml.training import metrics
from emotion.ml.training.config import NetConfig, TrainingConfig
from emotion.ml.training.examples import Batch, Collating, Example, batches, draws
from emotion.ml.training.learners import Learner
from emotion.ml.training.loop import Told, ask
from emotion.ml.training.metrics import Scores
from emotion.ml.training.modality_dropout import without
from emotion.ml.training.variations import noisy

Missing = Literal["", "face", "voice", "text"]

NOISE_SEED = 7


def rows_of(net: NetConfig) -> Mapping[str, Missing]:
    """The rows of a report, and what is missing in each."""
    if "text" in net.inputs:
        return {"both": "", "voice only": "text", "text only": "voice"}
    if net.has_faces and net.has_voice:
        return {"both": "", "voice only": "face", "face only": "voice"}
    return {"face only" if net.has_faces else "voice only": ""}


def tested(
    learner: Learner,
    examples: Sequence[Example],
    collate: Collating,
    temperature: float,
    device: torch.device,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Figures by row, and what was guessed of each clip by row, so that two runs can be compared actor by actor."""
    config = learner.config
    told = {
        row: ask(learner, each_once(examples, config, collate), device=device, change=taking(missing, config))
        for row, missing in rows_of(config.net).items()
    }
    rng = draws(NOISE_SEED)
    rough = batches(examples, config.batch_size, lambda part: collate([noisy(example, rng) for example in part]))
    told["noisy"] = ask(learner, rough, device=device)
    people = [(example.name, example.speaker, example.label) for example in examples]
    names, speakers, labels = (list(column) for column in zip(*people, strict=True))
    guesses = {row: said.logits.argmax(1).tolist() for row, said in told.items()}
    figures = {row: figures_of(scored(said, temperature)) for row, said in told.items()}
    return figures, {"clips": names, "speakers": speakers, "labels": labels, "guesses": guesses}


def each_once(examples: Sequence[Example], config: TrainingConfig, collate: Collating) -> Iterator[Batch]:
    return batches(examples, config.batch_size, collate)


def taking(missing: Missing, config: TrainingConfig) -> Callable[[Batch], Batch]:
    if not missing:
        return lambda batch: batch
    generator = torch.Generator().manual_seed(NOISE_SEED)
    return partial(without, channel=missing, kind=config.modality_dropout, draws=generator)


def temperature_of(told: Told) -> float:
    return metrics.fit_temperature(told.labels.numpy(), told.logits.numpy())


def scored(told: Told, temperature: float = 1.0) -> Scores:
    return metrics.scores(told.labels.numpy(), metrics.softmax(told.logits.numpy().astype(np.float64), temperature))


def figures_of(scores: Scores) -> dict[str, Any]:
    """By the field's own short names."""
    return {
        "clips": scores.clips,
        "UAR": scores.unweighted_recall,
        "WAR": scores.accuracy,
        "macro-F1": scores.macro_f1,
        "NLL": scores.negative_log_likelihood,
        "Brier": scores.brier,
        "ECE": scores.calibration_error,
        "risk area": scores.risk_area,
        "recalls": scores.recalls,
        "confusion": scores.confusion,
    }
