"""What may be typed about checkpoints, packs and trials."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from emotion.models import Checkpoint, Pack
from emotion.models.registry import PART_OF_NET, PART_WORDS


class PackForm(forms.Form):
    """A name, and a checkpoint for each part that is not to be the starter's."""

    name = forms.SlugField(
        label=_("Name"),
        max_length=40,
        help_text=_("Letters, digits, hyphens and underscores. Every reading made with the pack carries it."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "ltr"}),
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for part, word in PART_WORDS.items():
            nets = [net for net, of in PART_OF_NET.items() if of == part]
            field = forms.ModelChoiceField(
                Checkpoint.objects.filter(net__in=nets),
                label=word,
                required=False,
                empty_label=_("None: the parts above are fused by rule")
                if part == "multimodal"
                else _("As in the starter pack"),
            )
            self.fields[part] = field

    @property
    def chosen(self) -> list[Checkpoint]:
        return [self.cleaned_data[part] for part in PART_WORDS if self.cleaned_data.get(part)]


class ReasonForm(forms.Form):
    use_required_attribute = False  # the gate itself says what is missing

    reason = forms.CharField(
        label=_("Why it should serve all the same"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
        help_text=_("Kept with your name for as long as the registry."),
    )


class ManyFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """One file or several: cleaned, a list."""

    widget = ManyFilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        files = data if isinstance(data, list | tuple) else [data]
        return [super(ManyFilesField, self).clean(file, initial) for file in files]


class CheckpointFileForm(forms.Form):
    file = forms.FileField(
        label=_("Checkpoint"),
        help_text=_("A safetensors file with the card that a training run writes."),
        widget=forms.FileInput(attrs={"accept": ".safetensors"}),
    )


class TrialForm(forms.Form):
    """Which pack reads, and what."""

    pack = forms.ModelChoiceField(
        Pack.objects.none(), label=_("Pack"), required=False, empty_label=_("The one that serves now")
    )
    brought = ManyFilesField(
        label=_("A clip, a sound, or several pictures"),
        help_text=_("Video or sound as browsers and phones record it; or JPEG and PNG pictures."),
        widget=ManyFilesInput(attrs={"accept": "video/*,audio/*,image/jpeg,image/png"}),
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        cast(forms.ModelChoiceField, self.fields["pack"]).queryset = Pack.objects.exclude(sha256="")
