"""A case → what the model says; what it said → a second model's verdict. Prompts are files with a version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, StringConstraints

from clinic.integrations.language import LanguageModel, Told
from reports.study.cases import Case
from reports.study.statistics import Arm, Verdict

PROMPTS = Path(__file__).parent / "prompts"
DIAGNOSE, GRADE = "diagnose-1", "grade-1"
MOST_TOKENS = 200  # of a reply: a name and a code
BEGIN, END = "=== CASE ===", "=== END OF CASE ==="


class Named(BaseModel):
    """No reasons: they would tell a grader whether there were labels."""

    diagnosis: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200)]
    code: Annotated[str, StringConstraints(strip_whitespace=True, max_length=16)] = ""


class Judged(BaseModel):
    verdict: Verdict


def prompt(case: Case, arm: Arm) -> str:
    """The interview as JSON. The arms differ in the labels and in nothing else; the diagnosis is in neither."""
    left_out = {"emotions"} if arm == Arm.WITHOUT else set()
    history = [exchange.model_dump(mode="json", exclude=left_out) for exchange in case.history]
    return f"{BEGIN}\n{json.dumps(history, ensure_ascii=False, indent=1)}\n{END}"


def diagnose(model: LanguageModel, case: Case, arm: Arm, seed: int, temperature: float) -> Told[Named]:
    """Raises LanguageModelError."""
    system, asked = _system(DIAGNOSE), prompt(case, arm)
    return model.ask(system, asked, Named, seed=seed, temperature=temperature, most_tokens=MOST_TOKENS)


def grade(model: LanguageModel, case: Case, said: str) -> Told[Judged]:
    """Blind: the second model sees the answer, and neither the arm nor the interview. Raises LanguageModelError."""
    both = json.dumps({"right": case.diagnosis, "answer": said}, ensure_ascii=False)
    return model.ask(_system(GRADE), f"{BEGIN}\n{both}\n{END}", Judged, most_tokens=MOST_TOKENS)


def _system(name: str) -> str:
    return (PROMPTS / f"{name}.txt").read_text(encoding="utf-8")
