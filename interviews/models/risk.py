"""Words that call for a person, and who answered the call."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.db import models
from django.db.models import Q

from interviews.models.answers import Answer
from interviews.models.instruments import ScaleAnswer
from interviews.models.interviews import Interview


class RiskFlagQuerySet(models.QuerySet["RiskFlag"]):
    def of(self, interviews: Iterable[Interview]) -> RiskFlagQuerySet:
        """Those of these interviews, whatever was said or clicked."""
        if not isinstance(interviews, models.QuerySet):
            interviews = list(interviews)
        return self.filter(Q(answer__interview__in=interviews) | Q(scale_answer__scale__interview__in=interviews))

    def with_patients(self) -> RiskFlagQuerySet:
        return self.select_related(
            "answer__interview__patient__clinician",
            "answer__question",
            "scale_answer__scale__interview__patient__clinician",
            "scale_answer__scale__instrument",
        )


class RiskFlag(models.Model):
    """An answer, recorded or clicked, that calls for a person. It stays until a clinician says that she saw it."""

    answer = models.OneToOneField(Answer, null=True, blank=True, on_delete=models.CASCADE, related_name="risk_flag")
    scale_answer = models.OneToOneField(
        ScaleAnswer, null=True, blank=True, on_delete=models.CASCADE, related_name="risk_flag"
    )
    sealed = models.BinaryField()  # [{"kind", "words", "start", "end"}]
    raised_at = models.DateTimeField(auto_now_add=True)
    mailed_at = models.DateTimeField(null=True, blank=True)  # to the patient's clinician
    escalated_at = models.DateTimeField(null=True, blank=True)  # to somebody else, for want of an answer
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    sealed_note = models.BinaryField(default=bytes, blank=True)  # what she did

    objects = RiskFlagQuerySet.as_manager()

    class Meta:
        ordering = ["raised_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(acknowledged_at__isnull=True) | Q(acknowledged_by__isnull=False),
                name="acknowledged_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(answer__isnull=True) ^ Q(scale_answer__isnull=True), name="a_flag_is_about_one_answer"
            ),
        ]

    @property
    def is_open(self) -> bool:
        return self.acknowledged_at is None

    @property
    def about(self) -> Answer | ScaleAnswer:
        found = self.answer or self.scale_answer
        assert found, "a_flag_is_about_one_answer"
        return found

    @property
    def interview(self) -> Interview:
        about = self.about
        return about.interview if isinstance(about, Answer) else about.scale.interview

    @property
    def subject(self) -> str:
        return self.about.subject
