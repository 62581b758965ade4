"""What the pages of the room below show about models."""

from django import template
from django.db.models import Count, Max, QuerySet

from emotion.models import StoredReading

register = template.Library()


@register.simple_tag
def packs_in_use() -> QuerySet:
    """Each pack that has read a recording, the latest used first."""
    packs = StoredReading.objects.values("pack", "pack_sha256")
    return packs.annotate(readings=Count("pk"), last=Max("created_at")).order_by("-last")
