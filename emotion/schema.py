"""A pydantic config as what a form needs: groups of places to fill in, from its JSON schema alone.

Names are dotted, as in the errors of the config: "net.name", "phases.0.epochs". No Django and no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

Kind = Literal["choice", "yes", "whole", "number", "numbers", "text"]
KINDS: Mapping[str, Kind] = {"boolean": "yes", "integer": "whole", "number": "number", "array": "numbers"}


@dataclass(frozen=True)
class Place:
    """One value to fill in.

    choices      (value, what to call it), for a choice
    only         (the name of another place, the values of it with which this one matters)
    least, most  bounds that the value may have; `above` and `below` bounds that it may not
    """

    name: str
    kind: Kind
    title: str
    help: str = ""
    default: Any = None
    is_optional: bool = False
    choices: tuple[tuple[Any, str], ...] = ()
    examples: tuple[str, ...] = ()
    only: tuple[tuple[str, tuple[str, ...]], ...] = ()
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    multiple: float | None = None

    def read(self, typed: str) -> Any:
        """What was typed as the config takes it; as it is, where it is no number, for the config to object to."""
        typed = typed.strip()
        if self.kind == "choice":
            return next((value for value, _ in self.choices if str(value) == typed), typed)
        if self.kind == "numbers":
            return [_number(part, int) for part in typed.replace(",", " ").split()]
        if typed == "" and self.is_optional:
            return None
        return _number(typed, {"whole": int, "number": float}.get(self.kind, str))

    def write(self, value: Any) -> Any:
        """The value as a form shows it."""
        if self.kind == "numbers":
            return ", ".join(str(each) for each in value or ())
        if self.kind == "yes":
            return bool(value)
        if isinstance(value, float):
            return f"{value:g}" if float(f"{value:g}") == value else repr(value)
        return "" if value is None else str(value)


@dataclass(frozen=True)
class Group:
    """Places that belong together. A repeated one has a group for each item, "phases.0" and on."""

    name: str
    title: str
    help: str = ""
    parts: tuple[Place | Group, ...] = ()
    is_optional: bool = False
    is_repeated: bool = False
    most: int | None = None  # items
    only: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def places(self) -> Iterator[Place]:
        for part in self.parts:
            yield from part.places() if isinstance(part, Group) else (part,)

    def groups(self) -> Iterator[Group]:
        """Itself and all inside of it."""
        yield self
        for part in self.parts:
            if isinstance(part, Group):
                yield from part.groups()

    def read(self, typed: Mapping[str, str]) -> Any:
        """What was typed, as nested values; None for an optional group in which nothing was typed."""
        if self.is_repeated:
            return [part.read(typed) for part in self.parts if isinstance(part, Group)]
        if self.is_optional and not any(typed.get(place.name, "").strip() for place in self.places()):
            return None
        return {_last(part.name): value for part in self.parts for value in self.read_part(part, typed)}

    def read_part(self, part: Place | Group, typed: Mapping[str, str]) -> Iterable[Any]:
        """One value, or none where it is left to its default: in an optional group, or where it does not matter."""
        if not matters(part, typed):
            return []
        if isinstance(part, Group):
            return [part.read(typed)]
        if part.kind == "yes":
            return [part.name in typed]
        if self.is_optional and not typed.get(part.name, "").strip():
            return []
        return [part.read(typed.get(part.name, ""))]


def form_of(model: type[BaseModel], values: Mapping[str, Any], own: str) -> list[Group]:
    """The groups of a model, with as many items of the repeated ones as the values have.

    own     what to call the group of the values that belong to the model itself; it stands after the groups that the
            model names before the first such value
    """
    schema = model.model_json_schema()
    parts = _parts(schema, schema.get("$defs", {}), "", values)
    plain = tuple(part for part in parts if isinstance(part, Place))
    first = parts.index(plain[0]) if plain else 0
    nested = [part for part in parts if isinstance(part, Group)]
    before = [group for group in nested if parts.index(group) < first]
    return [*before, Group("", own, parts=plain), *nested[len(before) :]]


def read(groups: Iterable[Group], typed: Mapping[str, str]) -> dict[str, Any]:
    """What was typed in all of them, as nested values. What does not matter is left out."""
    values: dict[str, Any] = {}
    for group in groups:
        if matters(group, typed):
            values |= {group.name: group.read(typed)} if group.name else group.read(typed)
    return values


def matters(part: Place | Group, typed: Mapping[str, str]) -> bool:
    """Whether the other places have values with which this one counts."""
    return all(typed.get(name, "").strip() in values for name, values in part.only)


def flat(values: Any, name: str = "") -> dict[str, Any]:
    """Nested values by dotted name; a list of plain values stays whole."""
    if isinstance(values, Mapping):
        items: Iterable[tuple[Any, Any]] = values.items()
    elif isinstance(values, (list, tuple)) and any(isinstance(item, Mapping) for item in values):
        items = enumerate(values)
    else:
        return {name: values}
    return {key: value for part, inner in items for key, value in flat(inner, _joined(name, part)).items()}


def titles(groups: Iterable[Group]) -> dict[str, str]:
    """What each place is called, its group's name in front."""
    return {
        place.name: f"{group.title}: {place.title}" if group.name else place.title
        for whole in groups
        for group in whole.groups()
        for place in group.parts
        if isinstance(place, Place)
    }


def _parts(schema: Mapping[str, Any], known: Mapping[str, Any], name: str, values: Any) -> tuple[Place | Group, ...]:
    given = values if isinstance(values, Mapping) else {}
    inside = schema["properties"]
    return tuple(
        _part(inner, known, _joined(name, part), given.get(part), _only(inner, inside, name))
        for part, inner in inside.items()
    )


def _only(schema: Mapping[str, Any], beside: Mapping[str, Any], group: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """A name of something beside it, or a whole name."""
    named = schema.get("only", {}).items()
    return tuple((_joined(group, name) if name in beside else name, tuple(values)) for name, values in named)


def _part(schema: Mapping[str, Any], known: Mapping[str, Any], name: str, value: Any, only: Any) -> Place | Group:
    kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
    is_optional = len(kinds) < len(schema.get("anyOf", [schema]))
    inner = kinds[0]
    shown: dict[str, Any] = {"title": schema.get("title", name), "help": schema.get("description", "")}
    shown |= {"is_optional": is_optional, "only": only}
    if "$ref" in inner:
        return Group(name, parts=_parts(_known(inner, known), known, name, value), **shown)
    if "$ref" in inner.get("items", {}):
        items = value if isinstance(value, (list, tuple)) else ()
        each = _known(inner["items"], known)
        parts = tuple(
            Group(
                f"{name}.{number}", f"{shown['title']}: {number + 1}", parts=_parts(each, known, f"{name}.{number}", i)
            )
            for number, i in enumerate(items)
        )
        return Group(name, parts=parts, is_repeated=True, most=inner.get("maxItems"), **shown)
    return _place(name, {**schema, **inner}, shown)


def _place(name: str, schema: Mapping[str, Any], shown: dict[str, Any]) -> Place:
    words = schema.get("titles", {})
    choices = schema.get("enum", [schema["const"]] if "const" in schema else [])
    return Place(
        name=name,
        kind="choice" if choices else KINDS.get(schema.get("type", ""), "text"),
        default=schema.get("default"),
        choices=tuple((value, words.get(value, str(value))) for value in choices),
        examples=tuple(str(each) for each in schema.get("examples", ())),
        least=schema.get("minimum"),
        most=schema.get("maximum"),
        above=schema.get("exclusiveMinimum"),
        below=schema.get("exclusiveMaximum"),
        multiple=schema.get("multipleOf"),
        **shown,
    )


def _known(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Mapping[str, Any]:
    return known[schema["$ref"].rsplit("/", 1)[-1]]


def _joined(name: str, part: Any) -> str:
    return f"{name}.{part}" if name else str(part)


def _last(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def _number(text: str, kind: Any) -> Any:
    try:
        return kind(text)
    except ValueError:
        return text
