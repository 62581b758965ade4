"""What may be typed about people."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.models import Patient, User


class PatientForm(forms.ModelForm):
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        choices=settings.LANGUAGES,
        initial="en",
        help_text=gettext_lazy("The language the patient reads and answers in."),
    )

    class Meta:
        model = Patient
        fields = ["name", "record_number", "language"]
        labels = {"name": gettext_lazy("Name"), "record_number": gettext_lazy("Record number")}
        help_texts = {"record_number": gettext_lazy("As in your clinic's own records.")}
        widgets = {
            "name": forms.TextInput(attrs={"dir": "auto", "autocomplete": "off"}),
            "record_number": forms.TextInput(attrs={"autocomplete": "off"}),
        }

    def __init__(self, clinician: User, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.clinician = clinician

    def clean_record_number(self) -> str:
        number = self.cleaned_data["record_number"].strip()
        others = Patient.objects.filter(clinician=self.clinician, record_number__iexact=number)
        namesake = others.exclude(pk=self.instance.pk).first() if number else None
        if namesake:
            raise forms.ValidationError(
                _("%(name)s already has this record number.") % {"name": namesake.name}, code="taken"
            )
        return number
