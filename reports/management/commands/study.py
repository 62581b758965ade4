"""The emotion-label study from a terminal."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reports.errors import ReportError
from reports.study import telling
from reports.study.cases import published
from reports.study.statistics import results


class Command(BaseCommand):
    help = "published: the emotion-label study, on made cases only"

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="published")
        verbs.add_parser("published", help="the predecessor's fifteen verdicts, evaluated again")

    def handle(self, *_: Any, verb: str, **options: Any) -> None:
        verbs: dict[str, Callable[..., None]] = {"published": self.published}
        try:
            verbs[verb](**options)
        except ReportError as error:
            raise CommandError(str(error)) from error

    def published(self, **_: Any) -> None:
        found = results(published().by_case)
        self.stdout.write(published().title)
        for line in telling.lines(found) if found else ():
            self.stdout.write(line)
        self.stdout.write(telling.what_it_shows())
