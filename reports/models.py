"""Reports: drafted, edited, signed. Every version is kept, sealed with the interview's key."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from reports.study.rows import Study, StudyReply, StudyVerdict  # noqa: F401 (Django looks for rows in this file)


class Report(models.Model):
    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        SIGNED = "signed", _("signed")

    interview = models.OneToOneField("interviews.Interview", on_delete=models.CASCADE, related_name="report")
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    signed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="draft") | models.Q(signed_by__isnull=False, signed_at__isnull=False),
                name="a_signed_report_says_by_whom",
            )
        ]


class ReportVersion(models.Model):
    MOST_CHARACTERS = 200_000

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    sealed = models.BinaryField()  # markdown
    # Who wrote it: a person, a language model with its digest, or nobody ("composed": from the evidence alone).
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    engine = models.CharField(max_length=80, blank=True)
    engine_digest = models.CharField(max_length=80, blank=True)
    prompt_version = models.CharField(max_length=20, blank=True)
    trouble = models.CharField(max_length=20, blank=True)  # state of what kept a language model from writing it, or all
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["report", "number"], name="one_version_a_number")]


class Comparison(models.Model):
    """Two drafts by one model, with and without expression and voice. To be looked at: nobody signs it."""

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="comparisons")
    number = models.PositiveIntegerField()
    sealed = models.BinaryField()  # JSON, see reports.comparing
    engine = models.CharField(max_length=80)
    engine_digest = models.CharField(max_length=80, blank=True)
    prompt_version = models.CharField(max_length=20)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["report", "number"], name="one_comparison_a_number")]
