"""Instruments as data, and their scoring: pure, exact, without rows. Each file of `interviews/instruments/` is one.

A total is a count of points on a questionnaire. It is never a diagnosis: bands bear the scale's own names. Where a
scored item has no answer there is no total, and nothing is made up for what is missing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from interviews import risk
from interviews.errors import InstrumentRefused

FOLDER = Path(__file__).parent / "instruments"
OFFICIAL, UNOFFICIAL, SKELETON, CLINIC = "official", "unofficial", "skeleton", "clinic"
WORDINGS: dict[str, Promise] = {
    OFFICIAL: gettext_lazy("the publisher's wording"),
    UNOFFICIAL: gettext_lazy("an unofficial translation, not validated: to be checked by the clinic"),
    SKELETON: gettext_lazy("numbers only: the wording is not included"),
    CLINIC: gettext_lazy("wording brought by the clinic"),
}
# Names of bands that ship with the project, in the reader's language; any other is shown as it was typed.
BAND_WORDS: dict[str, Promise] = {
    "minimal": pgettext_lazy("band of a scale", "minimal"),
    "mild": pgettext_lazy("band of a scale", "mild"),
    "moderate": pgettext_lazy("band of a scale", "moderate"),
    "moderately severe": pgettext_lazy("band of a scale", "moderately severe"),
    "severe": pgettext_lazy("band of a scale", "severe"),
}
MOST_ITEMS, MOST_VALUE = 200, 100
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


@dataclass(frozen=True)
class Option:
    value: int
    text: str
    spoken: tuple[str, ...] = ()  # other ways to say it


@dataclass(frozen=True)
class Item:
    """`is_scored`: whether it counts into the total. `flagged_above`: the answer that calls for a person at once."""

    number: int
    text: str
    options: tuple[Option, ...]
    licence: str
    is_scored: bool = True
    flagged_above: int | None = None

    def option(self, value: int) -> Option | None:
        return next((option for option in self.options if option.value == value), None)

    def calls_for_a_person(self, value: int | None) -> bool:
        return value is not None and self.flagged_above is not None and value > self.flagged_above


@dataclass(frozen=True)
class Range:
    """From `least` to `most`, both included, under the scale's own name; of a cut-point the name stays empty."""

    least: int
    most: int
    name: str = ""

    @property
    def label(self) -> str:
        return str(BAND_WORDS.get(self.name, self.name))


@dataclass(frozen=True)
class Cluster:
    name: str
    title: str
    items: tuple[int, ...]


@dataclass(frozen=True)
class Definition:
    """Everything that is known of an instrument in one language."""

    slug: str
    name: str
    title: str
    language: str
    wording: str  # one of WORDINGS
    licence: str
    source: str
    recall: str
    stem: str
    items: tuple[Item, ...]
    bands: tuple[Range, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    cut: Range | None = None
    usual_for: tuple[str, ...] = ()  # ICD-10 codes of disorders it is often used with

    @property
    def most(self) -> int:
        """The highest total there can be."""
        return _highest(item for item in self.items if item.is_scored)

    def item(self, number: int) -> Item:
        return next(item for item in self.items if item.number == number)


@dataclass(frozen=True)
class ClusterScore:
    name: str
    title: str
    score: int | None
    most: int


@dataclass(frozen=True)
class Score:
    """`total` is None while scored items are missing; `band` says where the total lies, in the scale's own words."""

    total: int | None
    most: int
    band: str
    clusters: tuple[ClusterScore, ...]
    missing: tuple[int, ...]


def score(definition: Definition, answers: Mapping[int, int | None]) -> Score:
    """The sum of the scored items, by their numbers. Raises InstrumentRefused for a value that is no option."""
    for number, value in answers.items():
        if value is not None and definition.item(number).option(value) is None:
            raise InstrumentRefused(
                _("%(value)s is no answer to item %(number)s.") % {"value": value, "number": number}
            )
    scored = [item for item in definition.items if item.is_scored]
    missing = tuple(item.number for item in scored if answers.get(item.number) is None)
    total = None if missing else _sum(scored, answers)
    return Score(
        total=total,
        most=definition.most,
        band="" if total is None else place(definition, total),
        clusters=tuple(_cluster(definition, cluster, answers) for cluster in definition.clusters),
        missing=missing,
    )


def place(definition: Definition, total: int) -> str:
    """The band of a total, or on which side of the often used cut-point it lies; empty where there is neither."""
    for band in definition.bands:
        if band.least <= total <= band.most:
            return band.label
    cut = definition.cut
    if cut is None:
        return ""
    values = {"least": cut.least, "most": cut.most}
    if total < cut.least:
        return _("below the often used cut-point (%(least)s to %(most)s)") % values
    if total > cut.most:
        return _("above the often used cut-point (%(least)s to %(most)s)") % values
    return _("within the often used cut-point (%(least)s to %(most)s)") % values


@cache
def shipped() -> tuple[Definition, ...]:
    """What comes with the project, by name and language."""
    found = [parse(json.loads(path.read_text())) for path in sorted(FOLDER.glob("*.json"))]
    return tuple(sorted(found, key=lambda one: (one.name, one.language != "en", one.language)))


def parse(told: Any) -> Definition:
    """An instrument from JSON. Raises InstrumentRefused with a sentence for whoever wrote it."""
    try:
        made = _parse(told)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        sentence = _("This is no instrument: %(why)s is missing or not as it should be.")
        raise InstrumentRefused(sentence % {"why": error}) from error
    _check(made)
    return made


def as_json(definition: Definition) -> dict[str, Any]:
    """What `parse` reads back into the same."""
    shared = definition.items[0].options
    told: dict[str, Any] = {
        name: getattr(definition, name)
        for name in ("slug", "name", "title", "language", "wording", "licence", "source", "recall", "stem")
    }
    return told | {
        "usual_for": list(definition.usual_for),
        "options": _options_json(shared),
        "items": [_item_json(item, shared) for item in definition.items],
        "bands": [{"least": band.least, "most": band.most, "name": band.name} for band in definition.bands],
        "clusters": [{"name": one.name, "title": one.title, "items": list(one.items)} for one in definition.clusters],
        "cut": {"least": definition.cut.least, "most": definition.cut.most} if definition.cut else None,
    }


def without_words(definition: Definition) -> bool:
    """Whether some of what a patient would read is missing."""
    texts = [item.text for item in definition.items] + [
        option.text for item in definition.items for option in item.options
    ]
    return not all(text.strip() for text in texts)


def _parse(told: Any) -> Definition:
    shared, licence = _options(told["options"]), str(told["licence"])
    cut = told.get("cut")
    return Definition(
        **{name: str(told[name]).strip() for name in ("slug", "name", "title", "language", "wording", "source")},
        licence=licence.strip(),
        recall=str(told.get("recall", "")),
        stem=str(told.get("stem", "")),
        items=tuple(_item(one, shared, licence) for one in told["items"]),
        bands=tuple(Range(int(one["least"]), int(one["most"]), str(one["name"])) for one in told.get("bands") or ()),
        clusters=tuple(
            Cluster(str(one["name"]), str(one["title"]), tuple(map(int, one["items"])))
            for one in told.get("clusters") or ()
        ),
        cut=Range(int(cut["least"]), int(cut["most"])) if cut else None,
        usual_for=tuple(map(str, told.get("usual_for") or ())),
    )


def _item(told: Any, shared: tuple[Option, ...], licence: str) -> Item:
    above = told.get("flagged_above")
    return Item(
        number=int(told["number"]),
        text=str(told.get("text", "")).strip(),
        options=_options(told["options"]) if told.get("options") else shared,
        licence=str(told.get("licence") or licence).strip(),
        is_scored=bool(told.get("scored", True)),
        flagged_above=None if above is None else int(above),
    )


def _options(told: Iterable[Any]) -> tuple[Option, ...]:
    return tuple(
        Option(int(one["value"]), str(one.get("text", "")).strip(), tuple(map(str, one.get("spoken") or ())))
        for one in told
    )


def _item_json(item: Item, shared: tuple[Option, ...]) -> dict[str, Any]:
    told: dict[str, Any] = {"number": item.number, "text": item.text, "licence": item.licence}
    if not item.is_scored:
        told["scored"] = False
    if item.flagged_above is not None:
        told["flagged_above"] = item.flagged_above
    if item.options != shared:
        told["options"] = _options_json(item.options)
    return told


def _options_json(options: Iterable[Option]) -> list[dict[str, Any]]:
    return [{"value": one.value, "text": one.text, "spoken": list(one.spoken)} for one in options]


def _check(made: Definition) -> None:
    numbers = [item.number for item in made.items]
    faults = {
        _("It has no name, or one that is too long."): not SLUG.fullmatch(made.slug) or not 0 < len(made.name) <= 60,
        _("It does not say under which licence it may be used."): not made.licence,
        _("Its kind of wording is not known."): made.wording not in WORDINGS,
        _("Its items are not numbered from 1."): not numbers or numbers != list(range(1, len(numbers) + 1)),
        _("It has too many items."): len(numbers) > MOST_ITEMS,
        _("An item has fewer than two different answers."): any(not _has_choice(item) for item in made.items),
        _("None of its items counts into the total."): not any(item.is_scored for item in made.items),
        _("A cluster names an item that is not there."): any(set(one.items) - set(numbers) for one in made.clusters),
        _("Its bands leave gaps or overlap."): bool(made.bands) and not _fit(made),
        _("Some of its words are missing: without words it is a skeleton."): made.wording != SKELETON
        and without_words(made),
    }
    for sentence, is_true in faults.items():
        if is_true:
            raise InstrumentRefused(sentence)


def _has_choice(item: Item) -> bool:
    values = [option.value for option in item.options]
    return len(values) > 1 and len(set(values)) == len(values) and min(values) >= 0 and max(values) <= MOST_VALUE


def _fit(made: Definition) -> bool:
    """Whether the bands cover each total from the lowest to the highest once, in order."""
    lowest = sum(min(option.value for option in item.options) for item in made.items if item.is_scored)
    covered = [total for band in made.bands for total in range(band.least, band.most + 1)]
    return covered == list(range(lowest, made.most + 1))


def _highest(items: Iterable[Item]) -> int:
    return sum(max(option.value for option in item.options) for item in items)


def _sum(items: Iterable[Item], answers: Mapping[int, int | None]) -> int:
    return sum(answers[item.number] or 0 for item in items)


def _cluster(definition: Definition, cluster: Cluster, answers: Mapping[int, int | None]) -> ClusterScore:
    items = [definition.item(number) for number in cluster.items]
    is_whole = all(answers.get(item.number) is not None for item in items)
    return ClusterScore(cluster.name, cluster.title, _sum(items, answers) if is_whole else None, _highest(items))


def finding(item: Item, value: int) -> risk.Finding:
    """What an answer that calls for a person is, beside the phrases: it has no seconds."""
    option = item.option(value)
    return risk.Finding(risk.SELF, option.text if option else str(value), 0.0, 0.0)
