"""What the pages of the room below show about models."""

from typing import Any

from django import template
from django.db.models import Count, Max, QuerySet
from django.utils.translation import gettext_lazy as _

from emotion.models import StoredReading, Trial
from emotion.models.registry import PART_WORDS

register = template.Library()

CHECK_WORDS = {
    "figures": _("figures"),
    "calibration": _("calibration"),
    "contamination": _("contamination"),
    "against the serving pack": _("against the serving pack"),
}


@register.simple_tag
def packs_in_use() -> QuerySet:
    """Each pack that has read a recording, the latest used first."""
    kept = StoredReading.objects.exclude(recording__in=Trial.objects.values("pk"))
    packs = kept.values("pack", "pack_sha256")
    return packs.annotate(readings=Count("pk"), last=Max("created_at")).order_by("-last")


@register.filter
def part_word(part: str) -> Any:
    """What a person calls a part of a pack."""
    return PART_WORDS.get(part, part)


@register.filter
def check_word(name: str) -> Any:
    """What a person calls one of the gate's checks."""
    return CHECK_WORDS.get(name, name)
