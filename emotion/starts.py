"""What a new config may start from: a published recipe, a kept config, an earlier run, or a first try of a minute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from emotion.ml.training.config import TrainingConfig
from emotion.ml.training.kinds import NET_TITLES
from emotion.ml.training.presets import RECIPES, preset
from emotion.models import SavedConfig, TrainingRun

RECENT = 20  # runs
# Small enough for two cores, and good enough to see a curve fall.
FIRST_TRY: Mapping[str, Any] = {
    "corpus": {"name": "made", "actors": 6},
    "net": {"name": "lt", "width": 0.125, "side": 32},
    "epochs": 12,
    "batch_size": 16,
    "learning_rate": 0.003,
}


@dataclass(frozen=True)
class Start:
    """`values` are nested as TrainingConfig has them; `saved` is the kept config that they are of."""

    values: dict[str, Any]
    title: str = ""
    saved: SavedConfig | None = None


def options() -> list[tuple[str, list[tuple[str, str]]]]:
    """(what kind, [(its name in an address, what to call it)]), for a choice."""
    kept = [(f"saved:{config.pk}", config.name) for config in SavedConfig.objects.all()]
    earlier = [(f"run:{pk}", name) for pk, name in TrainingRun.objects.values_list("pk", "name")[:RECENT]]
    recipes = [(f"recipe:{net}", title) for net, title in NET_TITLES.items() if net in RECIPES]
    groups = [
        (_("To begin with"), [("first", _("A first try: a small net on made clips, about a minute"))]),
        (_("Kept configs"), kept),
        (_("Earlier runs"), earlier),
        (_("Published recipes"), recipes),
    ]
    return [(kind, choices) for kind, choices in groups if choices]


def load(name: str) -> Start | None:
    """None for a name that is not, or no longer, one of the options."""
    kind, _colon, which = name.partition(":")
    if kind == "first":
        return Start(TrainingConfig.checked(dict(FIRST_TRY)).model_dump(mode="json"), _("First try"))
    if kind == "recipe" and which in RECIPES:
        return Start(preset(which).model_dump(mode="json"), NET_TITLES[which])  # type: ignore[arg-type, index]
    if kind == "saved" and which.isdigit():
        saved = SavedConfig.objects.filter(pk=int(which)).first()
        return Start(saved.values, saved.name, saved) if saved else None
    if kind == "run" and which.isdigit():
        run = TrainingRun.objects.filter(pk=int(which)).first()
        return Start(run.config, run.name) if run else None
    return None
