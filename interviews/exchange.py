"""Question sets as JSON, out and in: the form of the files in `sets/`, with a version. Pure.

What comes in is checked whole before anything is kept, and each thing that is wrong is told with its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from interviews.disorders import is_code_of_ours
from interviews.questions import Asked, CuratedSet

FORMAT = "anamnesis-question-set-1"
LARGEST = 200_000  # bytes of a file


class ImportRefused(Exception):
    """What is wrong, as pairs of a place ("questions.3.text") and a sentence."""

    def __init__(self, faults: Iterable[tuple[str, str]]):
        self.faults = list(faults)
        super().__init__("; ".join(f"{place}: {sentence}" for place, sentence in self.faults))


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class _Question(_Strict):
    text: str = Field(min_length=1, max_length=1_000)
    hint: str = Field(default="", max_length=300)


class _Disorder(_Strict):
    name: str = Field(min_length=1, max_length=120)
    slug: str = Field(min_length=1, max_length=120, pattern=r"^[a-z0-9-]+$")
    icd10: str = Field(default="", max_length=12)
    description: str = Field(default="", max_length=2_000)

    @field_validator("icd10")
    @classmethod
    def is_ours(cls, code: str) -> str:
        if code and not is_code_of_ours(code):
            raise ValueError(_("This is not a code of ICD-10, chapter V (F00 to F99)."))
        return code


class _Set(_Strict):
    format: str = FORMAT
    disorder: _Disorder
    title: str = Field(min_length=1, max_length=160)
    language: str
    licence: str = Field(default="", max_length=120)
    source: str = Field(default="", max_length=500)
    questions: list[_Question] = Field(min_length=1, max_length=40)

    @field_validator("format")
    @classmethod
    def is_known(cls, name: str) -> str:
        if name != FORMAT:
            raise ValueError(_("This form is not known here; this one is: %(format)s.") % {"format": FORMAT})
        return name

    @field_validator("language")
    @classmethod
    def is_spoken(cls, code: str) -> str:
        known = [code for code, _name in settings.LANGUAGES]
        if code not in known:
            raise ValueError(_("Only these languages are known: %(codes)s.") % {"codes": ", ".join(known)})
        return code


def write(question_set: CuratedSet, source: str = "") -> str:
    """As JSON that `read` takes back."""
    data = {
        "format": FORMAT,
        "disorder": {
            "name": question_set.name,
            "slug": question_set.slug,
            "icd10": question_set.icd10,
            "description": question_set.description,
        },
        "title": question_set.title,
        "language": question_set.language,
        "licence": question_set.licence,
        "source": source,
        "questions": [{"text": asked.text, "hint": asked.hint} for asked in question_set.questions],
    }
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def read(text: str) -> CuratedSet:
    """Raises ImportRefused."""
    if len(text.encode()) > LARGEST:
        raise ImportRefused([("", _("The file is too large for a question set."))])
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = re.search(r"line (\d+)", str(error))
        place = _("line %(line)s") % {"line": where.group(1)} if where else ""
        raise ImportRefused([(place, _("This is not JSON."))]) from error
    try:
        found = _Set.model_validate(data)
    except ValidationError as error:
        raise ImportRefused(_told(one) for one in error.errors(include_url=False)) from error
    return CuratedSet(
        **found.disorder.model_dump(),
        title=found.title,
        language=found.language,
        licence=found.licence,
        questions=tuple(Asked(one.text, one.hint) for one in found.questions),
    )


def _told(error: Mapping[str, Any]) -> tuple[str, str]:
    # Places are counted from 1, as the page counts them.
    place = ".".join(str(part + 1) if isinstance(part, int) else part for part in error["loc"])
    return place, _sentence(error)


def _sentence(error: Mapping[str, Any]) -> str:
    about = error.get("ctx", {})
    known = {
        "missing": _("It is missing."),
        "extra_forbidden": _("Nothing of this name belongs here."),
        "string_type": _("It has to be text."),
        "string_too_short": _("It is empty."),
        "string_too_long": _("It has more than %(most)s characters.") % {"most": about.get("max_length")},
        "string_pattern_mismatch": _("Only small Latin letters, digits and hyphens may stand here."),
        "too_short": _("There is no question."),
        "too_long": _("There are more than %(most)s questions.") % {"most": about.get("max_length")},
    }
    if error["type"] == "value_error":
        return str(about["error"])
    return known.get(error["type"], _("It does not have the form that is needed."))
