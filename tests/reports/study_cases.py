"""A small study, and a model that takes part in it without thinking."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from clinic.integrations.language import Told
from clinic.models import User
from reports.study import services
from reports.study.asking import Judged
from reports.study.cases import Cases, read_cases
from reports.study.rows import Study, StudyReply
from reports.study.statistics import Verdict


def some_cases(count: int = 3) -> Cases:
    made = [
        {
            "id": str(number),
            "diagnosis": "Panic disorder",
            "code": "F41.0",
            "history": [{"question": "How are you?", "answer": f"Answer {number}.", "emotions": ["fearful"]}],
        }
        for number in range(1, count + 1)
    ]
    return read_cases(json.dumps({"title": "Some cases", "cases": made}))


def a_study(engineer: User, count: int = 3, **fields: Any) -> Study:
    return services.new_study(engineer, fields.pop("name", "Pilot"), some_cases(count), **fields)


@dataclass
class Reader:
    """Names the disorder where it sees labels, and another where not; judges by the first letter. `failing`: errors it
    raises first, one for each question."""

    failing: list[Exception | None] = field(default_factory=list)
    engine: str = "scripted reader"
    asked: list[dict[str, Any]] = field(default_factory=list)

    def check(self) -> str:
        return "d" * 64

    def ask(self, system: str, prompt: str, shape: Any, *_: Any, **options: Any) -> Told:
        self.asked.append({"system": system, "prompt": prompt, **options})
        if self.failing and (error := self.failing.pop(0)):
            raise error
        if shape is Judged:
            said = {"verdict": "yes" if '"answer": "Panic' in prompt else "no"}
        else:
            said = {"diagnosis": "Panic disorder" if "emotions" in prompt else "Asthma", "code": "F41.0"}
        return Told(shape.model_validate(said), self.engine, self.check(), 1)


def answered(study: Study, model: Any = None) -> Study:
    """All of it asked, and its job at rest."""
    from clinic import jobs
    from reports.study.queries import ASK

    services.ask_all(study, model or Reader(), lambda done, all_: None)
    job = jobs.claim(study.subject, ASK, jobs.new_owner())
    jobs.finish(job)
    return study


def grade_all(study: Study, by: User, verdict: Verdict | None = None) -> None:
    """As she would who sees what was said: yes where it is right."""
    for reply in StudyReply.objects.filter(study=study, state=StudyReply.State.DONE):
        right = Verdict.YES if reply.diagnosis == "Panic disorder" else Verdict.NO
        services.give_verdict(reply, by, verdict or right)


def states(replies: Iterable[StudyReply]) -> list[str]:
    return [reply.state for reply in replies]
