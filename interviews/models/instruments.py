"""Instruments in versions, which of them an interview asks, and what was answered: each value sealed."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from interviews import scales
from interviews.models.interviews import Interview


class Instrument(models.Model):
    """One version of a questionnaire in one language. Published, it never changes: interviews point at it."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        PUBLISHED = "published", _("published")
        RETIRED = "retired", _("retired")

    slug = models.SlugField(max_length=60)
    name = models.CharField(_("name"), max_length=60)
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES)
    version = models.PositiveIntegerField(_("version"), default=1)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.DRAFT)
    wording = models.CharField(_("wording"), max_length=12)
    licence = models.CharField(_("licence"), max_length=300)
    definition = models.JSONField()  # as scales.as_json made it
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    published_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "language", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["slug", "language", "version"], name="one_instrument_a_version"),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(published_at__isnull=False), name="published_instruments_say_when"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    @property
    def is_draft(self) -> bool:
        return self.state == self.State.DRAFT

    @property
    def subject(self) -> str:
        return f"instrument:{self.pk}"

    @property
    def parsed(self) -> scales.Definition:
        return scales.parse(self.definition)


class ItemAudio(models.Model):
    """An item read aloud, made ahead by a voice."""

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="audio")
    number = models.PositiveSmallIntegerField()
    file = models.FileField(upload_to="questions/")
    voice = models.CharField(max_length=60)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["instrument", "number"], name="one_audio_an_item")]


class Scale(models.Model):
    """An instrument that an interview asks. It ends with the interview, or when the patient says so."""

    interview = models.ForeignKey(Interview, on_delete=models.CASCADE, related_name="scales")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["interview", "instrument"], name="one_scale_an_instrument")]

    @property
    def subject(self) -> str:
        return f"scale:{self.pk}"


class ScaleAnswer(models.Model):
    """What was answered to one item. It may change until the interview ends; one left out stays, without a value."""

    class How(models.TextChoices):
        CLICK = "click", _("clicked")
        VOICE = "voice", _("spoken")

    scale = models.ForeignKey(Scale, on_delete=models.CASCADE, related_name="answers")
    number = models.PositiveSmallIntegerField()
    sealed = models.BinaryField()  # {"value": points, or null}
    how = models.CharField(max_length=5, choices=How.choices, default=How.CLICK)
    answered_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["scale_id", "number"]
        constraints = [models.UniqueConstraint(fields=["scale", "number"], name="one_answer_an_item")]

    @property
    def subject(self) -> str:
        return f"scale-answer:{self.pk}"


class SpokenReply(models.Model):
    """A few seconds of voice in answer to an item, for as long as it takes to understand them."""

    scale = models.ForeignKey(Scale, on_delete=models.CASCADE, related_name="spoken_replies")
    number = models.PositiveSmallIntegerField()
    sealed = models.BinaryField()  # the sound as the browser made it; empty once it was heard
    sealed_heard = models.BinaryField(default=bytes, blank=True)  # {"text": str, "value": points, or null}
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scale", "number"], name="one_spoken_reply_an_item")]

    @property
    def subject(self) -> str:
        return f"spoken-reply:{self.pk}"
