"""What the admin sees of instruments: those that could be installed, and the words of one, to be typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from interviews import scales
from interviews.models import Instrument


@dataclass(frozen=True)
class WordField:
    """One text of an instrument: `number` of the item, `points` of the answer it belongs to, where it does."""

    name: str
    value: str
    number: int | None = None
    points: int | None = None

    @property
    def is_long(self) -> bool:
        return self.name in ("stem", "source") or (self.number is not None and self.points is None)


def not_installed() -> list[scales.Definition]:
    """What ships with the project and of which this clinic has no version."""
    there = set(Instrument.objects.values_list("slug", "language"))
    return [one for one in scales.shipped() if (one.slug, one.language) not in there]


def words_to_type(definition: scales.Definition, typed: Mapping[str, str]) -> list[WordField]:
    """Every text, as it stands or as it was typed just now."""
    shared = definition.items[0].options
    fields = [WordField(name, getattr(definition, name)) for name in ("licence", "source", "recall", "stem")]
    fields += [WordField(f"option-{one.value}", one.text, points=one.value) for one in shared]
    for item in definition.items:
        fields.append(WordField(f"item-{item.number}", item.text, item.number))
        if item.options != shared:
            own = [(f"item-{item.number}-option-{one.value}", one) for one in item.options]
            fields += [WordField(name, one.text, item.number, one.value) for name, one in own]
    return [WordField(one.name, typed.get(one.name, one.value), one.number, one.points) for one in fields]
