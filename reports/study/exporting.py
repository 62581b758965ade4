"""A study as data: everything that was asked, said and judged, with the figures."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from typing import Any

from reports.study import queries, telling
from reports.study.rows import Study, StudyReply, StudyVerdict

COLUMNS = ("case", "true diagnosis", "arm", "run", "seed", "state", "reason", "answer", "code", "engine", "digest")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run


def as_data(study: Study) -> dict[str, Any]:
    verdicts = _verdicts(study)
    return {
        "name": study.name,
        "made_at": study.created_at.isoformat(),
        "model": queries.asked_model(study),
        "runs": study.runs,
        "seed": study.seed,
        "temperature": study.temperature,
        "cases_sha256": study.cases_sha256,
        "cases": study.cases,
        "replies": [{**_reply(reply), "verdicts": verdicts[reply.pk]} for reply in study.replies.all()],
        "results": [
            {
                "grader": one.grader.name,
                "is_model": one.grader.is_model,
                "graded": len(one.grader.verdicts),
                "of": one.all,
                "figures": telling.as_data(one.results) if one.results else None,
            }
            for one in queries.judged(study)
        ],
        "agreement": [
            {
                "graders": [pair.one, pair.other],
                "shared": pair.agreement.shared,
                "same": pair.agreement.same,
                "kappa": pair.agreement.kappa,
            }
            for pair in queries.pairs(study)
        ],
        "limits": telling.what_it_shows(),
    }


def as_csv(study: Study) -> str:
    """A line a reply, a column a grader."""
    cases, verdicts = queries.cases_of(study), _verdicts(study)
    names = sorted({name for given in verdicts.values() for name in given})
    file = io.StringIO()
    table = csv.writer(file)
    table.writerow(_tame([*COLUMNS, *names]))
    for reply in study.replies.all():
        told = {**_reply(reply), "true diagnosis": cases[reply.case].diagnosis}
        table.writerow(
            _tame([*(told[name] for name in COLUMNS), *(verdicts[reply.pk].get(name, "") for name in names)])
        )
    return file.getvalue()


def _reply(reply: StudyReply) -> dict[str, Any]:
    return {
        "case": reply.case,
        "arm": reply.arm,
        "run": reply.run,
        "seed": reply.seed,
        "state": reply.state,
        "reason": reply.reason,
        "answer": reply.diagnosis,
        "code": reply.code,
        "engine": reply.engine,
        "digest": reply.engine_digest,
        "prompt": reply.prompt_version,
    }


def _verdicts(study: Study) -> dict[int, dict[str, str]]:
    """By reply, then by who gave it: a model's name says that it is one."""
    found: dict[int, dict[str, str]] = defaultdict(dict)
    for one in StudyVerdict.objects.filter(reply__study=study).select_related("grader"):
        name = f"{one.grader} (person {one.grader_id})" if one.grader else f"{one.engine} (model)"
        found[one.reply_id][name] = one.verdict
    return found


def _tame(cells: list[Any]) -> list[str]:
    return [f"'{cell}" if str(cell).startswith(FORMULA) else str(cell) for cell in cells]
