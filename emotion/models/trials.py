"""Files that an engineer brings, and what a pack read in them. Hers alone, sealed, and gone after a stated time."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic import vault


class Trial(models.Model):
    """A clip, a sound or some pictures, tried with a pack. Its timeline is a StoredReading under the trial's id."""

    class Kind(models.TextChoices):
        CLIP = "clip", _("clip")
        SOUND = "sound", _("sound")
        PICTURES = "pictures", _("pictures")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="trials")
    wrapped_key = models.BinaryField(default=vault.new_wrapped_key, editable=False)
    pack = models.ForeignKey("emotion.Pack", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind.choices, blank=True)  # empty until a worker has looked
    media = models.JSONField(default=list)  # what can be shown: [{"name": file below the folder, "type": MIME}]
    sealed_pictures = models.BinaryField(null=True)  # what was read in each picture
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]

    @property
    def subject(self) -> str:
        """This trial's name in Job and AuditEntry rows."""
        return f"trial:{self.pk}"

    @property
    def folder(self) -> str:
        return f"trials/{self.pk}"

    @property
    def key(self) -> vault.Key:
        return vault.unwrap(self.wrapped_key)


class Upload(models.Model):
    """A file on its way in: numbered parts, each sealed on disk, until a trial or the registry takes it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    trial = models.ForeignKey(Trial, null=True, blank=True, on_delete=models.CASCADE, related_name="uploads")
    place = models.PositiveSmallIntegerField(default=0)  # among the files of its trial
    name = models.CharField(max_length=80, blank=True)  # for a checkpoint; a clip's name may be a person's
    size = models.PositiveBigIntegerField()  # bytes, as announced
    checkpoint = models.ForeignKey(  # what the registry made of it
        "emotion.Checkpoint", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    wrapped_key = models.BinaryField(default=vault.new_wrapped_key, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["place", "created_at"]

    @property
    def subject(self) -> str:
        return f"upload:{self.pk}"

    @property
    def folder(self) -> str:
        return f"uploads/{self.pk}"

    @property
    def key(self) -> vault.Key:
        return vault.unwrap(self.wrapped_key)
