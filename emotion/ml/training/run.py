"""A whole training run, from a config to a checkpoint. Stopped or killed, it resumes and comes to the same end."""

from __future__ import annotations

import hashlib
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from emotion.ml import checkpoint
from emotion.ml.checkpoint import Card, Checkpoint
from emotion.ml.datasets.corpora import CORPORA
from emotion.ml.errors import EmotionError
from emotion.ml.training.config import PhaseConfig, TrainingConfig
from emotion.ml.training.data import Data
from emotion.ml.training.distributed import Team, team_of
from emotion.ml.training.examples import Batch, Collating, Example, ahead, batches, draws, order_of
from emotion.ml.training.learners import generator_for, learner_for
from emotion.ml.training.lineage import lineage_of
from emotion.ml.training.loop import OnStep, ask, train_epoch
from emotion.ml.training.modality_dropout import dropped, with_degraded
from emotion.ml.training.phases import enter, phases_of
from emotion.ml.training.progress import Epoch, Progress, Warned, memory_of
from emotion.ml.training.systems import build, shapes, start, voice_size
from emotion.ml.training.testing import each_once, figures_of, scored, temperature_of, tested
from emotion.ml.training.variations import said_otherwise, turned

STATE = "state.pt"
BEST = "best.safetensors"


class Stopped(EmotionError):
    """Somebody asked the run to stop; it can go on from where it is."""


def run(
    config: TrainingConfig,
    data: Data,
    folder: Path,
    *,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    on_step: OnStep = lambda loss, step, steps: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Checkpoint:
    """Train in `folder`, going on from what is kept there; the best epoch by validation UAR, with its test scores.

    data         of `data.data_for(config)`
    should_stop  is asked after every step; what was learned since the last epoch is then learned again on resuming

    Phases follow each other, each from the best epoch of the one before. Every draw of an epoch comes from the seed
    and the epoch's number, so that a resumed run ends as an unbroken one. Raises Stopped, loop.Diverged, EmotionError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with team_of(config, folder) as team:
        training = Training(config, data, folder, team)
        training.learn(on_epoch, on_step, should_stop)
        return training.finish()


def take_part(config: TrainingConfig, data: Data, folder: Path, team: Team) -> None:
    """The same on a share of each batch, in one of the other processes: nothing is kept and nobody watches."""
    Training(config, data, folder, team).learn(lambda epoch: None, lambda loss, step, steps: None, lambda: False)


class Training:
    """A run at work: its net, where it is, and what it keeps."""

    def __init__(self, config: TrainingConfig, data: Data, folder: Path, team: Team):
        self.config, self.data, self.folder, self.team = config, data, folder, team
        self.lineage = lineage_of(config, data)
        torch.manual_seed(config.seed)
        self.net = build(config.net, voice_size(config.net)).to(team.device)
        start(self.net, config.net)
        self.learner = learner_for(self.net, config, generator_for(config)).to(team.device)
        self.progress = Progress()
        self.notices = [Warned("contaminated", text) for text in self.lineage.contaminated]
        self._collating: dict[int, Collating] = {}
        self._began, self._done_here = time.monotonic(), 0
        if team.told(self.name) != self.name:
            raise EmotionError("The processes of this run have read different data.")

    @property
    def stage(self) -> PhaseConfig:
        return self.config.stages[self.progress.place]

    @property
    def its_data(self) -> Data:
        return self.data.of(self.progress.place)

    @property
    def collate(self) -> Collating:
        samples = self.its_data.samples
        if samples not in self._collating:
            self._collating[samples] = Collating(self.config.net.inputs, samples)
        return self._collating[samples]

    @cached_property
    def name(self) -> str:
        """Equal for equal configs and data."""
        return hashlib.sha256((self.config.model_dump_json() + self.data.whole_digest()).encode()).hexdigest()

    def learn(self, on_epoch: Callable[[Epoch], None], on_step: OnStep, should_stop: Callable[[], bool]) -> None:
        """All phases, to their ends."""
        kept = self._kept()
        self.team.normalising_together(self.net)
        if self.config.compile:
            self._compile()
        while True:
            optimiser = self._enter(kept)
            if kept is None and self.team.leads:
                # Before its first epoch can take the place of the best one, which the phase begins from.
                self._keep(optimiser)
            step = self.team.sharing(self.learner)
            kept = None
            while not self._is_over():
                self._stop_if(should_stop)

                def stepped(loss: float, number: int, steps: int) -> None:
                    on_step(loss, number, steps)
                    self._stop_if(should_stop)

                epoch = self._epoch(optimiser, step, stepped)
                if self.team.leads:
                    # Told first: killed in between, the epoch is learned and told again, and no curve has a gap.
                    on_epoch(epoch)
                    self._keep(optimiser)
            if self.progress.place + 1 == len(self.config.stages):
                return
            self.progress.next_phase()
            self._take_best()

    def finish(self) -> Checkpoint:
        """The best epoch of the last phase, with its temperature and its scores on the test."""
        self._take_best()
        validation = ask(
            self.learner, each_once(self.its_data.validation, self.config, self.collate), device=self.team.device
        )
        temperature = temperature_of(validation) if self.config.calibrate else 1.0
        figures, predictions = tested(self.learner, self.its_data.test, self.collate, temperature, self.team.device)
        scores = {
            "epoch": self.progress.best_epoch,
            "phase": self.stage.number,
            "temperature": temperature,
            "validation": figures_of(scored(validation, temperature)),
            "test": figures,
            "predictions": predictions,
            "earlier tests": self._earlier_tests(temperature),
            "contaminated": list(self.lineage.contaminated),
        }
        return checkpoint.save(self.folder / BEST, self.net, self.card(scores))

    def card(self, scores: dict[str, Any] | None = None) -> Card:
        parts = [self.data, *self.data.later.values()]
        corpora = [CORPORA[phase.corpus.name] for phase in self.config.stages if phase.corpus]
        return Card(
            net=self.config.net.name,
            config={**self.config.model_dump(mode="json"), **shapes(self.net)},
            corpora=self.lineage.corpora,
            seen=self.lineage.seen,
            data={part.split.name: part.digest for part in parts},
            metrics=scores or {},
            versions={
                "python": platform.python_version(),
                "torch": torch.__version__,
                "transformers": version("transformers"),
                "numpy": np.__version__,
            },
            licence="; ".join(sorted({f"{corpus.title}: {corpus.licence}" for corpus in corpora})),
        )

    def _earlier_tests(self, temperature: float) -> dict[str, Any]:
        """On the tests of the corpora that earlier phases learned from."""
        last = self.its_data
        others = {part.split.name: part for part in (self.data, *self.data.later.values()) if part is not last}
        return {
            name: tested(
                self.learner, part.test, Collating(self.config.net.inputs, part.samples), temperature, self.team.device
            )[0]
            for name, part in others.items()
        }

    def _enter(self, kept: dict[str, Any] | None) -> torch.optim.Optimizer:
        """Freeze and wake what the phase has; the optimiser goes on where it was, if this is where the run was."""
        phase = phases_of(self.config.net.name, self.config.corpus.name)[self.stage.number - 1]
        optimiser = optimiser_for(enter(self.net, phase), self.config)
        if kept is not None:
            optimiser.load_state_dict(kept["optimiser"])
        return optimiser

    def _is_over(self) -> bool:
        patience = self.config.patience
        return self.progress.done >= (self.stage.epochs or 0) or (
            patience is not None and self.progress.waited() >= patience
        )

    def _stop_if(self, should_stop: Callable[[], bool]) -> None:
        if should_stop():
            raise Stopped(f"Stopped after epoch {self.progress.epoch}. It can go on from there.")

    def _epoch(self, optimiser: torch.optim.Optimizer, step: Callable, on_step: OnStep) -> Epoch:
        config, progress, team = self.config, self.progress, self.team
        began = time.perf_counter()
        rate = (self.stage.learning_rate or 0.0) * config.schedule.rate(progress.done, self.stage.epochs or 1)
        for group in optimiser.param_groups:
            group["lr"] = rate
        seed = config.seed * 100_003 + progress.epoch
        generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed + 1_000_003 * team.number)  # the net's own dropout
        train = self.its_data.train
        count = len(order_of(len(train), config.batch_size, torch.Generator(), team.count))
        learned = train_epoch(
            self.learner,
            self._batches(train, generator),
            optimiser,
            device=team.device,
            step=step,
            turn=partial(turned, kind=config.augmentation, draws=generator),
            spread=lambda batch: dropped(batch, config.modality_dropout, generator),
            precise=self._precise,
            clip=config.gradient_clip,
            accumulate=config.accumulate,
            steps=-(-count // config.accumulate),
            on_step=on_step,
        )
        loss, clips = team.total(learned.loss, learned.clips)
        took = time.perf_counter() - began
        validated = self._validated(loss / max(1, clips), rate, took, began) if team.leads else None
        epoch, self.progress = cast(tuple[Epoch, Progress], team.told(validated))
        self._done_here += 1
        return epoch

    def _validated(self, train_loss: float, rate: float, took: float, began: float) -> tuple[Epoch, Progress]:
        """What the epoch came to, and where the run is now; the best net so far is kept. In the first process."""
        told = ask(
            self.learner, each_once(self.its_data.validation, self.config, self.collate), device=self.team.device
        )
        scores = scored(told)
        is_best = self.progress.note(train_loss, told.loss, scores)
        if is_best:
            checkpoint.save(self.folder / BEST, self.net, self.card())
        epoch = Epoch(
            number=self.progress.epoch,
            phase=self.stage.number,
            train_loss=train_loss,
            validation_loss=told.loss,
            validation_uar=scores.unweighted_recall,
            validation_war=scores.accuracy,
            validation_macro_f1=scores.macro_f1,
            recalls=scores.recalls,
            confusion=scores.confusion,
            learning_rate=rate,
            seconds=time.perf_counter() - began,
            clips_per_second=len(self.its_data.train) / took,
            memory=memory_of(self.team.device),
            seconds_left=self._seconds_left(),
            is_best=is_best,
            warnings=(*self.notices, *self.progress.warnings()),
        )
        return epoch, self.progress

    def _batches(self, train: Sequence[Example], generator: torch.Generator) -> Iterator[Batch]:
        config, rng = self.config, draws(self.config.seed, self.progress.epoch, self.team.number)

        def collate(examples: Sequence[Example]) -> Batch:
            if config.modality_dropout == "degrade":
                examples = with_degraded(examples, rng)
            batch = self.collate(examples)
            if config.net.name == "mmer" and config.mmer.twin:
                batch = replace(batch, twin=self.collate([said_otherwise(example, rng) for example in examples]))
            return batch

        found = batches(train, config.batch_size, collate, generator, self.team.share)
        return ahead(found) if self.team.device.type == "cuda" else found

    def _precise(self) -> AbstractContextManager:
        if self.config.precision == "float32":
            return nullcontext()
        return torch.autocast(self.team.device.type, torch.bfloat16)

    def _seconds_left(self) -> float:
        ahead = self.config.stages[self.progress.place :]
        epochs = sum(phase.epochs or 0 for phase in ahead) - self.progress.done
        return (time.monotonic() - self._began) / (self._done_here + 1) * epochs

    def _compile(self) -> None:
        reason = cannot_compile(self.team.device)
        if reason:
            self.notices.append(Warned("not compiled", reason))
        else:
            self.net.compile()

    def _take_best(self) -> None:
        checkpoint.load(self.folder / BEST).into(self.net)

    def _kept(self) -> dict[str, Any] | None:
        """What the folder holds of this run, taken into the net. Raises EmotionError."""
        path = self.folder / STATE
        if not path.exists():
            return None
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except (UnpicklingError, RuntimeError, EOFError, LookupError, ValueError) as error:
            raise EmotionError(f"{path} is damaged. Delete it to begin the run anew.") from error
        if state["run"] != self.name:
            raise EmotionError("This folder holds another run: another config or other data. Choose an empty one.")
        self.net.load_state_dict(state["net"])
        self.progress = Progress(**state["progress"])
        return state

    def _keep(self, optimiser: torch.optim.Optimizer) -> None:
        state = {
            "run": self.name,
            "net": self.net.state_dict(),
            "optimiser": optimiser.state_dict(),
            "progress": asdict(self.progress),
        }
        half = self.folder / f"{STATE}.part"
        torch.save(state, half)
        os.replace(half, self.folder / STATE)


def optimiser_for(weights: Sequence[nn.Parameter], config: TrainingConfig) -> torch.optim.Optimizer:
    if config.optimiser == "sgd":
        return torch.optim.SGD(
            weights,
            lr=config.learning_rate,
            momentum=config.momentum,
            dampening=config.dampening,
            weight_decay=config.weight_decay,
        )
    return torch.optim.AdamW(weights, lr=config.learning_rate, weight_decay=config.weight_decay)


def cannot_compile(device: torch.device, compiled: Callable = torch.compile) -> str:
    """Why torch should not compile here, as a sentence; empty where it should.

    Not on the CPU, where the smallest net takes a minute to compile and the others ten. Elsewhere it is tried on
    something small, because it needs a compiler of the system.
    """
    if device.type == "cpu":
        return "Not compiled: on the CPU that takes longer than it saves."
    try:
        compiled(lambda x: x.sin() + 1)(torch.zeros(4, device=device))
    except Exception as error:
        return f"Not compiled, because this machine cannot: {str(error).splitlines()[0][:200]}"
    return ""
