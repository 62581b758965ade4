"""What may be typed about a study."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from reports.study.cases import MOST_BYTES, Cases, CasesError, read_cases, shipped
from reports.study.rows import Study
from reports.study.statistics import Verdict

MODEL_NAME = r"^[\w./:-]{0,80}$"


class NewStudyForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    cases = forms.FileField(
        label=gettext_lazy("Cases, as JSON"),
        required=False,
        help_text=gettext_lazy(
            "Left empty: the twelve vignettes that come with this program. Made cases only. Never put in what a "
            "patient said."
        ),
        widget=forms.FileInput(attrs={"accept": ".json,application/json"}),
    )
    model = forms.RegexField(
        MODEL_NAME,
        label=gettext_lazy("Language model"),
        required=False,
        help_text=gettext_lazy("As Ollama names it. Left empty: the one of this server's settings."),
        widget=forms.TextInput(attrs={"dir": "ltr", "autocomplete": "off"}),
    )
    runs = forms.IntegerField(
        label=gettext_lazy("Runs of each case"),
        initial=1,
        min_value=1,
        max_value=Study.MOST_RUNS,
        help_text=gettext_lazy("With one run the model's likeliest words are taken; with more, it draws by the seed."),
    )
    seed = forms.IntegerField(
        label=gettext_lazy("Seed of the first run"),
        initial=1,
        min_value=0,
        max_value=2**31 - 1 - Study.MOST_RUNS,
        help_text=gettext_lazy("Each further run takes the next number. Both arms take the same."),
    )

    def clean_cases(self) -> Cases:
        file: Any = self.cleaned_data["cases"]
        if not file:
            return shipped()
        try:
            return read_cases(file.read(MOST_BYTES + 1))
        except CasesError as error:
            raise forms.ValidationError(str(error)) from error


class JudgeForm(forms.Form):
    model = forms.RegexField(
        MODEL_NAME,
        label=gettext_lazy("Model that grades"),
        help_text=gettext_lazy("Another one than the model that answered. It is marked as a model in every table."),
        widget=forms.TextInput(attrs={"dir": "ltr", "autocomplete": "off"}),
    )


class VerdictForm(forms.Form):
    reply = forms.UUIDField()
    verdict = forms.ChoiceField(choices=[(one.value, one.value) for one in Verdict])

    def clean_verdict(self) -> Verdict:
        return Verdict(self.cleaned_data["verdict"])
