"""What may be typed or pressed."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.models import Patient, User
from interviews.models import QuestionSet


class ConsentForm(forms.Form):
    """Yes, no, or not any more: a decision is a button, and nothing is chosen beforehand."""

    AGREE, REFUSE, WITHDRAW = "agree", "refuse", "withdraw"
    decision = forms.ChoiceField(
        choices=[(AGREE, _("I agree")), (REFUSE, _("I do not agree")), (WITHDRAW, _("I withdraw my consent"))]
    )


class NewInterviewForm(forms.Form):
    """A patient of the clinician's own caseload, and a published version of a question set."""

    patient = forms.ModelChoiceField(Patient.objects.none(), label=_("Patient"), empty_label=_("Choose a patient"))
    question_set = forms.ModelChoiceField(
        QuestionSet.objects.none(),
        label=_("Questions"),
        empty_label=None,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose the questions to be asked.")},
    )

    def __init__(self, clinician: User, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        patients = cast(forms.ModelChoiceField, self.fields["patient"])
        patients.queryset = Patient.objects.visible_to(clinician)
        published = QuestionSet.objects.filter(state=QuestionSet.State.PUBLISHED, disorder__is_active=True)
        self.sets = published.select_related("disorder").prefetch_related("questions")
        cast(forms.ModelChoiceField, self.fields["question_set"]).queryset = self.sets
