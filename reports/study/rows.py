"""A study's rows: what was asked, what came back, how it was graded. Made cases only, so nothing here is sealed."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from reports.study import statistics


class Study(models.Model):
    MOST_RUNS = 20

    name = models.CharField(_("name"), max_length=80)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    cases = models.JSONField()  # as cases.Cases has them
    cases_sha256 = models.CharField(max_length=64)
    model = models.CharField(max_length=80, blank=True)  # empty: the one the settings name
    runs = models.PositiveSmallIntegerField()
    seed = models.PositiveIntegerField()  # of the first run; each further one adds one
    temperature = models.FloatField()
    stop_asked = models.BooleanField(default=False)
    judge = models.CharField(max_length=80, blank=True)  # the model that was asked to grade, last

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def subject(self) -> str:
        return f"study:{self.pk}"


class StudyReply(models.Model):
    """What the model said to one case in one arm and run; waiting until it was asked."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    class Arm(models.TextChoices):
        WITHOUT = statistics.Arm.WITHOUT.value, _("without labels")
        WITH = statistics.Arm.WITH.value, _("with labels")

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="replies")
    case = models.CharField(max_length=24)
    arm = models.CharField(max_length=8, choices=Arm.choices)
    run = models.PositiveSmallIntegerField()
    seed = models.PositiveIntegerField()
    # What a grader's page calls it: a running number would tell the arm.
    token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=300, blank=True)  # why it failed
    diagnosis = models.CharField(max_length=200, blank=True)
    code = models.CharField(max_length=16, blank=True)
    engine = models.CharField(max_length=80, blank=True)
    engine_digest = models.CharField(max_length=80, blank=True)
    prompt_version = models.CharField(max_length=20, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["study", "case", "arm", "run"], name="one_study_reply_a_case_arm_and_run")
        ]


class StudyVerdict(models.Model):
    """How one grader, a person or a second model, judged one reply."""

    class Verdict(models.TextChoices):
        YES = statistics.Verdict.YES.value, _("yes")
        PARTIAL = statistics.Verdict.PARTIAL.value, _("partial")
        NO = statistics.Verdict.NO.value, _("no")

    reply = models.ForeignKey(StudyReply, on_delete=models.CASCADE, related_name="verdicts")
    grader = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    engine = models.CharField(max_length=80, blank=True)  # of the model that graded, in a person's place
    engine_digest = models.CharField(max_length=80, blank=True)
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    given_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(grader__isnull=False, engine="")
                | models.Q(grader__isnull=True) & ~models.Q(engine=""),
                name="a_person_or_a_model_gave_the_verdict",
            ),
            models.UniqueConstraint(
                fields=["reply", "grader"],
                condition=models.Q(grader__isnull=False),
                name="one_study_verdict_a_person",
            ),
            models.UniqueConstraint(
                fields=["reply", "engine"],
                condition=models.Q(grader__isnull=True),
                name="one_study_verdict_a_model",
            ),
        ]
