"""What goes before a question set: a name that somebody typed, and a draft that a language model was asked for."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class NameCheck(models.Model):
    """A name typed as a disorder's, what it was taken for, and by whom or what."""

    class State(models.TextChoices):
        KNOWN = "known", _("known")
        OFFERED = "offered", _("did you mean")  # like something known; waits for a person's choice
        ASKING = "asking", _("being asked")
        ACCEPTED = "accepted", _("accepted")
        REFUSED = "refused", _("refused")
        UNDECIDED = "undecided", _("undecided")  # no model answered, or it contradicted itself

    class By(models.TextChoices):
        LIST = "list", _("the list of known names")
        MODEL = "model", _("the language model")
        PERSON = "person", _("a person")

    typed = models.CharField(max_length=120)
    state = models.CharField(max_length=10, choices=State.choices)
    # What it was taken for.
    name = models.CharField(max_length=120, blank=True)
    icd10 = models.CharField(max_length=12, blank=True)
    disorder = models.ForeignKey("interviews.Disorder", null=True, on_delete=models.SET_NULL, related_name="+")
    # Who decided, when and why.
    decided_by = models.CharField(max_length=8, choices=By.choices, blank=True)
    decider = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True)
    engine = models.CharField(max_length=120, blank=True)
    engine_digest = models.CharField(max_length=80, blank=True)
    prompt_version = models.CharField(max_length=40, blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(decided_by="person") | Q(decider__isnull=False), name="a_deciding_person_is_named"
            ),
        ]

    def __str__(self) -> str:
        return self.typed

    @property
    def subject(self) -> str:
        return f"name-check:{self.pk}"

    @property
    def may_be_created(self) -> bool:
        return self.state in (self.State.KNOWN, self.State.ACCEPTED)


class QuestionDraft(models.Model):
    """A draft that somebody asked a language model for. Its job row says how far it is; the set is what came of it."""

    class Kind(models.TextChoices):
        FIRST = "first", _("first talk")
        FOLLOW_UP = "follow_up", _("follow-up")
        NARRATIVE = "narrative", _("open narrative")

    disorder = models.ForeignKey("interviews.Disorder", on_delete=models.CASCADE, related_name="drafts")
    number = models.PositiveSmallIntegerField(_("number of questions"))
    kind = models.CharField(_("kind of interview"), max_length=12, choices=Kind.choices, default=Kind.FIRST)
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES, default="en")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    question_set = models.ForeignKey(
        "interviews.QuestionSet", null=True, on_delete=models.SET_NULL, related_name="drafts"
    )

    class Meta:
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(number__gte=3, number__lte=15), name="drafts_of_three_to_fifteen"),
        ]

    def __str__(self) -> str:
        return f"{self.disorder}: {self.get_kind_display()}"

    @property
    def subject(self) -> str:
        return f"question-draft:{self.pk}"
