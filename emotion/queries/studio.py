"""What to show of training runs: the queue, curves by column, a confusion matrix, runs side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.reasons import told
from emotion import words
from emotion.lanes import LABEL_WORDS
from emotion.ml.labels import LABELS
from emotion.ml.training.comparing import Comparison, NotComparable, compare
from emotion.ml.training.config import TrainingConfig
from emotion.ml.training.estimate import work_of_epoch
from emotion.ml.training.metrics import unweighted_recall
from emotion.models import Device, Epoch, StepCurve, TrainingRun
from emotion.schema import Place, flat, form_of, titles

State = TrainingRun.State
PARTS = ("train", "validation")  # figures that begin so share a chart
HIDDEN = {"steps", "seconds_left"}  # figures that are kept for the run itself
LAST = ("learning_rate", "clips_per_second", "seconds", "memory")  # of the machine, not of the net: charts at the end
SEEN_WITHIN = timedelta(minutes=10)  # a device that no worker has spoken of for longer may be gone
DIGITS = 5  # of figures sent to the browser


# --- The queue ---


@dataclass(frozen=True)
class QueuePlace:
    """place  from 1; ahead  the run that is at work on the device this one waits for"""

    place: int
    ahead: TrainingRun | None


def places(runs: Iterable[TrainingRun]) -> dict[int, QueuePlace]:
    """Where each waiting run stands among those that ask for the same device. Two queries."""
    waiting = list(TrainingRun.objects.filter(state=State.QUEUED).order_by("queued_at", "pk"))
    held = list(TrainingRun.objects.filter(state__in=TrainingRun.HELD).order_by("started_at"))
    found: dict[int, QueuePlace] = {}
    for run in runs:
        same = [other.pk for other in waiting if other.config["device"] == run.config["device"]]
        if run.pk in same:
            found[run.pk] = QueuePlace(same.index(run.pk) + 1, held[0] if held else None)
    return found


def live_devices() -> QuerySet[Device]:
    """What workers said they have, lately."""
    return Device.objects.filter(seen_at__gte=timezone.now() - SEEN_WITHIN)


def rate_of(device: Device | None) -> float | None:
    """Multiply-accumulates a second that the last runs on this device made; None before the first."""
    if device is None:
        return None
    rates = [
        rate for run in TrainingRun.objects.filter(device=device.name, epochs_done__gt=1)[:3] if (rate := _rate(run))
    ]
    return median(rates) if rates else None


def _rate(run: TrainingRun) -> float | None:
    """What a run made of its device, by its epochs' own clips a second."""
    speeds = [figures.get("clips_per_second") for figures in run.epochs.values_list("figures", flat=True)[1:20]]
    known = [speed for speed in speeds if speed]
    clips = {"train": sum(run.split.get("counts", {}).get("train", {}).values())}
    if not known or not clips["train"]:
        return None
    return median(known) * work_of_epoch(TrainingConfig.checked(run.config), clips) / clips["train"]


# --- Curves ---


@dataclass(frozen=True)
class Columns:
    """
    numbers    of the epochs, rising; `phases` are the net's own numbers of theirs
    figures    name → a value for each epoch; None where no number came out
    recalls    label → a value for each epoch; None where the class does not occur
    confusion  (label, guess) on the validation clips, of the last epoch; empty where it was not kept
    warnings   of the last epoch
    """

    numbers: list[int]
    phases: list[int]
    figures: dict[str, list[float | None]]
    recalls: dict[str, list[float | None]]
    confusion: list[list[int]]
    warnings: list[str]


def columns(run: TrainingRun, after: int = 0) -> Columns:
    """The epochs after this one. One query."""
    rows = list(Epoch.objects.filter(run=run, number__gt=after))
    names = list(dict.fromkeys(name for row in rows for name in row.figures))
    tables = [row.confusion for row in rows]
    return Columns(
        numbers=[row.number for row in rows],
        phases=[row.phase for row in rows],
        figures={name: [row.figures.get(name) for row in rows] for name in names if name not in HIDDEN},
        recalls=_recalls(tables) if any(tables) else {},
        confusion=next((table for table in reversed(tables) if table), []),
        warnings=rows[-1].warnings if rows else [],
    )


def best(run: TrainingRun) -> Epoch | None:
    """The epoch whose weights are kept; None before the first."""
    return run.epochs.filter(is_best=True).order_by("number").last()


@dataclass(frozen=True)
class Chart:
    """Series that share a chart: (name of the figure, what to call it)."""

    name: str
    title: str
    series: tuple[tuple[str, str], ...]


def charts(figures: Iterable[str]) -> list[Chart]:
    """Figures of training and validation in pairs, in the order in which they came; the machine's own at the end."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name in figures:
        part, _, rest = name.partition("_")
        title = str(words.PART_WORDS[part]) if part in PARTS else words.figure_word(name)
        groups.setdefault(rest if part in PARTS else name, []).append((name, title))
    order = sorted(groups, key=lambda name: LAST.index(name) if name in LAST else -1)
    return [Chart(name, words.figure_word(name), tuple(groups[name])) for name in order]


def curves(run: TrainingRun, after: int = 0) -> dict[str, Any]:
    """What a page draws, by column: the epochs after the one that it has already."""
    found = columns(run, after)
    step_curve = StepCurve.objects.filter(run=run).first()
    return {
        "after": after,
        "numbers": found.numbers,
        "phases": found.phases,
        "figures": {name: _short(values) for name, values in found.figures.items()},
        "recalls": {name: _short(values) for name, values in found.recalls.items()},
        "label_words": {label: str(word) for label, word in LABEL_WORDS.items()},
        "charts": [
            {"name": chart.name, "title": chart.title, "series": [list(one) for one in chart.series]}
            for chart in charts(found.figures)
        ],
        "steps": step_curve.points if step_curve else {},
        "is_over": run.is_at_rest,
    }


# --- The same as a table ---


@dataclass(frozen=True)
class Table:
    """`heads` of the columns after the epoch's number; `rows` of (number, phase, values), the newest first."""

    heads: list[str]
    rows: list[tuple[int, int, list[float | None]]]


def table(found: Columns) -> Table:
    """Every figure of each epoch."""
    names = [name for chart in charts(found.figures) for name, _title in chart.series]
    by_epoch = zip(*(found.figures[name] for name in names), strict=True) if names else iter(())
    rows = list(zip(found.numbers, found.phases, map(list, by_epoch), strict=True))[::-1]
    return Table([_head(name) for name in names], rows)


def _head(name: str) -> str:
    part, _dash, rest = name.partition("_")
    if part not in PARTS:
        return words.figure_word(name)
    return f"{words.figure_word(rest)}, {words.PART_WORDS[part]}"


# --- The config ---


@dataclass(frozen=True)
class Setting:
    title: str
    value: str
    is_usual: bool


def config_rows(values: Mapping[str, Any]) -> list[tuple[str, list[Setting]]]:
    """What was set, by group; first of all what differs from what a config is when nobody says anything."""
    groups = form_of(TrainingConfig, values, own=_("Training"))
    given, usual = flat(values), flat(TrainingConfig().model_dump(mode="json"))
    rows: list[tuple[str, list[Setting]]] = []
    for whole in groups:
        for group in whole.groups():
            places = [part for part in group.parts if isinstance(part, Place) and part.name in given]
            settings = [
                Setting(place.title, _shown(place, given[place.name]), given[place.name] == usual.get(place.name))
                for place in places
            ]
            if settings:
                rows.append((group.title, settings))
    return rows


def differences(configs: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Each setting in which the configs differ, with the value that each of them has; empty where it has none."""
    names: dict[str, Place] = {}
    called: dict[str, str] = {}
    for values in configs:
        groups = form_of(TrainingConfig, values, own="")
        names |= {place.name: place for group in groups for place in group.places()}
        called |= titles(groups)
    given = [flat(values) for values in configs]
    return [
        (called[name], [_shown(place, each[name]) if name in each else "" for each in given])
        for name, place in names.items()
        if any(each.get(name) != given[0].get(name) for each in given)
    ]


def _shown(place: Place, value: Any) -> str:
    if place.kind == "yes":
        return _("yes") if value else _("no")
    return next((title for each, title in place.choices if each == value), str(place.write(value))) or _("none")


def _recalls(tables: Sequence[Sequence[Sequence[int]]]) -> dict[str, list[float | None]]:
    def recall(table: Sequence[Sequence[int]], place: int) -> float | None:
        total = sum(table[place]) if table else 0
        return table[place][place] / total if total else None

    return {label: [recall(table, place) for table in tables] for place, label in enumerate(LABELS)}


def _short(values: Iterable[float | None]) -> list[float | None]:
    return [None if value is None else float(f"{value:.{DIGITS}g}") for value in values]


# --- The confusion matrix ---


@dataclass(frozen=True)
class Cell:
    count: int
    share: float  # of the row's clips
    is_right: bool

    @property
    def level(self) -> int:
        """0 to 9, for a shade."""
        return min(9, int(self.share * 10))


@dataclass(frozen=True)
class ConfusionRow:
    label: Any
    total: int
    cells: tuple[Cell, ...]

    @property
    def recall_percent(self) -> int | None:
        right = next(cell for cell in self.cells if cell.is_right)
        return round(100 * right.share) if self.total else None


def confusion_rows(table: Sequence[Sequence[int]]) -> list[ConfusionRow]:
    return [
        ConfusionRow(
            label=LABEL_WORDS[label],
            total=sum(row),
            cells=tuple(
                Cell(count, count / sum(row) if sum(row) else 0.0, place == column) for column, count in enumerate(row)
            ),
        )
        for place, (label, row) in enumerate(zip(LABELS, table, strict=True))
    ]


# --- The split ---


def split_rows(split: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row a label, with the clips of each part, and one with their sums."""
    counts = split.get("counts", {})
    rows: list[dict[str, Any]] = []
    for label, word in LABEL_WORDS.items():
        clips = [counts.get(part, {}).get(label, 0) for part in words.PART_WORDS]
        if any(clips):
            rows.append({"label": word, "counts": clips})
    return [
        *rows,
        {"label": _("all"), "counts": [sum(column) for column in zip(*(r["counts"] for r in rows), strict=True)]},
    ]


# --- Runs side by side ---


@dataclass(frozen=True)
class Tested:
    """What a run came to on its test clips.

    figures   by name, of the row that is compared
    interval  of the UAR, 95 % over actors; None where it was not computed
    actors    UAR by speaker
    """

    run: TrainingRun
    figures: Mapping[str, float]
    interval: tuple[float, float] | None
    actors: Mapping[str, float]


def comparison(runs: Sequence[TrainingRun]) -> dict[str, Any]:
    """Everything about two or more runs that a page puts side by side."""
    row = _shared_row(runs)
    tested = [_tested(run, row) for run in runs]
    names = list(dict.fromkeys(name for one in tested for name in one.figures))
    speakers = sorted({speaker for one in tested for speaker in one.actors})
    return {
        "differences": differences([run.config for run in runs]),
        "row": row,
        "tested": tested,
        "figures": [(name, [one.figures.get(name) for one in tested]) for name in names],
        "actors": [(speaker, [one.actors.get(speaker) for one in tested]) for speaker in speakers],
        "verdicts": [(runs[0], other, _verdict(runs[0], other, row)) for other in runs[1:]],
    }


def _shared_row(runs: Sequence[TrainingRun]) -> str:
    """The row of the test reports that all of them have, first of all the one with every channel."""
    rows = [list(run.results.get("predictions", {}).get("guesses", {})) for run in runs if run.results]
    shared = [row for row in (rows[0] if rows else []) if all(row in others for others in rows)]
    return shared[0] if shared else ""


def _tested(run: TrainingRun, row: str) -> Tested:
    figures = run.results.get("test", {}).get(row, {})
    interval = run.results.get("intervals", {}).get(row)
    plain = {name: value for name, value in figures.items() if isinstance(value, float)}
    return Tested(run, plain, tuple(interval) if interval else None, _by_actor(run, row))


def _by_actor(run: TrainingRun, row: str) -> dict[str, float]:
    told = run.results.get("predictions", {})
    if row not in told.get("guesses", {}):
        return {}
    clips = list(zip(told["speakers"], told["labels"], told["guesses"][row], strict=True))
    each = {speaker: [clip[1:] for clip in clips if clip[0] == speaker] for speaker in dict.fromkeys(told["speakers"])}
    return {speaker: unweighted_recall(*zip(*pairs, strict=True)) for speaker, pairs in each.items()}


def _verdict(first: TrainingRun, second: TrainingRun, row: str) -> Comparison | str:
    """A comparison, or a sentence that says why there is none."""
    for run in (first, second):
        if not run.results:
            return _("%(name)s is not done, so it has no test results yet.") % {"name": run.name}
    try:
        return compare(first.results.get("predictions", {}), second.results.get("predictions", {}), row)
    except NotComparable as error:
        return told(str(error))
