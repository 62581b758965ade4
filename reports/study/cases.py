"""Cases as JSON: questions, answers with emotion labels, the diagnosis behind them. Made, never a patient's."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from reports.errors import ReportError
from reports.study.statistics import Arm, Graded, Verdict

HERE = Path(__file__).parent
MOST_BYTES = 1_000_000
MOST_CASES = 200
SHOWN_FAULTS = 5

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^[^\W\d_]{2,24}$")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[\w.-]{1,24}$")]
Code = Annotated[str, StringConstraints(pattern=r"^([A-Z]\d\d(\.\d{1,2})?)?$")]  # ICD-10; may be left out
Checked = TypeVar("Checked", bound=BaseModel)


class CasesError(ReportError):
    """The file cannot be used; the text names what is wrong with it, not what stands in it."""


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Exchange(Strict):
    """One question, what was answered, and which emotions the answer was written with."""

    question: Line
    answer: Said
    emotions: tuple[Label, ...] = Field(min_length=1, max_length=4)


class Case(Strict):
    id: Name
    diagnosis: Line
    code: Code = ""
    history: tuple[Exchange, ...] = Field(min_length=1, max_length=40)

    @field_validator("id", mode="before")
    @classmethod
    def _numbers_are_names(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Cases(Strict):
    title: Line
    source: Line = "Made for this study."
    cases: tuple[Case, ...] = Field(min_length=1, max_length=MOST_CASES)

    @model_validator(mode="after")
    def _each_name_once(self) -> Cases:
        must_differ(case.id for case in self.cases)
        return self


class JudgedCase(Strict):
    """A case of which only the verdicts are known: one for each run, by arm."""

    case: Name
    without: tuple[Verdict, ...] = Field(min_length=1)
    with_labels: tuple[Verdict, ...] = Field(min_length=1, alias="with")


class Judged(Strict):
    title: Line
    source: Line
    cases: tuple[JudgedCase, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_name_once(self) -> Judged:
        must_differ(case.case for case in self.cases)
        return self

    @property
    def by_case(self) -> dict[str, Graded]:
        return {one.case: {Arm.WITHOUT: one.without, Arm.WITH: one.with_labels} for one in self.cases}


def read_cases(text: str | bytes) -> Cases:
    """Raises CasesError."""
    return _read(text, Cases)


def read_verdicts(text: str | bytes) -> Judged:
    """Raises CasesError."""
    return _read(text, Judged)


@cache
def shipped() -> Cases:
    """Twelve vignettes written for this study: invented people, one language, one author."""
    return read_cases((HERE / "vignettes.json").read_bytes())


@cache
def published() -> Judged:
    """The fifteen verdicts that the predecessor published: one grader who knew the arms, one run."""
    return read_verdicts((HERE / "published.json").read_bytes())


def must_differ(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(_("the case %(name)s is there twice") % {"name": name})
        seen.add(name)


def _read(text: str | bytes, shape: type[Checked]) -> Checked:
    if len(text) > MOST_BYTES:
        raise CasesError(_("A file of cases may have %(most)s bytes at most.") % {"most": f"{MOST_BYTES:,}"})
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CasesError(_("This is not JSON.")) from error
    try:
        return shape.model_validate(found)
    except ValidationError as error:
        raise CasesError(_faults(error)) from error


def _faults(error: ValidationError) -> str:
    """Where and what; never the value itself."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    told = [f"{'.'.join(map(str, one['loc'])) or '–'}: {one['msg']}" for one in found[:SHOWN_FAULTS]]
    if len(found) > SHOWN_FAULTS:
        told.append(_("and %(count)s more") % {"count": len(found) - SHOWN_FAULTS})
    return _("These cases cannot be used. %(faults)s") % {"faults": "; ".join(told)}
