"""Results as lines of text and as data: what a terminal shows and what is taken away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext as _

from reports.study.statistics import Accuracy, Agreement, Results, Verdict


def what_it_shows() -> str:
    """The sentence that stands under every result."""
    return _(
        "A few made vignettes, read by a language model: this says whether written emotion labels changed its answers "
        "on these cases. It is no clinical evaluation, it says nothing about patients, and nothing about labels that "
        "a program reads from a face or a voice."
    )


def lines(found: Results) -> Iterator[str]:
    """A table for a terminal."""
    yield _("Without labels: %(figures)s") % {"figures": _accuracy(found.without)}
    yield _("With labels:    %(figures)s") % {"figures": _accuracy(found.with_labels)}
    test = found.test
    yield _("Discordant cases: %(count)d (only with labels: %(with)d, only without: %(without)d)") % {
        "count": test.discordant,
        "with": test.only_with,
        "without": test.only_without,
    }
    for one in found.discordant:
        yield _("  case %(case)s: %(without)s without, %(with)s with labels") % {
            "case": one.case,
            "without": _verdicts(one.without),
            "with": _verdicts(one.with_labels),
        }
    yield _("Exact McNemar, two-sided: p = %(p)s") % {"p": f"{test.p:.3g}"}
    if found.left_out:
        yield _("In no figure, because an arm has no verdict: %(cases)s") % {"cases": ", ".join(found.left_out)}


def shown(found: Results) -> dict[str, Any]:
    """For a page: the same figures, in words and numbers of the reader's language."""
    return {
        "arms": [_arm(_("Without labels"), found.without), _arm(_("With labels"), found.with_labels)],
        "difference": f"{100 * found.difference:+.2f}",
        "test": found.test,
        "p": f"{found.test.p:.3g}",
        "discordant": [
            {"case": one.case, "without": _verdicts(one.without), "with_labels": _verdicts(one.with_labels)}
            for one in found.discordant
        ],
        "left_out": ", ".join(found.left_out),
    }


def agreement_line(one: str, other: str, found: Agreement) -> str:
    told = {"one": one, "other": other, "same": found.same, "shared": found.shared}
    if found.kappa is None:
        return _("%(one)s and %(other)s agree on %(same)d of %(shared)d replies; kappa cannot be computed.") % told
    return _("%(one)s and %(other)s agree on %(same)d of %(shared)d replies; Cohen's kappa %(kappa)s.") % {
        **told,
        "kappa": f"{found.kappa:.2f}",
    }


def as_data(found: Results) -> dict[str, Any]:
    """For JSON. Shares between 0 and 1."""
    return {
        "without": asdict(found.without),
        "with": asdict(found.with_labels),
        "difference": found.difference,
        "interval": "Wilson score interval, 95 %, on the mean score over the cases (partial counts one half)",
        "mcnemar": {**asdict(found.test), "discordant": found.test.discordant, "method": "exact, two-sided"},
        "discordant": [
            {"case": one.case, "without": list(one.without), "with": list(one.with_labels)} for one in found.discordant
        ],
        "left_out": list(found.left_out),
    }


def _arm(name: str, found: Accuracy) -> dict[str, Any]:
    figures = {"score": percent(found.score), "low": percent(found.low), "high": percent(found.high)}
    return {"name": name, "cases": found.cases, **figures}


def percent(share: float) -> str:
    return f"{share:.2%}".replace("%", " %")


def _accuracy(found: Accuracy) -> str:
    return _("%(score)s of %(cases)d cases (95 %% Wilson interval %(low)s to %(high)s)") % {
        "score": percent(found.score),
        "cases": found.cases,
        "low": percent(found.low),
        "high": percent(found.high),
    }


def _verdicts(given: tuple[Verdict, ...]) -> str:
    words = {Verdict.YES: _("yes"), Verdict.PARTIAL: _("partial"), Verdict.NO: _("no")}
    return ", ".join(words[verdict] for verdict in given)
