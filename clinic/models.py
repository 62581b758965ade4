"""People, what they agreed to, who looked at what, and the work done for them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, role=User.Role.ADMIN, is_superuser=True, **fields)

    def get_by_natural_key(self, email: str | None) -> User:
        return self.get(email__iexact=email)


class User(AbstractBaseUser, PermissionsMixin):
    class Role(models.TextChoices):
        PATIENT = "patient", _("patient")
        CLINICIAN = "clinician", _("clinician")
        ADMIN = "admin", _("admin")
        ENGINEER = "engineer", _("ML engineer")

    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=150, blank=True)
    role = models.CharField(_("role"), max_length=16, choices=Role.choices, default=Role.CLINICIAN)
    is_active = models.BooleanField(_("may sign in"), default=True)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManager()

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")

    def __str__(self) -> str:
        return self.name or self.email

    def get_short_name(self) -> str:
        """How the admin pages greet."""
        return str(self)

    @property
    def is_staff(self) -> bool:
        """Whether the admin pages open: Django asks under this name."""
        return self.is_superuser or self.role == self.Role.ADMIN

    # An admin manages every row of the admin pages without a table of permissions.
    def has_perm(self, perm: str, obj: models.Model | None = None) -> bool:
        return self.is_active and (self.is_staff or super().has_perm(perm, obj))

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and (self.is_staff or super().has_module_perms(app_label))


class PatientQuerySet(models.QuerySet["Patient"]):
    def visible_to(self, user: User) -> PatientQuerySet:
        """A clinician's own caseload; nobody else's. Admins manage the house, not the patients."""
        if user.is_authenticated and user.role == User.Role.CLINICIAN:
            return self.filter(clinician=user)
        return self.none()


class Patient(models.Model):
    """Somebody in a clinician's caseload. The user row is what the invitation signs in."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="patient")
    clinician = models.ForeignKey(User, on_delete=models.PROTECT, related_name="caseload")
    name = models.CharField(_("name"), max_length=150)
    record_number = models.CharField(_("record number"), max_length=40, blank=True)
    language = models.CharField(_("language"), max_length=8, default="en")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PatientQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        verbose_name = _("patient")
        verbose_name_plural = _("patients")

    def __str__(self) -> str:
        return self.name


class Consent(models.Model):
    """One agreement, for one purpose, to one wording. Withdrawing keeps the row: it did happen."""

    class Purpose(models.TextChoices):
        CARE = "care", _("recording and analysis for my care")

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="consents")
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    wording = models.CharField(max_length=32, help_text=_("the version of the text that was agreed to"))
    given_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "purpose"],
                condition=models.Q(withdrawn_at__isnull=True),
                name="one_standing_consent_a_purpose",
            )
        ]


class AuditEntry(models.Model):
    """Who did what to which row, each entry sealed to the one before it by its hash."""

    at = models.DateTimeField()
    actor = models.CharField(max_length=80)  # "user:3" or "worker:transcribe"
    verb = models.CharField(max_length=40)
    subject = models.CharField(max_length=80)  # "interview:12"
    previous = models.CharField(max_length=64, unique=True)  # unique: two entries cannot follow the same one
    digest = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ["pk"]
        verbose_name = _("entry of the audit log")
        verbose_name_plural = _("entries of the audit log")


class Job(models.Model):
    """One stage of work on one subject. The row is the truth; a socket only says "look"."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    subject = models.CharField(max_length=80)  # "answer:12", "interview:3"
    stage = models.CharField(max_length=24)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    percent = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=300, blank=True)  # why it failed, or why a result is empty
    owner = models.CharField(max_length=120, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["subject", "stage"], name="one_job_a_stage"),
            models.CheckConstraint(condition=models.Q(percent__lte=100), name="percent_is_a_percentage"),
        ]
        indexes = [models.Index(fields=["state", "leased_until"])]

    def __str__(self) -> str:
        return f"{self.subject} {self.stage}: {self.state}"
