"""The catalogue of translations: gather what is marked, check that nothing is missing, compile.

manage.py messages gather    write new strings into clinic/locale/*/LC_MESSAGES/django.po, keep what is translated
manage.py messages check     name each string that is missing, fuzzy or stale, or whose placeholders differ
manage.py messages compile   what every start does by itself where the catalogue changed
"""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

import polib
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from clinic.config import gathering, translations


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("what", choices=["gather", "check", "compile"])

    def handle(self, *, what: str, **_: Any) -> None:
        if what == "compile":
            done = translations.compile_where_changed(settings.LOCALE_PATHS[0])
            self.stdout.write(f"Compiled: {', '.join(done) or 'nothing, all is as it was'}.")
            return
        for path in sorted(translations.SOURCES.glob("*/LC_MESSAGES/django.po")):
            catalogue = polib.pofile(str(path), encoding="utf-8", wrapwidth=118)
            marked = gathering.gather(settings.BASE_DIR)
            if what == "gather":
                catalogue = gathering.merge(catalogue, marked)
                catalogue.save(str(path))
            self._tell(path.parent.parent.name, catalogue, gathering.faults(catalogue, marked), what)

    def _tell(self, language: str, catalogue: polib.POFile, faults: list[str], what: str) -> None:
        for fault in faults if what == "check" else ():
            self.stderr.write(f"{language}: {fault}")
        sentence = f"{language}: {len(catalogue)} strings, {len(faults)} of them not right."
        if faults and what == "check":
            raise CommandError(sentence)
        self.stdout.write(sentence)
