"""How good guesses are, how honest their probabilities, and how sure we are of either.

labels:         (clip,) class numbers
guesses:        (clip,) class numbers
probabilities:  (clip, class), each row sums to 1
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating]
TableScore = Callable[[Floats], Floats]  # of confusion tables

CALIBRATION_BINS = 15
ROUNDS, SHARE = 2000, 0.95  # of a bootstrap
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
    score: TableScore | None = None,
    rounds: int = ROUNDS,
    share: float = SHARE,
    seed: int = 0,
) -> tuple[float, float]:
    """Where the score (left out: UAR) lies with this probability if other actors had been drawn.

    groups: (clip,) the actor of each clip. Whole actors are drawn: clips of one are alike, and drawing clips one by one
    would make us surer than we are. Four actors still make the interval too narrow.
    """
    (drawn,) = bootstrap_tables(labels, [guesses], groups, rounds, seed)
    return _middle((score or recall_of_tables)(drawn), share)


@dataclass(frozen=True)
class Difference:
    """How much higher the second guesser's UAR is than the first's, on the same clips, and the interval of that."""

    first: float
    second: float
    low: float
    high: float

    @property
    def size(self) -> float:
        return self.second - self.first

    @property
    def is_noise(self) -> bool:
        """Whether other actors could have shown no difference, or the opposite one."""
        return self.low <= 0 <= self.high


def paired_difference(
    labels: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    groups: ArrayLike,
    rounds: int = ROUNDS,
    share: float = SHARE,
    seed: int = 0,
) -> Difference:
    """Both guessed the same clips; each round draws the same actors for both, so that what they share cancels out."""
    one, other = bootstrap_tables(labels, [first, second], groups, rounds, seed)
    low, high = _middle(recall_of_tables(other) - recall_of_tables(one), share)
    return Difference(unweighted_recall(labels, first), unweighted_recall(labels, second), low, high)


def bootstrap_tables(
    labels: ArrayLike, guesses: Sequence[ArrayLike], groups: ArrayLike, rounds: int, seed: int
) -> list[Floats]:
    """For each guesser (round, label, guess): the confusion tables of as many actors as there are, drawn with return.

    The same draws for each guesser.
    """
    labels = np.asarray(labels)
    actors, places = np.unique(np.asarray(groups), return_inverse=True)
    classes = 1 + max(int(np.max(each)) for each in (labels, *guesses))
    drawn = np.random.default_rng(seed).integers(len(actors), size=(rounds, len(actors)))
    times = np.zeros((rounds, len(actors)))
    np.add.at(times, (np.arange(rounds)[:, None], drawn), 1)
    tables = []
    for each in guesses:
        table = np.zeros((len(actors), classes, classes))
        np.add.at(table, (places, labels, np.asarray(each)), 1)
        tables.append(np.einsum("ra,alg->rlg", times, table))
    return tables


def recall_of_tables(tables: Floats) -> Floats:
    """(…,) UAR of confusion tables (…, label, guess), over the classes that occur in each."""
    told = tables.sum(axis=-1)
    right = np.diagonal(tables, axis1=-2, axis2=-1)
    return (right / np.maximum(told, 1)).sum(axis=-1) / (told > 0).sum(axis=-1)


def accuracy_of_tables(tables: Floats) -> Floats:
    """(…,)"""
    return np.diagonal(tables, axis1=-2, axis2=-1).sum(axis=-1) / tables.sum(axis=(-2, -1))


def _middle(values: Floats, share: float) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def _of_labels(labels: ArrayLike, probabilities: ArrayLike) -> Floats:
    labels = np.asarray(labels)
    return np.asarray(probabilities)[np.arange(len(labels)), labels]
