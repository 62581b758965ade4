"""Readings kept: how face and voice changed over a recording, and the pack that read it."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class StoredReading(models.Model):
    """One reading of one recording. `emotion` knows recordings, not patients: `recording` is only their id."""

    recording = models.UUIDField(unique=True)
    pack = models.CharField(max_length=40)  # the pack's name
    pack_sha256 = models.CharField(max_length=64)
    versions = models.JSONField(default=dict)  # detector, nets, libraries
    rate = models.FloatField()  # points a second
    duration = models.FloatField()  # seconds
    summary = models.JSONField(default=dict)  # counts only: points, gaps by reason
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("stored reading")
        verbose_name_plural = _("stored readings")


class TimelineSegment(models.Model):
    """Up to ten seconds of timeline points, sealed with the key of whoever owns the recording."""

    SECONDS = 10

    reading = models.ForeignKey(StoredReading, on_delete=models.CASCADE, related_name="segments")
    start = models.FloatField()  # seconds
    sealed = models.BinaryField()

    class Meta:
        ordering = ["start"]
        constraints = [models.UniqueConstraint(fields=["reading", "start"], name="one_segment_a_start")]
