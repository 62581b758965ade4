"""What may be typed about a report."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.models import User
from reports.models import ReportVersion


class RevisionForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("Report"),
        help_text=gettext_lazy(
            "Markdown: # for headings, - for lists. A time in brackets followed by (#answer-1@7.2) opens the recording "
            "there."
        ),
        max_length=ReportVersion.MOST_CHARACTERS,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 28, "dir": "auto", "spellcheck": "true", "class": "report-source"}),
    )
    seen = forms.IntegerField(widget=forms.HiddenInput)


class SignForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Your name, as your signature"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
    )
    is_read = forms.BooleanField(
        label=gettext_lazy("I have read this report and take responsibility for it. It cannot be changed afterwards.")
    )
    seen = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, signer: User, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.signer = signer
        self.fields["name"].help_text = _("Type it as it stands in your account: %(name)s") % {"name": signer}

    def clean_name(self) -> str:
        name = " ".join(self.cleaned_data["name"].split())
        if name.casefold() != " ".join(str(self.signer).split()).casefold():
            raise forms.ValidationError(_("This is not the name of your account, %(name)s.") % {"name": self.signer})
        return name
