"""What may be typed about a training run. Every field comes from TrainingConfig's schema: none is named here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.reasons import told
from emotion import schema
from emotion.ml.training.config import ConfigRefused, TrainingConfig
from emotion.models import SavedConfig, TrainingRun

LARGEST_TOML = 64 * 1024  # bytes
HALF = "config"  # stands before the name of every field of a config


class ShownGroup:
    """A group of the config's fields as the page shows it: open where there is something to see."""

    def __init__(self, form: ConfigForm, group: schema.Group, is_first: bool = False):
        self.form, self.group = form, group
        self.is_first = is_first

    @property
    def fields(self) -> list[tuple[BoundField, str]]:
        """Each with when it matters, for the script that hides it otherwise."""
        return [(self.form[part.name], _only(part)) for part in self.group.parts if isinstance(part, schema.Place)]

    @property
    def groups(self) -> list[ShownGroup]:
        return [ShownGroup(self.form, part) for part in self.group.parts if isinstance(part, schema.Group)]

    @property
    def only(self) -> str:
        return _only(self.group)

    @property
    def id(self) -> str:
        return f"group-{self.group.name or 'own'}".replace(".", "-")

    @property
    def errors(self) -> list[str]:
        return self.form.group_errors.get(self.group.name, [])

    @property
    def is_open(self) -> bool:
        return self.is_first or self.is_wrong or self._is_chosen()

    @property
    def may_grow(self) -> bool:
        return self.group.is_repeated and (self.group.most is None or len(self.group.parts) < self.group.most)

    @property
    def is_item(self) -> bool:
        return self.group.name.rsplit(".", 1)[-1].isdigit()

    @property
    def is_wrong(self) -> bool:
        names = [group.name for group in self.group.groups()]
        return any(self.form.group_errors.get(name) for name in names) or any(
            self.form.has_error(place.name) for place in self.group.places()
        )

    def _is_chosen(self) -> bool:
        """Whether a value differs from what it is when nobody says anything."""
        if self.is_item or self.group.is_repeated:
            return bool(self.group.parts)
        return any(
            str(self.form[place.name].value() or "") != str(place.write(place.default) or "")
            for place in self.group.places()
            if not self.group.is_optional or self.form[place.name].value()
        )


class ConfigForm(forms.Form):
    """A training config, value by value. The config itself says whether it is one: see `config` after is_valid()."""

    def __init__(self, values: Mapping[str, Any] | None = None, typed: Mapping[str, str] | None = None, **options: Any):
        """
        values  nested, as TrainingConfig has them: what is shown first
        typed   what was sent; the repeated groups are as long as what was sent says
        """
        shown = values if typed is None else _items(typed)
        self.shape = schema.form_of(TrainingConfig, shown or {}, own=_("Training"))
        self.places = {place.name: place for group in self.shape for place in group.places()}
        self.group_errors: dict[str, list[str]] = {}
        self.config: TrainingConfig | None = None
        given = schema.flat(values or {})
        first = {
            name: place.write(given.get(name, None if self._is_optional(name) else place.default))
            for name, place in self.places.items()
        }
        super().__init__(typed, initial=first, prefix=HALF, **options)
        for place in self.places.values():
            self.fields[place.name] = _field(place, in_optional_group=self._is_optional(place.name))

    @property
    def groups(self) -> list[ShownGroup]:
        own = next(number for number, group in enumerate(self.shape) if not group.name)
        return [ShownGroup(self, group, is_first=number <= own) for number, group in enumerate(self.shape)]

    @property
    def values(self) -> dict[str, Any]:
        """What was typed or is shown, as nested values, right or not."""
        typed = {name: self[name].value() for name in self.places}
        return schema.read(
            self.shape, {name: str(value) for name, value in typed.items() if value not in (None, False)}
        )

    @property
    def listed_errors(self) -> list[tuple[BoundField, str]]:
        """Every field that was refused with its sentence, in the order of the page: for the summary above it."""
        return [(self[name], str(sentence)) for name in self.places for sentence in self[name].errors]

    def clean(self) -> dict[str, Any]:
        try:
            self.config = TrainingConfig.checked(self.values)
        except ConfigRefused as refused:
            # An empty field has its sentence already.
            self.refuse({name: said for name, said in refused.fields.items() if name not in self.errors})
        return self.cleaned_data

    def refuse(self, sentences: Mapping[str, str]) -> None:
        """Each sentence at its field, or at the group that holds it, or above the form."""
        groups = {group.name for whole in self.shape for group in whole.groups() if group.name}
        if sentences:
            self.config = None
        for name, sentence in ((name, told(said)) for name, said in sentences.items()):
            nearest = name
            while nearest and nearest not in self.fields and nearest not in groups:
                nearest = nearest.rpartition(".")[0]
            if nearest in self.fields:
                self.add_error(nearest, sentence)
            else:
                self.add_error(None, sentence)
                if nearest:
                    self.group_errors.setdefault(nearest, []).append(sentence)

    def _is_optional(self, name: str) -> bool:
        """Whether the place belongs to a group that may be left out whole."""
        return any(
            group.is_optional and name.startswith(f"{group.name}.") for whole in self.shape for group in whole.groups()
        )


class RunNameForm(forms.Form):
    """What a run, or a config that is kept, is called."""

    name = forms.CharField(
        label=gettext_lazy("Name of this run"),
        max_length=TrainingRun._meta.get_field("name").max_length,
        help_text=gettext_lazy("How you will find it in lists and comparisons."),
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "off"}),
    )


class SaveForm(forms.Form):
    """A config under a name. The name of another one is refused: that one would be lost."""

    def __init__(self, typed: Mapping[str, str], over: SavedConfig | None):
        super().__init__(typed)
        self.over = over

    name = forms.CharField(max_length=SavedConfig._meta.get_field("name").max_length)

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        others = SavedConfig.objects.exclude(pk=self.over.pk) if self.over else SavedConfig.objects.all()
        if others.filter(name=name).exists():
            raise forms.ValidationError(
                _("A config of this name is kept already. Choose another name, or load that one to change it.")
            )
        return name


class ImportForm(forms.Form):
    """A config as TOML, from a file or pasted."""

    file = forms.FileField(
        label=gettext_lazy("TOML file"),
        required=False,
        widget=forms.ClearableFileInput(attrs={"accept": ".toml,application/toml,text/plain"}),
    )
    text = forms.CharField(
        label=gettext_lazy("or its text"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "dir": "ltr", "class": "mono", "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        file, text = given.get("file"), given.get("text", "")
        if file and file.size > LARGEST_TOML:
            raise forms.ValidationError(_("This file is too large for a config. Choose the TOML file of a run."))
        if file:
            try:
                text = file.read().decode()
            except UnicodeDecodeError as error:
                raise forms.ValidationError(_("This file is no text. Choose the TOML file of a run.")) from error
        if not text.strip():
            raise forms.ValidationError(_("Choose a TOML file or paste its text."))
        try:
            given["config"] = TrainingConfig.from_toml(text)
        except ConfigRefused as refused:
            raise forms.ValidationError(
                [f"{name}: {sentence}" if name != "config" else sentence for name, sentence in refused.fields.items()]
            ) from refused
        return given


def _items(typed: Mapping[str, str]) -> dict[str, Any]:
    """Nested values with as many items in each list as the names of what was typed speak of."""
    values: dict[str, Any] = {}
    for name in typed:
        half, _dash, path = name.partition("-")
        parts = path.split(".")
        if half == HALF and len(parts) > 2 and parts[1].isdigit():
            items = values.setdefault(parts[0], [])
            items.extend({} for _ in range(min(int(parts[1]), 99) + 1 - len(items)))
    return values


def _field(place: schema.Place, in_optional_group: bool) -> forms.Field:
    shown: dict[str, Any] = {"label": told(place.title), "help_text": _help(place), "required": False}
    if place.kind == "yes":
        return forms.BooleanField(**shown)
    may_be_empty = place.is_optional or in_optional_group or place.kind == "numbers"
    shown["required"] = not may_be_empty and place.default != ""
    if place.kind == "choice":
        choices = [(str(value), told(title)) for value, title in place.choices]
        widget: forms.Widget = forms.Select(choices=[("", "–"), *choices] if may_be_empty else choices)
    else:
        widget = forms.TextInput(attrs=_attributes(place))
    return forms.CharField(widget=widget, **shown)


def _attributes(place: schema.Place) -> dict[str, str]:
    """Text fields also for numbers: a browser's number field hides what it takes for no number from everybody."""
    keyboard = {"whole": "numeric", "number": "decimal"}.get(place.kind, "")
    attributes = {"autocomplete": "off", "spellcheck": "false", "dir": "ltr"}
    return {**attributes, "inputmode": keyboard} if keyboard else attributes


def _help(place: schema.Place) -> SafeString:
    """What it is, its range and what it is when nobody says anything."""
    facts = [*_bounds(place)]
    if place.examples and place.kind == "text":
        facts.append(_("for example %(values)s") % {"values": ", ".join(place.examples)})
    if place.kind in ("whole", "number") and place.default is not None:
        facts.append(_("usually %(value)s") % {"value": place.write(place.default)})
    said = told(place.help)
    return format_html("{} {}", said, _facts(facts)) if facts else format_html("{}", said)


def _only(part: schema.Place | schema.Group) -> str:
    """{"name of a field": [its values with which this part matters]} as JSON; empty where it always does."""
    return json.dumps({f"{HALF}-{name}": values for name, values in part.only}) if part.only else ""


def _bounds(place: schema.Place) -> Iterable[str]:
    low = place.least if place.least is not None else place.above
    high = place.most if place.most is not None else place.below
    if low is not None and high is not None:
        words = {"low": f"{low:,}", "high": f"{high:,}"}
        open_low, open_high = place.least is None, place.most is None
        if open_low and open_high:
            yield _("between %(low)s and %(high)s") % words
        elif open_low:
            yield _("above %(low)s, at most %(high)s") % words
        elif open_high:
            yield _("from %(low)s, below %(high)s") % words
        else:
            yield _("%(low)s to %(high)s") % words
    if place.multiple is not None:
        yield _("a multiple of %(value)s") % {"value": place.multiple}


def _facts(facts: list[str]) -> SafeString:
    return format_html('<span class="nobreaks">({})</span>', format_html_join("; ", "{}", ((fact,) for fact in facts)))
