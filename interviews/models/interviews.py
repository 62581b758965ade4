"""One patient and one question set, from invitation to report. What is said is sealed with the interview's key."""

from __future__ import annotations

from functools import cached_property

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clinic import vault
from clinic.models import User
from interviews.models.questions import QuestionSet


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
