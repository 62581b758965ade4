"""A training config as the TOML that the command line takes: every value, so that later defaults change nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from emotion.ml.training.config import TrainingConfig

NONE = "none"  # TOML has no word for "no value"


def to_toml(config: TrainingConfig) -> str:
    """`TrainingConfig.from_toml` reads an equal config back from it."""
    return "\n".join(_lines(config.model_dump(mode="json"), TrainingConfig().model_dump(mode="json"))) + "\n"


def _lines(table: Mapping[str, Any], usual: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Plain values first: in TOML what follows a table's header belongs to that table."""
    for name, value in table.items():
        if value is None:
            if usual.get(name) is not None:
                yield f'{name} = "{NONE}"'
        elif not isinstance(value, Mapping) and not _is_tables(value):
            yield f"{name} = {_value(value)}"
    for name, value in table.items():
        inner = f"{path}{name}"
        if isinstance(value, Mapping):
            yield f"\n[{inner}]"
            yield from _lines(value, usual.get(name) or {}, f"{inner}.")
        elif _is_tables(value):
            for item in value:
                yield f"\n[[{inner}]]"
                yield from _lines(item, {}, f"{inner}.")


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_value(each) for each in value)}]"
    # JSON's numbers, words and quoted strings are TOML's, too.
    return json.dumps(value, ensure_ascii=False)
