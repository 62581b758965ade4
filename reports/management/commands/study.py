"""The emotion-label study from a terminal."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from clinic.models import User
from reports.errors import ReportError
from reports.study import exporting, queries, services, tasks, telling
from reports.study.cases import published, read_cases, shipped
from reports.study.queries import ASK, JUDGE
from reports.study.rows import Study
from reports.study.statistics import results


class Command(BaseCommand):
    help = "published | list | run NAME | go-on ID | grade ID | report ID: the emotion-label study, on made cases only"

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(
            dest="verb", required=True, metavar="published | list | run | go-on | grade | report"
        )
        verbs.add_parser("published", help="the predecessor's fifteen verdicts, evaluated again")
        verbs.add_parser("list", help="every study and how far it is")
        run = verbs.add_parser("run", help="make a study and ask its cases, here and now")
        run.add_argument("name")
        run.add_argument("--by", required=True, metavar="E-MAIL", help="the engineer whose study it is")
        run.add_argument("--cases", type=Path, help="a file of made cases (left out: the twelve that are shipped)")
        run.add_argument("--model", default="", help="as Ollama names it (left out: the settings' one)")
        run.add_argument("--runs", type=int, default=1)
        run.add_argument("--seed", type=int, default=1)
        verbs.add_parser("go-on", help="ask what is missing, and what failed once more").add_argument("study", type=int)
        grade = verbs.add_parser("grade", help="have a second model grade; people do it on the study's page")
        grade.add_argument("study", type=int)
        grade.add_argument("--model", required=True)
        report = verbs.add_parser("report", help="the figures")
        report.add_argument("study", type=int)
        form = report.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", dest="as_json")
        form.add_argument("--csv", action="store_true", dest="as_csv")

    def handle(self, *_: Any, verb: str, **options: Any) -> None:
        verbs: dict[str, Callable[..., None]] = {
            "published": self.published,
            "list": self.list,
            "run": self.run,
            "go-on": self.go_on,
            "grade": self.grade,
            "report": self.report,
        }
        try:
            verbs[verb](**options)
        except (ReportError, OSError) as error:
            raise CommandError(str(error)) from error

    def published(self, **_: Any) -> None:
        found = results(published().by_case)
        self.stdout.write(published().title)
        for line in telling.lines(found) if found else ():
            self.stdout.write(line)
        self.stdout.write(telling.what_it_shows())

    def list(self, **_: Any) -> None:
        studies = list(queries.all_studies())
        places = queries.places(studies)
        for study in studies:
            place = places[study.pk]
            self.stdout.write(f"{study.pk:6} {place.state:9} {place.done:5}/{place.all:<5} {study.name}")

    def run(self, name: str, by: str, cases: Path | None, model: str, runs: int, seed: int, **_: Any) -> None:
        engineer = User.objects.filter(email__iexact=by, role=User.Role.ENGINEER).first()
        if engineer is None:
            raise CommandError(f"{by} is no engineer here.")
        asked = read_cases(cases.read_bytes()) if cases else shipped()
        study = services.new_study(engineer, name, asked, runs, seed, model)
        self._work(study, ASK)

    def go_on(self, study: int, **_: Any) -> None:
        found = self._study(study)
        services.go_on(found, ASK)
        self._work(found, ASK)

    def grade(self, study: int, model: str, **_: Any) -> None:
        found = self._study(study)
        services.ask_to_judge(found, model)
        found.refresh_from_db()
        self._work(found, JUDGE)
        self.report(study, False, False)

    def report(self, study: int, as_json: bool, as_csv: bool, **_: Any) -> None:
        found = self._study(study)
        if as_json:
            self.stdout.write(json.dumps(exporting.as_data(found), ensure_ascii=False, indent=1))
        elif as_csv:
            self.stdout.write(exporting.as_csv(found), ending="")
        else:
            self._tell(found)

    def _tell(self, study: Study) -> None:
        for one in queries.judged(study):
            kind = "a model" if one.grader.is_model else "a person"
            self.stdout.write(f"Graded by {one.grader.name} ({kind}), {len(one.grader.verdicts)} of {one.all} answers")
            for line in telling.lines(one.results) if one.results else ():
                self.stdout.write(line)
        for pair in queries.pairs(study):
            self.stdout.write(telling.agreement_line(pair.one, pair.other, pair.agreement))
        self.stdout.write(telling.what_it_shows())

    def _work(self, study: Study, stage: str) -> None:
        if not tasks.work_here(study, stage):
            raise CommandError(f"Study {study.pk} is in the hands of a worker. Its page shows how far it is.")
        place = queries.place(study)
        counted = f"{place.done} of {place.all} answers, {place.failed} failed"
        self.stdout.write(f"Study {study.pk}, {study.name}: {place.state}, {counted}.")
        if place.state == "failed":
            raise CommandError(place.reason)

    def _study(self, pk: int) -> Study:
        found = Study.objects.filter(pk=pk).first()
        if found is None:
            raise CommandError(f"There is no study {pk}. See: manage.py study list")
        return found
