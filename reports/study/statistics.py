"""Verdicts on the same cases in two arms → accuracy, intervals, a paired test, agreement. Pure; no rows, no settings.

The unit is the case, not the run: runs of one case resemble each other, and counting each would make small numbers look
large. A case's score in an arm is the mean over its runs; its outcome for the paired test is whether more than half of
its runs were graded "yes".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import comb, sqrt
from statistics import fmean

Z_95 = 1.959963984540054  # the normal quantile of a two-sided 95 % interval


class Arm(StrEnum):
    WITHOUT = "without"
    WITH = "with"


class Verdict(StrEnum):
    YES = "yes"
    PARTIAL = "partial"
    NO = "no"


SCORES: Mapping[Verdict, float] = {Verdict.YES: 1.0, Verdict.PARTIAL: 0.5, Verdict.NO: 0.0}
Graded = Mapping[Arm, Sequence[Verdict]]  # one case: the verdict on each of its runs, by arm


@dataclass(frozen=True)
class Accuracy:
    """The mean score over the cases, partial counting one half, and its 95 % Wilson score interval."""

    score: float
    low: float
    high: float
    cases: int


@dataclass(frozen=True)
class PairedTest:
    """Exact McNemar, two-sided: how often one arm alone was right, and how likely that is by chance."""

    only_with: int
    only_without: int
    p: float

    @property
    def discordant(self) -> int:
        return self.only_with + self.only_without


@dataclass(frozen=True)
class Discordant:
    """A case in which one arm was right and the other was not."""

    case: str
    without: tuple[Verdict, ...]
    with_labels: tuple[Verdict, ...]


@dataclass(frozen=True)
class Results:
    without: Accuracy
    with_labels: Accuracy
    test: PairedTest
    discordant: tuple[Discordant, ...]
    left_out: tuple[str, ...]  # cases with nothing graded in one arm or both: in no figure

    @property
    def difference(self) -> float:
        """Accuracy with labels less accuracy without."""
        return self.with_labels.score - self.without.score


@dataclass(frozen=True)
class Agreement:
    """Two graders on the same replies. Kappa is None where none are shared and where chance would always agree."""

    shared: int
    same: int
    kappa: float | None

    @property
    def raw(self) -> float | None:
        return self.same / self.shared if self.shared else None


def results(cases: Mapping[str, Graded]) -> Results | None:
    """Everything about one grader's verdicts; None while no case is graded in both arms."""
    whole = {name: graded for name, graded in cases.items() if all(graded.get(arm) for arm in Arm)}
    if not whole:
        return None
    return Results(
        without=accuracy([score(graded[Arm.WITHOUT]) for graded in whole.values()]),
        with_labels=accuracy([score(graded[Arm.WITH]) for graded in whole.values()]),
        test=_paired(whole.values()),
        discordant=tuple(
            Discordant(name, tuple(graded[Arm.WITHOUT]), tuple(graded[Arm.WITH]))
            for name, graded in whole.items()
            if is_right(graded[Arm.WITHOUT]) != is_right(graded[Arm.WITH])
        ),
        left_out=tuple(name for name in cases if name not in whole),
    )


def score(verdicts: Sequence[Verdict]) -> float:
    """Yes is one, partial one half, no nothing; of several runs the mean."""
    return fmean(SCORES[verdict] for verdict in verdicts)


def is_right(verdicts: Sequence[Verdict]) -> bool:
    """Whether more than half of the runs were graded "yes". Partial is not: the paired test knows no halves."""
    return 2 * sum(verdict == Verdict.YES for verdict in verdicts) > len(verdicts)


def accuracy(scores: Sequence[float]) -> Accuracy:
    """Scores of cases, each between 0 and 1."""
    mean = fmean(scores)
    low, high = wilson(mean, len(scores))
    return Accuracy(mean, low, high, len(scores))


def wilson(mean: float, count: int, z: float = Z_95) -> tuple[float, float]:
    """The Wilson score interval on a mean of `count` scores.

    Half credit enters as the mean score in the place of a proportion. A score between 0 and 1 varies at most as much
    as a yes-or-no of the same mean, so with halves the interval is rather too wide than too narrow.
    Source: Wilson, Journal of the American Statistical Association 22 (1927), 209-212.
    """
    middle = mean + z * z / (2 * count)
    spread = z * sqrt(mean * (1 - mean) / count + z * z / (4 * count * count))
    whole = 1 + z * z / count
    return max(0.0, (middle - spread) / whole), min(1.0, (middle + spread) / whole)


def mcnemar(only_with: int, only_without: int) -> PairedTest:
    """Exact: the discordant cases as tosses of a fair coin, both tails. With none of them p is 1.

    Source: McNemar, Psychometrika 12 (1947), 153-157, with the binomial in place of chi-squared.
    """
    tosses, fewer = only_with + only_without, min(only_with, only_without)
    tail = sum(comb(tosses, number) for number in range(fewer + 1)) / 2**tosses
    return PairedTest(only_with, only_without, min(1.0, 2 * tail))


def agreement(one: Mapping[str, Verdict], other: Mapping[str, Verdict]) -> Agreement:
    """Raw agreement and Cohen's kappa, unweighted, over the replies that both have graded.

    Source: Cohen, Educational and Psychological Measurement 20 (1960), 37-46.
    """
    both = sorted(one.keys() & other.keys())
    same = sum(one[reply] == other[reply] for reply in both)
    if not both:
        return Agreement(0, 0, None)
    ones, others = Counter(one[reply] for reply in both), Counter(other[reply] for reply in both)
    by_chance = sum(ones[verdict] * others[verdict] for verdict in Verdict) / len(both) ** 2
    kappa = None if by_chance == 1 else (same / len(both) - by_chance) / (1 - by_chance)
    return Agreement(len(both), same, kappa)


def _paired(cases: Iterable[Graded]) -> PairedTest:
    right = [(is_right(graded[Arm.WITHOUT]), is_right(graded[Arm.WITH])) for graded in cases]
    return mcnemar(only_with=right.count((False, True)), only_without=right.count((True, False)))
