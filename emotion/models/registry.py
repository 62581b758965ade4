"""The registry: checkpoints with their cards, packs made of them, which pack served when, and what was fetched."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

# Which part of a pack a net can take the place of. Other nets are kept and compared, but read no recording.
CLIP_READERS = ("late-1", "late-2", "late-3", "late-4", "late-5", "lt", "it", "ia", "enhanced", "dynamic")
PART_OF_NET = {"expression": "expression", "voice-head": "voice", **dict.fromkeys(CLIP_READERS, "multimodal")}
PART_WORDS = {"expression": _("face"), "voice": _("voice"), "multimodal": _("face and voice together")}


class Checkpoint(models.Model):
    """Weights with their card, in a file of their own under MODELS_DIR. The card travels in the file, too."""

    class Origin(models.TextChoices):
        TRAINED = "trained", _("trained here")
        IMPORTED = "imported", _("imported")

    name = models.CharField(_("name"), max_length=80)
    net = models.CharField(max_length=40)  # its name in emotion.ml.known
    path = models.CharField(max_length=200)  # below MODELS_DIR
    size = models.PositiveBigIntegerField()  # bytes
    file_sha256 = models.CharField(max_length=64, unique=True)
    weights_sha256 = models.CharField(max_length=64)  # as the card has it
    card = models.JSONField()
    origin = models.CharField(max_length=8, choices=Origin.choices)
    run = models.ForeignKey(
        "emotion.TrainingRun", null=True, blank=True, on_delete=models.SET_NULL, related_name="checkpoints"
    )
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def part(self) -> str:
        """The part of a pack that it can be; empty for a net that reads no recording."""
        return PART_OF_NET.get(self.net, "")

    @property
    def part_word(self) -> Any:
        return PART_WORDS.get(self.part, "")

    @property
    def subject(self) -> str:
        return f"checkpoint:{self.pk}"


class Pack(models.Model):
    """The starter pack with some of its parts replaced, described by pack.json in a folder under MODELS_DIR."""

    name = models.SlugField(_("name"), max_length=40, unique=True)
    sha256 = models.CharField(max_length=64, blank=True)  # over files and config; empty until a worker has loaded it
    versions = models.JSONField(default=dict)
    checkpoints = models.ManyToManyField(Checkpoint, through="PackPart", related_name="packs")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def subject(self) -> str:
        """This pack's name in Job and AuditEntry rows."""
        return f"pack:{self.pk}"


class PackPart(models.Model):
    """One part that is not the starter's."""

    pack = models.ForeignKey(Pack, on_delete=models.CASCADE, related_name="parts")
    part = models.CharField(max_length=20)
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="uses")

    class Meta:
        ordering = ["part"]
        constraints = [models.UniqueConstraint(fields=["pack", "part"], name="one_checkpoint_a_part")]

    @property
    def word(self) -> Any:
        return PART_WORDS[self.part]


class Promotion(models.Model):
    """A pack was put to work, by whom, when and why. The newest that was not undone serves; with none, the starter."""

    pack = models.ForeignKey(Pack, on_delete=models.PROTECT, related_name="promotions")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    verdict = models.JSONField()  # what the gate found: [{"name", "passed", "sentence"}]
    reason = models.TextField(blank=True)  # written where the gate refused
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["-pk"]


class FetchedModel(models.Model):
    """A model of the catalogue that somebody asked for: how far it is, and the checksums it was taken with."""

    name = models.CharField(max_length=60, unique=True)  # in the catalogue
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = models.DateTimeField(auto_now=True)
    source = models.CharField(max_length=300, blank=True)  # the host or folder it came from
    file = models.CharField(max_length=120, blank=True)  # the one being fetched
    bytes_done = models.PositiveBigIntegerField(default=0)  # of that file
    bytes_total = models.PositiveBigIntegerField(null=True, blank=True)  # unknown until the source says
    checksums = models.JSONField(default=dict)  # file name → sha256, as computed here
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    confirmed_how = models.CharField(max_length=9, blank=True)  # "published", "person"; empty: not to be used yet
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]

    @property
    def subject(self) -> str:
        return f"model:{self.name}"

    @property
    def percent(self) -> int | None:
        return min(100, 100 * self.bytes_done // self.bytes_total) if self.bytes_total else None
