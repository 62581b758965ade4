"""Say what is installed, reachable or missing here, and what each absence costs. Ends with 1 when nothing could run."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from clinic.config import findings

WORDS = {"good": "ok", "missing": "MISSING", "off": "off", "warning": "CAREFUL"}


class Command(BaseCommand):
    help = __doc__
    requires_system_checks: list[str] = []  # what is wrong is what we are here to say

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *, json: bool, **_: Any) -> None:
        found = findings.everything()
        self.stdout.write(_as_json(found) if json else _as_table(found))
        if any(finding.is_fatal for finding in found):
            sys.exit(1)


def _as_json(found: list[findings.Finding]) -> str:
    return json.dumps([finding.as_dict() for finding in found], indent=2, ensure_ascii=False)


def _as_table(found: list[findings.Finding]) -> str:
    width = max(len(finding.name) for finding in found)
    lines = []
    for finding in found:
        lines.append(f"{WORDS[finding.state]:<8} {finding.name:<{width}}  {finding.detail}")
        if finding.state != "good":
            lines.append(f"{'':<8} {'':<{width}}  {finding.cost}")
    fatal = [finding.name for finding in found if finding.is_fatal]
    lines.append("")
    lines.append(f"Cannot run without: {', '.join(fatal)}." if fatal else "Everything essential is here.")
    return "\n".join(lines)
