"""Whether a pack may take the place of the one that serves: what its cards prove, sentence by sentence.

Cards are plain data: `corpora` (what was learned from), `data` (sha256 of each split's clips) and `metrics`, whose
figures lie at any depth under names such as "test", "both", "stranger". Figures on validation clips prove nothing here,
because something was chosen by them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext_noop

from emotion import catalogue

# Above this a probability says something else than how often it is right: .034 is what the shipped voice head reaches,
# .10 to .12 what it shows in loud noise and on one-second windows.
LARGEST_CALIBRATION_ERROR = 0.10
UAR, ECE = ("UAR", "unweighted_recall"), ("ECE", "calibration_error")
INTERVALS = ("UAR interval", "interval", "interval of the pooled UAR, 95 %, over actors")
MAIN = ("both", "stranger")  # the rows that speak for a net that is tested in several ways
NO_PROOF = ("validation", "control", "earlier")
STARTS = ("encoder", "face_weights", "voice_weights", "text_encoder")  # of a training config's net


@dataclass(frozen=True)
class Figures:
    """What a net came to under one protocol: on which clips, and shown what of them."""

    protocol: str  # "made · test · both"
    data: str  # sha256 of the split; empty where the card does not say
    uar: float
    ece: float | None = None
    interval: tuple[float, float] | None = None  # of the UAR, 95 %
    clips: int | None = None

    @property
    def is_main(self) -> bool:
        return self.protocol.rpartition(" · ")[2] in MAIN


@dataclass(frozen=True)
class Check:
    """One question about one part of a pack: its figures, calibration, contamination, or against the serving pack."""

    part: str
    name: str
    passed: bool
    sentence: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Verdict:
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    def as_json(self) -> list[dict[str, Any]]:
        return [check.as_json() for check in self.checks]


Cards = Mapping[str, Mapping[str, Any]]  # by the part of the pack


def judge(candidate: Cards, serving: Cards) -> Verdict:
    """Each part that the candidate brings, against the same part of the pack that serves."""
    return Verdict(
        tuple(check for part, card in sorted(candidate.items()) for check in _of_part(part, card, serving.get(part)))
    )


def figures_of(card: Mapping[str, Any]) -> list[Figures]:
    """Every row of test figures, the one that speaks for the net first."""
    found = [row for row in _rows(card, card.get("metrics", {}), ()) if row is not None]
    return sorted(found, key=lambda row: not row.is_main)


def contaminated(card: Mapping[str, Any], figures: Figures) -> list[str]:
    """Corpora that the net is tested on and has seen: by itself, without a list of clips that keeps the two apart, or
    through the weights it started from."""
    split = {_plain(name) for name in (*card.get("data", {}), *card.get("seen", {}))}
    own = [corpus for corpus in card.get("corpora", ()) if not any(_plain(corpus) in name for name in split)]
    seen = [*own, *(corpus for start in _starts(card) for corpus in catalogue.contaminated_by(start))]
    return sorted({corpus for corpus in seen if _plain(corpus) in _plain(figures.protocol)})


def _starts(card: Mapping[str, Any]) -> list[str]:
    """The weights that the net started from, as its training config names them."""
    net = card.get("config", {}).get("net", {})
    return [str(net[name]) for name in STARTS if net.get(name)] if isinstance(net, Mapping) else []


def _plain(name: str) -> str:
    """CREMA-D and cremad are one corpus."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _of_part(part: str, card: Mapping[str, Any], serving: Mapping[str, Any] | None) -> Iterator[Check]:
    rows = figures_of(card)
    if not rows:
        yield Check(
            part,
            "figures",
            False,
            gettext_noop("The card has no recall (UAR) on test clips: nothing says how good this is."),
        )
        return
    main = rows[0]
    yield Check(
        part,
        "figures",
        True,
        gettext_noop("UAR %(uar)s on %(protocol)s%(clips)s, as the card says.")
        % {"uar": f"{main.uar:.3f}", "protocol": main.protocol, "clips": _clips(main)},
    )
    yield _calibrated(part, main)
    yield _clean(part, card, main)
    yield _as_good(part, main, [] if serving is None else figures_of(serving))


def _calibrated(part: str, main: Figures) -> Check:
    name = "calibration"
    if main.ece is None:
        return Check(
            part,
            name,
            False,
            gettext_noop("The card has no calibration error (ECE) on %(protocol)s.") % {"protocol": main.protocol},
        )
    passed = main.ece <= LARGEST_CALIBRATION_ERROR
    word = gettext_noop("within") if passed else gettext_noop("above")
    return Check(
        part,
        name,
        passed,
        gettext_noop("Calibration error (ECE) %(ece)s, %(word)s the limit of %(limit)s.")
        % {"ece": f"{main.ece:.3f}", "word": word, "limit": f"{LARGEST_CALIBRATION_ERROR:.2f}"},
    )


def _clean(part: str, card: Mapping[str, Any], main: Figures) -> Check:
    name, learned = "contamination", ", ".join(card.get("corpora", ())) or gettext_noop("nothing that the card names")
    if not card.get("corpora"):
        return Check(
            part,
            name,
            False,
            gettext_noop("The card does not say what this was trained on, so its test may be contaminated."),
        )
    told = card.get("metrics", {}).get("contaminated")
    if told:
        return Check(part, name, False, f"Contaminated: {' '.join(told)}")
    dirty = contaminated(card, main)
    if dirty:
        return Check(
            part,
            name,
            False,
            gettext_noop(
                "Contaminated: it learned from %(dirty)s and is tested on %(protocol)s; nothing on the "
                "card keeps the clips apart."
            )
            % {"dirty": ", ".join(dirty), "protocol": main.protocol},
        )
    return Check(
        part,
        name,
        True,
        gettext_noop("Learned from %(learned)s; its test clips were kept apart.") % {"learned": learned},
    )


def _as_good(part: str, mine: Figures, serving: list[Figures]) -> Check:
    name = "against the serving pack"
    its = next((row for row in serving if (row.protocol, row.data) == (mine.protocol, mine.data)), None)
    if its is None:
        sentence = gettext_noop(
            "The serving pack has no figures on the same protocol, so nothing shows that this is as good."
        )
        return Check(part, name, False, sentence)
    sentence = gettext_noop("UAR %(uar)s on %(protocol)s; the serving pack has %(uar2)s%(noise)s.") % {
        "uar": f"{mine.uar:.3f}",
        "protocol": mine.protocol,
        "uar2": f"{its.uar:.3f}",
        "noise": _noise(mine, its),
    }
    return Check(part, name, mine.uar >= its.uar, sentence)


def _noise(mine: Figures, its: Figures) -> str:
    if mine.interval is None or not mine.interval[0] <= its.uar <= mine.interval[1] or mine.uar == its.uar:
        return ""
    return gettext_noop(", a difference inside the noise (95 %% interval %(low)s to %(high)s)") % {
        "low": f"{mine.interval[0]:.3f}",
        "high": f"{mine.interval[1]:.3f}",
    }


def _clips(row: Figures) -> str:
    return gettext_noop(" (%(count)s clips)") % {"count": row.clips} if row.clips else ""


def _rows(card: Mapping[str, Any], node: Any, path: tuple[str, ...]) -> Iterator[Figures]:
    if not isinstance(node, Mapping) or any(word.startswith(NO_PROOF) for word in path):
        return
    uar = _number(node, UAR)
    if uar is not None:
        split, digest = _split(card)
        interval = next((node[name] for name in INTERVALS if node.get(name)), None)
        clips = node.get("clips")
        yield Figures(
            protocol=" · ".join((split, *path)),
            data=digest,
            uar=uar,
            ece=_number(node, ECE),
            interval=(float(interval[0]), float(interval[1])) if interval else None,
            clips=int(clips) if isinstance(clips, int) else None,
        )
        return
    for name, inner in node.items():
        yield from _rows(card, inner, (*path, str(name)))


def _split(card: Mapping[str, Any]) -> tuple[str, str]:
    """The name and digest of the clips that the card's figures are about."""
    data = card.get("data") or {}
    if not data:
        return ", ".join(card.get("corpora", ())) or "unknown clips", ""
    return ", ".join(sorted(data)), " ".join(data[name] for name in sorted(data))


def _number(node: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    found = next((node[name] for name in names if isinstance(node.get(name), int | float)), None)
    return None if found is None else float(found)
