"""What was answered: takes, their numbered pieces, and what was said in them. All of it sealed."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from interviews.models.interviews import Interview
from interviews.models.questions import Question


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
