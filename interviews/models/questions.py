"""Disorders, and their question sets in versions. A published set never changes."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from interviews.errors import SetIsPublished


class Disorder(models.Model):
    name = models.CharField(_("name"), max_length=120, unique=True)
    slug = models.SlugField(max_length=120, unique=True)
    icd10 = models.CharField(_("ICD-10 code"), max_length=12, blank=True)
    description = models.TextField(_("description"), blank=True)
    is_active = models.BooleanField(_("offered for new interviews"), default=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("disorder")
        verbose_name_plural = _("disorders")

    def __str__(self) -> str:
        return self.name


class QuestionSet(models.Model):
    """One version of a disorder's questions. Published, it never changes: interviews point at it."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        PUBLISHED = "published", _("published")
        RETIRED = "retired", _("retired")

    disorder = models.ForeignKey(Disorder, on_delete=models.PROTECT, related_name="question_sets")
    title = models.CharField(_("title"), max_length=160)
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES, default="en")
    version = models.PositiveIntegerField(_("version"), default=1)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.DRAFT, editable=False)
    licence = models.CharField(_("licence"), max_length=120, blank=True)
    # What drafted it, where a language model did: its name, its files' digest, the prompt, and what was left out.
    drafted_by = models.CharField(max_length=120, blank=True, editable=False)
    draft_digest = models.CharField(max_length=80, blank=True, editable=False)
    prompt_version = models.CharField(max_length=40, blank=True, editable=False)
    draft_note = models.CharField(max_length=500, blank=True, editable=False)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, editable=False
    )
    published_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["disorder__name", "language", "-version"]
        verbose_name = _("question set")
        verbose_name_plural = _("question sets")
        constraints = [
            models.UniqueConstraint(fields=["disorder", "language", "version"], name="one_set_a_version"),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(published_at__isnull=False), name="published_sets_say_when"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} v{self.version}"

    @property
    def is_draft(self) -> bool:
        return self.state == self.State.DRAFT

    @property
    def subject(self) -> str:
        return f"question-set:{self.pk}"


class Question(models.Model):
    question_set = models.ForeignKey(QuestionSet, on_delete=models.CASCADE, related_name="questions")
    position = models.PositiveIntegerField(_("position"), default=1)
    text = models.TextField(_("question"))
    hint = models.CharField(_("hint"), max_length=300, blank=True)
    # Made ahead by a voice, never during the interview.
    audio = models.FileField(upload_to="questions/", blank=True, editable=False)
    audio_voice = models.CharField(max_length=60, blank=True, editable=False)
    # Why another voice than the wanted one spoke, or none.
    audio_trouble = models.CharField(max_length=300, blank=True, editable=False)
    # Somebody asked for it to be made again, and a worker has not come to it yet.
    audio_due = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [models.UniqueConstraint(fields=["question_set", "position"], name="one_question_a_position")]

    def __str__(self) -> str:
        return self.text[:80]

    def save(self, *args: Any, **kwargs: Any) -> None:
        only_audio = set(kwargs.get("update_fields") or ()) == {"audio", "audio_voice"}
        if not only_audio and not self.question_set.is_draft:
            raise SetIsPublished(_("This version is published and cannot change. Make a new version instead."))
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        if not self.question_set.is_draft:
            raise SetIsPublished(_("This version is published and cannot change. Make a new version instead."))
        return super().delete(*args, **kwargs)
