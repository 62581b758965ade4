"""Training: configs kept for another time, runs, and what each epoch of a run came to."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Device(models.Model):
    """What a worker can train on, as that worker last saw it."""

    name = models.CharField(max_length=120, unique=True)  # "host/cuda:0"
    title = models.CharField(max_length=120)  # what the maker calls it
    memory = models.BigIntegerField()  # bytes
    free = models.BigIntegerField()  # bytes of it
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class SavedConfig(models.Model):
    """A training config with a name, to start from again. `values` is what TrainingConfig reads."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    values = models.JSONField()
    saved_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class TrainingRun(models.Model):
    """One training. The row is the truth: a worker holds it by a lease, and whoever watches reads it here."""

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        STOPPING = "stopping", _("stopping")
        STOPPED = "stopped", _("stopped")
        FAILED = "failed", _("failed")
        DONE = "done", _("done")

    HELD = (State.RUNNING, State.STOPPING)  # a process is at work on it, or died at it
    AT_REST = (State.STOPPED, State.FAILED, State.DONE)

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)  # its folder's name
    name = models.CharField(_("name"), max_length=80)
    config = models.JSONField()  # a checked TrainingConfig
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    reason = models.CharField(max_length=500, blank=True)  # why it failed, stopped or waits again
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    device = models.CharField(max_length=120, blank=True)  # "host/cuda:0": where it runs or ran last
    owner = models.CharField(max_length=120, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)  # since its last finished epoch

    epochs_done = models.PositiveIntegerField(default=0)
    epochs_planned = models.PositiveIntegerField()
    seconds = models.FloatField(default=0.0)  # spent in finished epochs
    now = models.JSONField(default=dict)  # this moment: step, loss, clips a second, bytes of memory, seconds left
    split = models.JSONField(default=dict)  # clips of each label in each part, speakers of each part
    results = models.JSONField(default=dict)  # the checkpoint's metrics
    sha256 = models.CharField(max_length=64, blank=True)  # of the checkpoint's weights

    created_at = models.DateTimeField(auto_now_add=True)
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["device"],
                condition=models.Q(state__in=["running", "stopping"]),
                name="one_training_run_a_device",
            )
        ]
        indexes = [models.Index(fields=["state", "queued_at"])]

    def __str__(self) -> str:
        return self.name

    @property
    def is_at_rest(self) -> bool:
        return self.state in self.AT_REST

    @property
    def last_warnings(self) -> list[str]:
        """What its last epoch said somebody should look at."""
        last = self.epochs.order_by("-number").first()
        return last.warnings if last else []


class Epoch(models.Model):
    """What one pass over the training clips came to. Run again after a fault, it takes the place of the first."""

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="epochs")
    number = models.PositiveIntegerField()  # from 1
    phase = models.PositiveSmallIntegerField(default=1)
    figures = models.JSONField()  # {"train_loss": 1.9, "validation_uar": 0.3, …}; null where no number came out
    confusion = models.JSONField(default=list)  # (label, guess): validation clips
    warnings = models.JSONField(default=list)  # sentences: what somebody should look at
    is_best = models.BooleanField(default=False)  # so far in its phase
    ended_at = models.DateTimeField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="one_row_an_epoch")]


class StepCurve(models.Model):
    """The loss over a run's steps by column: thinned as it grows, so that its length has a bound."""

    run = models.OneToOneField(TrainingRun, on_delete=models.CASCADE, related_name="step_curve")
    every = models.PositiveIntegerField(default=1)  # steps that one point is the mean of
    points = models.JSONField(default=dict)  # {"step": […], "loss": […]}
