"""Questions, interviews, and what was answered. Recordings and texts are sealed with the interview's own key."""

from __future__ import annotations

import uuid
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clinic import vault
from clinic.models import User
from interviews.errors import SetIsPublished


class Disorder(models.Model):
    name = models.CharField(_("name"), max_length=120, unique=True)
    slug = models.SlugField(max_length=120, unique=True)
    icd10 = models.CharField(_("ICD-10 code"), max_length=12, blank=True)
    description = models.TextField(_("description"), blank=True)
    is_active = models.BooleanField(_("offered for new interviews"), default=True)

    class Meta:
        ordering = ["name"]

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
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, editable=False
    )
    published_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["disorder__name", "language", "-version"]
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

    class Meta:
        ordering = ["position", "pk"]
        constraints = [models.UniqueConstraint(fields=["question_set", "position"], name="one_question_a_position")]

    def __str__(self) -> str:
        return self.text[:80]

    def save(self, *args: Any, **kwargs: Any) -> None:
        only_audio = set(kwargs.get("update_fields") or ()) == {"audio", "audio_voice"}
        if not only_audio and not self.question_set.is_draft:
            raise SetIsPublished("This version is published and cannot change. Make a new version instead.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        if not self.question_set.is_draft:
            raise SetIsPublished("This version is published and cannot change. Make a new version instead.")
        return super().delete(*args, **kwargs)


class InterviewQuerySet(models.QuerySet["Interview"]):
    def visible_to(self, user: User) -> InterviewQuerySet:
        """What a clinician may review: interviews of her own caseload."""
        if user.is_authenticated and user.role == User.Role.CLINICIAN:
            return self.filter(patient__clinician=user)
        return self.none()

    def answerable_by(self, user: User) -> InterviewQuerySet:
        """What a patient may open: her own interviews."""
        if user.is_authenticated and user.role == User.Role.PATIENT:
            return self.filter(patient__user=user)
        return self.none()


class Interview(models.Model):
    """One patient, one version of a question set, from invitation to report."""

    class State(models.TextChoices):
        INVITED = "invited", _("invited")
        STARTED = "started", _("in progress")
        FINISHED = "finished", _("finished")

    patient = models.ForeignKey("clinic.Patient", on_delete=models.CASCADE, related_name="interviews")
    question_set = models.ForeignKey(QuestionSet, on_delete=models.PROTECT, related_name="interviews")
    state = models.CharField(max_length=10, choices=State.choices, default=State.INVITED)
    wrapped_key = models.BinaryField(default=vault.new_wrapped_key, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # The patient read the consent and said no; empty again when she changes her mind.
    refused_at = models.DateTimeField(null=True, blank=True)

    objects = InterviewQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.question_set} ({self.pk})"

    @cached_property
    def key(self) -> vault.Key:
        """Raises vault.KeyErased once the interview was erased."""
        return vault.unwrap(self.wrapped_key)

    @property
    def subject(self) -> str:
        """This interview's name in Job and AuditEntry rows."""
        return f"interview:{self.pk}"


class Invitation(models.Model):
    """A link, kept as a hash only. Opening it once signs the patient in on that device."""

    interview = models.ForeignKey(Interview, on_delete=models.CASCADE, related_name="invitations")
    token_hash = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]

    @property
    def is_open(self) -> bool:
        return not self.used_at and not self.revoked_at and self.expires_at > timezone.now()


class Answer(models.Model):
    """One question's reply. The recording is the source; transcript and reading are derived from it."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RECORDED = "recorded", _("recorded")

    interview = models.ForeignKey(Interview, on_delete=models.CASCADE, related_name="answers")
    question = models.ForeignKey(Question, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    receipt = models.CharField(max_length=16, blank=True)  # what the patient was given when the answer was kept
    recorded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["question__position", "pk"]
        constraints = [models.UniqueConstraint(fields=["interview", "question"], name="one_answer_a_question")]

    @property
    def subject(self) -> str:
        return f"answer:{self.pk}"


class Recording(models.Model):
    """One take. Bytes arrive as numbered chunks; a kept take is joined and remuxed into one playable file.

    Chunks lie sealed at `chunk_path(seq)`; the joined file at `joined_path`, as sealed blocks (interviews.playback).
    """

    class State(models.TextChoices):
        OPEN = "open", _("arriving")
        KEPT = "kept", _("kept")
        DISCARDED = "discarded", _("recorded again")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    answer = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="recordings")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    mime_type = models.CharField(max_length=80)  # what the browser said it records
    started_at = models.DateTimeField(auto_now_add=True)
    kept_at = models.DateTimeField(null=True, blank=True)
    chunk_count = models.PositiveIntegerField(null=True, blank=True)  # known when the take is kept
    # Of the file made from the chunks; empty until it was joined.
    joined_path = models.CharField(max_length=200, blank=True)
    joined_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    joined_type = models.CharField(max_length=40, blank=True)
    duration = models.FloatField(null=True, blank=True)  # seconds

    class Meta:
        ordering = ["started_at"]
        constraints = [
            models.UniqueConstraint(fields=["answer"], condition=Q(state="kept"), name="one_kept_recording_an_answer")
        ]

    @property
    def folder(self) -> str:
        return f"recordings/{self.answer.interview_id}/{self.pk}"

    def chunk_path(self, seq: int) -> str:
        return f"{self.folder}/{seq:06d}.chunk"


class Chunk(models.Model):
    """A numbered piece of a recording, exactly as the browser made it, sealed on disk."""

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="chunks")
    seq = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)  # of the bytes before sealing
    size = models.PositiveIntegerField()  # bytes before sealing
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["seq"]
        constraints = [models.UniqueConstraint(fields=["recording", "seq"], name="one_chunk_a_number")]


class Transcript(models.Model):
    """What was said, word by word with times, sealed. Engine and model stay with it."""

    answer = models.OneToOneField(Answer, on_delete=models.CASCADE, related_name="transcript")
    sealed = models.BinaryField()  # {"text": str, "words": [{"word", "start", "end", "confidence"}]}
    engine = models.CharField(max_length=60)
    model_sha256 = models.CharField(max_length=64, blank=True)
    language = models.CharField(max_length=8)
    created_at = models.DateTimeField(auto_now_add=True)


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
