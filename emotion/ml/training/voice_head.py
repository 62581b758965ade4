"""Train and measure the voice head: five actor-disjoint folds, a sentence left out, rough sound, short windows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import product
from statistics import fmean, pstdev
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from emotion.ml.checkpoint import Card
from emotion.ml.datasets import ravdess
from emotion.ml.datasets.clips import Clip, Split
from emotion.ml.labels import LABELS
from emotion.ml.nets.voice_head import Plane, VoiceHead, VoiceHeadConfig
from emotion.ml.training import metrics
from emotion.ml.training.voice_examples import CLEAN, ROUGH, VARIED, WINDOWS, Heard
from emotion.ml.voice import usual_of
from emotion.ml.voice_features import VoiceFeaturesConfig

Numbers = NDArray[np.int64]
NEUTRAL = LABELS.index("neutral")
KNOWS = ("stranger", "known")  # whether the speaker's neutral voice is known


@dataclass(frozen=True)
class VoiceTrainingConfig:
    """
    varied      conditions that are learned from beside the clean clips
    clean_share how much of a clip's say its clean row has, when there are varied ones
    strength    how freely weights may grow: the inverse of the L2 penalty
    head        the head's own config; `features` is set to what the examples have
    """

    varied: tuple[str, ...] = VARIED
    clean_share: float = 0.5
    strength: float = 1e-2
    head: VoiceHeadConfig = field(default_factory=VoiceHeadConfig)


class Examples:
    """Clips, their labels, and their features under each condition; what is asked for is heard once."""

    def __init__(self, clips: Sequence[Clip], hear: Callable[[str], Heard]) -> None:
        self.clips, self._hear = list(clips), hear
        self._heard: dict[str, Heard] = {}
        self._places = {clip.name: place for place, clip in enumerate(self.clips)}

    def heard(self, condition: str) -> Heard:
        if condition not in self._heard:
            self._heard[condition] = self._hear(condition)
        return self._heard[condition]

    def places(self, clips: Iterable[Clip]) -> Numbers:
        return np.array([self._places[clip.name] for clip in clips], np.int64)

    @cached_property
    def labels(self) -> Numbers:
        return np.array([LABELS.index(clip.label) for clip in self.clips], np.int64)

    @cached_property
    def speakers(self) -> NDArray[np.str_]:
        return np.array([clip.speaker for clip in self.clips])

    @cached_property
    def sentences(self) -> NDArray[np.str_]:
        return np.array([clip.sentence for clip in self.clips])

    def usual(self, condition: str) -> NDArray[np.float32]:
        """(clip, feature): the mean over the neutral clips of each clip's speaker, itself left out.

        Each sentence counts the same: else what is left out would tell neutral clips by the sentence their speaker is
        known by. Over a rough line the speaker is known by it; windows and varied copies are compared with clean clips.
        """
        heard = self.heard(condition if condition in ROUGH else CLEAN)
        usual = np.empty((len(self.clips), heard.features.shape[1]), np.float32)
        for place in range(len(self.clips)):
            own = (self.speakers == self.speakers[place]) & (self.labels == NEUTRAL)
            own[place] = False
            usual[place] = np.mean(
                [
                    heard.features[np.isin(heard.clips, np.flatnonzero(own & (self.sentences == sentence)))].mean(
                        axis=0
                    )
                    for sentence in np.unique(self.sentences[own])
                ],
                axis=0,
            )
        return usual


def train(examples: Examples, train: Numbers, validation: Numbers, config: VoiceTrainingConfig) -> VoiceHead:
    """A head fitted on the `train` clips, its temperatures on the `validation` clips."""
    head = fit(examples, train, config)
    for knows in KNOWS:
        given = logits(head, examples, CLEAN, validation, knows)
        temperature = metrics.fit_temperature(examples.labels[given.clips], given.logits)
        plane_of(head, knows).temperature.fill_(temperature)
    return head


def fit(examples: Examples, train: Numbers, config: VoiceTrainingConfig) -> VoiceHead:
    """A head fitted on these clips; its temperatures are 1."""
    parts = [(condition, examples.heard(condition).of(train)) for condition in (CLEAN, *config.varied)]
    features = np.concatenate([heard.features for _, heard in parts])
    clips = np.concatenate([heard.clips for _, heard in parts])
    usual = np.concatenate([examples.usual(condition)[heard.clips] for condition, heard in parts])

    head = VoiceHead(replace(config.head, features=features.shape[1]))
    clean = examples.heard(CLEAN).of(train)
    head.neutral.copy_(torch.from_numpy(clean.features[examples.labels[clean.clips] == NEUTRAL].mean(axis=0)))
    shares = torch.from_numpy(np.concatenate([_shares(condition, heard, config) for condition, heard in parts]))
    labels, rows = torch.from_numpy(examples.labels[clips]), torch.from_numpy(features)
    fit_plane(head.stranger, rows, labels, shares, config.strength)
    fit_plane(head.known, head.towards_everybody(rows, torch.from_numpy(usual)), labels, shares, config.strength)
    return head.eval()


def _shares(condition: str, heard: Heard, config: VoiceTrainingConfig) -> NDArray[np.float32]:
    """(row,): each clip has a say of 1, over all its rows."""
    clean = config.clean_share if config.varied else 1.0
    share = clean if condition == CLEAN else (1 - clean) / len(config.varied)
    return np.full(len(heard.clips), share, np.float32)


def fit_plane(plane: Plane, features: Tensor, labels: Tensor, shares: Tensor, strength: float) -> None:
    """Logistic regression with an L2 penalty, to its optimum: the problem is convex, so no seed and no epochs.

    features: (row, feature)
    shares:   (row,) how much each row counts
    """
    plane.mean.copy_(features.mean(dim=0))
    plane.spread.copy_(features.std(dim=0).clamp(min=1e-4))
    standard = (features - plane.mean) / plane.spread
    nn.init.zeros_(plane.weigh.weight)
    nn.init.zeros_(plane.weigh.bias)
    optimiser = torch.optim.LBFGS(
        plane.weigh.parameters(), max_iter=200, tolerance_grad=1e-3, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimiser.zero_grad()
        wrong = F.cross_entropy(plane.weigh(standard), labels, reduction="none")
        total = (shares * wrong).sum() + plane.weigh.weight.square().sum() / (2 * strength)
        total.backward()
        return total

    optimiser.step(loss)


class Told(NamedTuple):
    """
    logits: (row, label)
    clips:  (row,) which clip each row was cut from
    """

    logits: NDArray[np.float32]
    clips: Numbers


@torch.inference_mode()
def logits(head: VoiceHead, examples: Examples, condition: str, clips: Numbers, knows: str) -> Told:
    heard = examples.heard(condition).of(clips)
    usual = torch.from_numpy(examples.usual(condition)[heard.clips]) if knows == "known" else None
    return Told(head(torch.from_numpy(heard.features), usual).numpy(), heard.clips)


def plane_of(head: VoiceHead, knows: str) -> Plane:
    return head.known if knows == "known" else head.stranger


def train_on_all(examples: Examples, folds: Sequence[VoiceHead], config: VoiceTrainingConfig) -> VoiceHead:
    """The head that ships: learned from every actor, with the folds' temperatures, for no actor is left to fit them."""
    head = fit(examples, np.arange(len(examples.clips)), config)
    for knows in KNOWS:
        temperatures = torch.stack([plane_of(fold, knows).temperature for fold in folds])
        plane_of(head, knows).temperature.copy_(temperatures.log().mean().exp())
    return head


def train_folds(examples: Examples, config: VoiceTrainingConfig) -> list[VoiceHead]:
    return [_trained(examples, split, config) for split in _folds(examples)]


def evaluate(examples: Examples, folds: Sequence[VoiceHead], config: VoiceTrainingConfig) -> dict:
    """Every figure of the card, as plain data. `folds` are the heads of train_folds."""
    return {
        "config": asdict(config),
        "folds": _folds_report(examples, folds, CLEAN),
        "validation UAR": {knows: _validation_recall(examples, folds, knows) for knows in KNOWS},
        "rough": {condition: _folds_report(examples, folds, condition) for condition in ROUGH},
        "windows": {condition: _folds_report(examples, folds, condition) for condition in WINDOWS},
        "left-out sentence": _sentence_report(examples, config),
        "speaker known by the recording itself": _recordings_report(examples, folds),
        "controls, leaky on purpose": _leaky_report(examples, config),
    }


def _trained(examples: Examples, split: Split, config: VoiceTrainingConfig) -> VoiceHead:
    return train(examples, examples.places(split.train), examples.places(split.validation), config)


def _folds(examples: Examples) -> list[Split]:
    count = len(ravdess.present_folds(examples.clips))
    return [ravdess.fold(examples.clips, number) for number in range(1, count + 1)]


def _folds_report(examples: Examples, folds: Sequence[VoiceHead], condition: str) -> dict:
    tests = [examples.places(split.test) for split in _folds(examples)]
    return _reports(examples, folds, tests, condition)


def _reports(examples: Examples, heads: Sequence[VoiceHead], tests: Sequence[Numbers], condition: str = CLEAN) -> dict:
    """Each head on its own test, once as a stranger and once knowing the speaker."""
    return {
        knows: _report(
            examples,
            [logits(head, examples, condition, test, knows) for head, test in zip(heads, tests, strict=True)],
        )
        for knows in KNOWS
    }


def _report(examples: Examples, tested: Sequence[Told]) -> dict:
    """Mean and spread over the tests, and all their rows pooled with an interval over actors."""
    each = [metrics.unweighted_recall(examples.labels[told.clips], told.logits.argmax(axis=1)) for told in tested]
    clips, pooled = (np.concatenate(column) for column in (([t.clips for t in tested]), ([t.logits for t in tested])))
    labels, probabilities = examples.labels[clips], metrics.softmax(pooled)
    return {
        "UAR": fmean(each),
        "sd": pstdev(each),
        "UAR of each": each,
        "interval of the pooled UAR, 95 %, over actors": metrics.bootstrap_interval(
            labels, probabilities.argmax(axis=1), examples.speakers[clips]
        ),
        "pooled": metrics.scores(labels, probabilities).as_json(),
    }


def _validation_recall(examples: Examples, folds: Sequence[VoiceHead], knows: str) -> float:
    """What everything here was chosen by."""
    recalls = []
    for head, split in zip(folds, _folds(examples), strict=True):
        told = logits(head, examples, CLEAN, examples.places(split.validation), knows)
        recalls.append(metrics.unweighted_recall(examples.labels[told.clips], told.logits.argmax(axis=1)))
    return fmean(recalls)


def _sentence_report(examples: Examples, config: VoiceTrainingConfig) -> dict:
    """Actors and sentence both new: learned from one sentence, tested on the other."""
    sentences = sorted({clip.sentence for clip in examples.clips})
    folds = range(1, len(_folds(examples)) + 1)
    splits = [ravdess.without_sentence(examples.clips, sentence, fold) for fold, sentence in product(folds, sentences)]
    heads = [_trained(examples, split, config) for split in splits]
    return _reports(examples, heads, [examples.places(split.test) for split in splits])


def _recordings_report(examples: Examples, folds: Sequence[VoiceHead]) -> dict:
    """As `Voice.tell` reads: each clip in a recording of its speaker, whose mean passes for her usual.

    Ten clips of mixed labels, and the worst case: all of her clips of one label and nothing else.
    """
    tests = [examples.places(split.test) for split in _folds(examples)]
    ways = {"ten mixed clips": _mixed, "one label throughout": _alike}
    return {
        name: _report(
            examples,
            [_in_recordings(head, examples, way(examples, test)) for head, test in zip(folds, tests, strict=True)],
        )
        for name, way in ways.items()
    }


@torch.inference_mode()
def _in_recordings(head: VoiceHead, examples: Examples, recordings: Sequence[Numbers]) -> Told:
    heard = [examples.heard(CLEAN).of(clips) for clips in recordings]
    told = [head(rows, usual_of(head, rows)).numpy() for rows in (torch.from_numpy(one.features) for one in heard)]
    return Told(np.concatenate(told), np.concatenate([one.clips for one in heard]))


def _mixed(examples: Examples, test: Numbers) -> list[Numbers]:
    rng, recordings = np.random.default_rng(0), []
    for speaker in np.unique(examples.speakers[test]):
        own = rng.permutation(test[examples.speakers[test] == speaker])
        recordings += np.array_split(own, max(1, len(own) // 10))
    return recordings


def _alike(examples: Examples, test: Numbers) -> list[Numbers]:
    who = [(speaker, label) for speaker in np.unique(examples.speakers[test]) for label in range(len(LABELS))]
    recordings = [test[(examples.speakers[test] == one) & (examples.labels[test] == label)] for one, label in who]
    return [recording for recording in recordings if len(recording)]


def _leaky_report(examples: Examples, config: VoiceTrainingConfig) -> dict:
    """Clips drawn at random into five folds, so that every actor is on every side: the mistake, measured."""
    order = np.random.default_rng(0).permutation(len(examples.clips))
    tests = np.array_split(order, 5)
    heads = []
    for number, test in enumerate(tests):
        validation = tests[(number + 1) % len(tests)]
        heads.append(train(examples, np.setdiff1d(order, [*test, *validation]), validation, config))
    return _reports(examples, heads, tests)


def card(
    examples: Examples, features: VoiceFeaturesConfig, folds: Sequence[VoiceHead], config: VoiceTrainingConfig
) -> Card:
    """What the weights carry with them."""
    names = "\n".join(sorted(clip.name for clip in examples.clips))
    report = _folds_report(examples, folds, CLEAN)
    return Card(
        net="voice-head",
        config={"head": asdict(folds[0].config), "features": asdict(features), "training": asdict(config)},
        corpora=tuple(sorted({clip.corpus for clip in examples.clips})),
        data={"RAVDESS": hashlib.sha256(names.encode()).hexdigest()},
        metrics={knows: figures_of(report[knows], len(examples.clips)) for knows in KNOWS},
        licence="research weights: learned from RAVDESS, CC BY-NC-SA 4.0",
    )


def figures_of(report: dict, clips: int) -> dict[str, Any]:
    """What a registry's gate asks a card for: recall with its interval, and calibration."""
    return {
        "UAR": report["UAR"],
        "sd": report["sd"],
        "ECE": report["pooled"]["calibration_error"],
        "interval": list(report["interval of the pooled UAR, 95 %, over actors"]),
        "clips": clips,
    }
