"""What may be typed or pressed."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.models import Patient, User
from interviews.models import Instrument, QuestionSet, ScaleAnswer


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
    instruments = forms.ModelMultipleChoiceField(
        Instrument.objects.filter(state=Instrument.State.PUBLISHED),
        label=_("Questionnaires"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, clinician: User, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        patients = cast(forms.ModelChoiceField, self.fields["patient"])
        patients.queryset = Patient.objects.visible_to(clinician)
        published = QuestionSet.objects.filter(state=QuestionSet.State.PUBLISHED, disorder__is_active=True)
        self.sets = published.select_related("disorder").prefetch_related("questions")
        cast(forms.ModelChoiceField, self.fields["question_set"]).queryset = self.sets


class ScaleAnswerForm(forms.Form):
    """One of an item's answers, or the button that leaves it out."""

    value = forms.IntegerField(required=False)
    how = forms.ChoiceField(choices=ScaleAnswer.How.choices, required=False)
    leave_out = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        if told.get("leave_out"):
            told["value"] = None
        elif told.get("value") is None and "value" not in self.errors:
            self.add_error("value", _("Choose an answer, or leave this question out."))
        return told | {"how": told.get("how") or ScaleAnswer.How.CLICK}
