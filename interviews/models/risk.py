"""Words that call for a person, and who answered the call."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from interviews.models.answers import Answer


class RiskFlag(models.Model):
    """An answer in which words were found that call for a person. It stays until a clinician says that she saw it."""

    answer = models.OneToOneField(Answer, on_delete=models.CASCADE, related_name="risk_flag")
    sealed = models.BinaryField()  # [{"kind", "words", "start", "end"}]
    raised_at = models.DateTimeField(auto_now_add=True)
    mailed_at = models.DateTimeField(null=True, blank=True)  # to the patient's clinician
    escalated_at = models.DateTimeField(null=True, blank=True)  # to somebody else, for want of an answer
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    sealed_note = models.BinaryField(default=bytes, blank=True)  # what she did

    class Meta:
        ordering = ["raised_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(acknowledged_at__isnull=True) | Q(acknowledged_by__isnull=False),
                name="acknowledged_by_somebody",
            )
        ]

    @property
    def is_open(self) -> bool:
        return self.acknowledged_at is None
