"""How good guesses are, how honest their probabilities, and how sure we are of either.

labels:         (clip,) class numbers
guesses:        (clip,) class numbers
probabilities:  (clip, class), each row sums to 1
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating]
Score = Callable[[NDArray, NDArray], float]  # of labels and guesses

CALIBRATION_BINS = 15
TEMPERATURES = np.geomspace(0.05, 20.0, 400)


@dataclass(frozen=True)
class Scores:
    """The figures that every report of a classifier has here."""

    clips: int
    accuracy: float
    unweighted_recall: float
    macro_f1: float
    recalls: tuple[float | None, ...]  # by class; None where the class does not occur
    confusion: tuple[tuple[int, ...], ...]
    negative_log_likelihood: float
    brier: float
    calibration_error: float
    risk_area: float

    def as_json(self) -> dict:
        return asdict(self)


def scores(labels: ArrayLike, probabilities: ArrayLike) -> Scores:
    labels, probabilities = np.asarray(labels), np.asarray(probabilities)
    guesses = probabilities.argmax(axis=1)
    table = confusion(labels, guesses, classes=probabilities.shape[1])
    return Scores(
        clips=len(labels),
        accuracy=accuracy(labels, guesses),
        unweighted_recall=unweighted_recall(labels, guesses),
        macro_f1=macro_f1(labels, guesses),
        recalls=tuple(float(row[place] / row.sum()) if row.sum() else None for place, row in enumerate(table)),
        confusion=tuple(tuple(int(count) for count in row) for row in table),
        negative_log_likelihood=negative_log_likelihood(labels, probabilities),
        brier=brier(labels, probabilities),
        calibration_error=calibration_error(labels, probabilities),
        risk_area=float(risk_coverage(labels, probabilities).risk.mean()),
    )


def accuracy(labels: ArrayLike, guesses: ArrayLike) -> float:
    """The share of clips that are right. The field also calls it WAR: recall weighted by how often a class occurs."""
    return float(np.mean(np.asarray(labels) == np.asarray(guesses)))


def unweighted_recall(labels: ArrayLike, guesses: ArrayLike) -> float:
    """UAR: recall, averaged over the classes that occur, so that a frequent class counts no more than a rare one."""
    labels, guesses = np.asarray(labels), np.asarray(guesses)
    return float(np.mean([np.mean(guesses[labels == label] == label) for label in np.unique(labels)]))


def macro_f1(labels: ArrayLike, guesses: ArrayLike) -> float:
    """F1 averaged over the classes that occur or are guessed."""
    labels, guesses = np.asarray(labels), np.asarray(guesses)
    return float(np.mean([_f1(labels == label, guesses == label) for label in np.union1d(labels, guesses)]))


def _f1(true: NDArray[np.bool_], guessed: NDArray[np.bool_]) -> float:
    return 2 * np.sum(true & guessed) / (true.sum() + guessed.sum())


def confusion(labels: ArrayLike, guesses: ArrayLike, classes: int) -> NDArray[np.int64]:
    """(label, guess): how many clips of a label were guessed to be each class."""
    table = np.zeros((classes, classes), np.int64)
    np.add.at(table, (np.asarray(labels), np.asarray(guesses)), 1)
    return table


def negative_log_likelihood(labels: ArrayLike, probabilities: ArrayLike) -> float:
    return float(-np.log(np.maximum(_of_labels(labels, probabilities), 1e-12)).mean())


def brier(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """The squared distance to the right answer, summed over the classes: 0 is best, 2 is worst."""
    probabilities = np.asarray(probabilities)
    right = np.eye(probabilities.shape[1])[np.asarray(labels)]
    return float(np.square(probabilities - right).sum(axis=1).mean())


def calibration_error(labels: ArrayLike, probabilities: ArrayLike, bins: int = CALIBRATION_BINS) -> float:
    """ECE: how far confidence is from the share of right guesses, over bins of equal width by confidence."""
    probabilities = np.asarray(probabilities)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == np.asarray(labels)
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(np.sum(confidence[places == place]) - np.sum(right[places == place])) for place in range(bins)]
    return float(np.sum(gaps) / len(confidence))


@dataclass(frozen=True)
class RiskCoverage:
    """The share of wrong guesses (`risk`) when only the most confident share of clips (`coverage`) is answered."""

    coverage: Floats  # (clip,) 1/n to 1
    risk: Floats  # (clip,)

    def at(self, coverage: float) -> float:
        return float(self.risk[max(0, int(np.ceil(coverage * len(self.risk))) - 1)])


def risk_coverage(labels: ArrayLike, probabilities: ArrayLike) -> RiskCoverage:
    probabilities = np.asarray(probabilities)
    surest_first = np.argsort(-probabilities.max(axis=1), kind="stable")
    wrong = (probabilities.argmax(axis=1) != np.asarray(labels))[surest_first]
    answered = np.arange(1, len(wrong) + 1)
    return RiskCoverage(coverage=answered / len(wrong), risk=np.cumsum(wrong) / answered)


def softmax(logits: ArrayLike, temperature: float = 1.0) -> Floats:
    """(clip, class): above 1 a temperature spreads the probabilities, below 1 it sharpens them."""
    scaled = np.asarray(logits, np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def fit_temperature(labels: ArrayLike, logits: ArrayLike) -> float:
    """The temperature under which these clips are likeliest. Fit it on validation clips, never on a test."""
    losses = [negative_log_likelihood(labels, softmax(logits, temperature)) for temperature in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def bootstrap_interval(
    labels: ArrayLike,
    guesses: ArrayLike,
    groups: ArrayLike,
    score: Score = unweighted_recall,
    rounds: int = 2000,
    share: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Where the score lies with this probability if other actors had been drawn.

    groups: (clip,) the actor of each clip. Whole actors are drawn: clips of one are alike, and drawing clips one by one
    would make us surer than we are.
    """
    labels, guesses, groups = np.asarray(labels), np.asarray(guesses), np.asarray(groups)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    rng = np.random.default_rng(seed)
    drawn = (np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))]) for _ in range(rounds))
    low, high = np.quantile(
        [score(labels[clips], guesses[clips]) for clips in drawn], [(1 - share) / 2, (1 + share) / 2]
    )
    return float(low), float(high)


def _of_labels(labels: ArrayLike, probabilities: ArrayLike) -> Floats:
    labels = np.asarray(labels)
    return np.asarray(probabilities)[np.arange(len(labels)), labels]
