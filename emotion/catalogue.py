"""The models that can be had: what each is, what it learned from, under which licence, and where it comes from."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

LIST = Path(__file__).with_name("catalogue.toml")
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

KIND_WORDS: dict[str, Promise] = {
    "face": _("face"),
    "voice": _("voice"),
    "words": _("words"),
    "speech": _("speech to text"),
    "language": _("language model"),
}


class WrongCatalogue(ValueError):
    """The list itself is not as it must be."""


@dataclass(frozen=True)
class File:
    """`size` in bytes and `sha256` as the publisher gives them; empty where nobody does."""

    name: str
    url: str
    size: int | None = None
    sha256: str = ""


@dataclass(frozen=True)
class Model:
    """The fields are explained at the top of catalogue.toml."""

    name: str
    title: str
    kind: str
    licence: str
    origin: str
    use: str
    trained_on: tuple[str, ...]
    contaminates: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    about: str = ""
    files: tuple[File, ...] = ()
    unpack: str = ""
    elsewhere: str = field(default="")

    @property
    def kind_word(self) -> Promise:
        return KIND_WORDS[self.kind]

    @property
    def has_published_checksums(self) -> bool:
        return bool(self.files) and all(file.sha256 for file in self.files)


def models() -> tuple[Model, ...]:
    """The project's list, or the clinic's own in its place. Raises WrongCatalogue."""
    return read(settings.MODEL_CATALOGUE or LIST)


def find(name: str) -> Model | None:
    return next((model for model in models() if model.name == name), None)


def contaminated_by(start: str) -> tuple[str, ...]:
    """The corpora that a net has seen which starts from these weights: a hub id, a file's name or a path."""
    wanted = {start, Path(start).name, Path(start).parent.name}
    known = (
        model for model in models() if wanted & {model.name, *model.aliases, *(file.name for file in named(model))}
    )
    return tuple(corpus for model in known for corpus in model.contaminates)


def named(model: Model) -> tuple[File, ...]:
    """The files whose names say which model they are; every second model has a config.json."""
    return model.files if len(model.files) == 1 else ()


@lru_cache(maxsize=4)
def read(path: Path) -> tuple[Model, ...]:
    """Raises WrongCatalogue."""
    found = tuple(_model(entry) for entry in tomllib.loads(path.read_text())["model"])
    names = [model.name for model in found]
    if len(set(names)) < len(names):
        raise WrongCatalogue("Two models have one name.")
    return found


def _model(entry: dict[str, Any]) -> Model:
    lists = {name: tuple(entry.get(name, ())) for name in ("trained_on", "contaminates", "aliases")}
    files = tuple(File(**file) for file in entry.get("files", ()))
    model = Model(**{**entry, **lists, "files": files})
    for name in (model.name, *(file.name for file in files), *([model.unpack] if model.unpack else [])):
        if not PLAIN_NAME.fullmatch(name):
            raise WrongCatalogue(f"{name!r} is no plain name.")
    if model.kind not in KIND_WORDS or bool(files) == bool(model.elsewhere):
        raise WrongCatalogue(f"{model.name}: an unknown kind, or neither files nor a word on where else it is.")
    return model
