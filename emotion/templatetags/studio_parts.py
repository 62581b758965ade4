"""How the training pages write numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from clinic.reasons import told
from emotion.models import TrainingRun

register = template.Library()


@register.simple_tag
def unfinished_runs() -> QuerySet[TrainingRun]:
    """Those at work, then those that wait, in their order."""
    return TrainingRun.objects.exclude(state__in=TrainingRun.AT_REST).order_by("-state", "queued_at")


@register.filter
def of(values: Mapping[Any, Any] | None, key: Any) -> Any:
    """The value under a key that is itself a variable; nothing where there is none."""
    return values.get(key) if values else None


@register.filter
def setting_word(title: str) -> str:
    """What a group of settings is called; of several alike, with its number."""
    name, _colon, number = title.rpartition(": ")
    return f"{told(name)}: {number}" if name and number.isdigit() else told(title)


@register.filter
def percent(share: float | None) -> int:
    return round(100 * (share or 0))


@register.filter
def figure(value: float | None) -> str:
    """Three digits that say something, whatever the size."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if value and (abs(value) < 0.001 or abs(value) >= 1e6):
        return f"{value:.2e}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}" if abs(value) < 1000 else f"{value:,.0f}"


@register.filter
def thousands(count: int) -> str:
    return f"{count:,}"


@register.filter
def duration(seconds: float | None) -> str:
    """The two largest units: 3 h 20 min."""
    whole = round(seconds or 0)
    parts = [(whole // 86400, _("d")), (whole // 3600 % 24, _("h")), (whole // 60 % 60, _("min")), (whole % 60, _("s"))]
    first = next((place for place, (count, _unit) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2])


@register.filter
def device_name(name: str) -> str:
    """Without its host."""
    return name.rpartition("/")[2]


@register.filter
def points(share: float) -> str:
    return f"{abs(100 * share):.1f}"


@register.filter
def signed_points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")


@register.filter
def figure_names(tests: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The plain figures that test reports have, in their order."""
    found = (name for figures in tests.values() for name, value in figures.items() if isinstance(value, (int, float)))
    return list(dict.fromkeys(found))
