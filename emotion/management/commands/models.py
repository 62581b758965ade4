"""Models: what there is, fetch one of the catalogue, take a checkpoint into the registry."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from clinic.models import User
from emotion import catalogue
from emotion.errors import EmotionError, EmotionRoomError, PullInterrupted
from emotion.models import Checkpoint, FetchedModel
from emotion.services import pulling, registry

TRIES = 5  # of a line that breaks before anything arrived
WAIT = 2  # seconds, doubled with each try


class Command(BaseCommand):
    help = "list | pull NAME | import FILE: models of the catalogue, and checkpoints of the registry"

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="list | pull | import")
        verbs.add_parser("list", help="the catalogue, and what is here")
        pull = verbs.add_parser("pull", help="fetch a model of the catalogue, or go on with one")
        pull.add_argument("name")
        pull.add_argument(
            "--trust", metavar="SHA256", help="for a file without a published checksum: the one you expect it to have"
        )
        self._names_somebody(pull)
        imported = verbs.add_parser("import", help="keep a checkpoint file with its card in the registry")
        imported.add_argument("file", type=Path)
        imported.add_argument("--name", default="", help="what it is called (left out: the file's name)")
        self._names_somebody(imported)

    def handle(self, *_: Any, verb: str, **options: Any) -> None:
        verbs: dict[str, Callable[..., None]] = {"list": self.list, "pull": self.pull, "import": self.take}
        try:
            verbs[verb](**options)
        except (EmotionRoomError, EmotionError) as error:
            raise CommandError(str(error)) from error

    def list(self, **_: Any) -> None:
        here = {wanted.name: wanted for wanted in FetchedModel.objects.all()}
        for model in catalogue.models():
            self.stdout.write(f"{model.name:32} {_state(model, here.get(model.name)):14} {model.title}")
            self.stdout.write(f"{'':32} {model.licence}; learned from {', '.join(model.trained_on)}", self.style.NOTICE)
        for checkpoint in Checkpoint.objects.all():
            self.stdout.write(
                f"{checkpoint.file_sha256[:12]:32} {'in registry':14} {checkpoint.name} ({checkpoint.net})"
            )

    def pull(self, name: str, trust: str | None, by: str, **_: Any) -> None:
        model = catalogue.find(name)
        if model is None:
            raise CommandError(f"The catalogue has no model {name}. See: manage.py models list")
        person = _engineer(by)
        wanted = pulling.ask_for(model, person)
        self._fetch(wanted)
        if wanted.confirmed_how:
            self.stdout.write(f"{name} is here, with the checksum that {_who(wanted)}.")
        else:
            self._confirm(wanted, trust, person)

    def take(self, file: Path, name: str, by: str, **_: Any) -> None:
        kept = registry.register_checkpoint(file, by=_engineer(by), name=name)
        self.stdout.write(f"{kept.name}: {kept.net}, sha256 {kept.file_sha256}")

    def _fetch(self, wanted: FetchedModel) -> None:
        failed = 0
        while True:
            try:
                pulling.pull(wanted, on_bytes=self._show)
            except PullInterrupted as error:
                failed += 1
                if failed == TRIES:
                    raise
                self.stderr.write(f"\n{error} Trying again …")
                time.sleep(WAIT * 2 ** (failed - 1))
            else:
                return

    def _show(self, name: str, done: int, total: int | None) -> None:
        if self.stdout.isatty():
            share = f"{100 * done // total:3} % of {total / 1e6:.0f} MB" if total else f"{done / 1e6:.1f} MB"
            self.stdout.write(f"\r{name}: {share}", ending="\n" if done == total else "")

    def _confirm(self, wanted: FetchedModel, trust: str | None, by: User) -> None:
        """Nobody publishes a checksum: a person says whether to take what came."""
        for name, sha256 in wanted.checksums.items():
            self.stdout.write(f"{name}: sha256 {sha256}")
        if trust and set(wanted.checksums.values()) != {trust.lower()}:
            pulling.discard(wanted, by)
            raise CommandError("That is not the checksum you expect. What was fetched has been deleted.")
        if not trust and not (sys.stdin.isatty() and input("Nobody publishes a checksum. Take it? [y/N] ") == "y"):
            raise CommandError(
                "Nobody publishes a checksum for this model, so it is kept but not used. Compare the one above with a "
                "source you trust; then run this again with --trust SHA256, or confirm it on the page “Catalogue”."
            )
        pulling.confirm(wanted, by)
        self.stdout.write(f"{wanted.name} is here. Its checksum is written down: from now on it must stay the same.")

    def _names_somebody(self, parser: ArgumentParser) -> None:
        parser.add_argument("--by", default="", metavar="E-MAIL", help="which engineer asks (left out: the only one)")


def _engineer(email: str) -> User:
    engineers = User.objects.filter(role=User.Role.ENGINEER, is_active=True)
    found = list(engineers.filter(email__iexact=email) if email else engineers[:2])
    if len(found) != 1:
        raise CommandError("Say which ML engineer asks: --by E-MAIL. The audit log keeps who it was.")
    return found[0]


def _state(model: catalogue.Model, wanted: FetchedModel | None) -> str:
    if model.elsewhere:
        return "elsewhere"
    if wanted is None:
        return "–"
    if wanted.confirmed_how:
        return "here"
    return "to confirm" if pulling.is_here(wanted) else "unfinished"


def _who(wanted: FetchedModel) -> str:
    return "its publisher gives" if wanted.confirmed_how == pulling.PUBLISHED else f"{wanted.confirmed_by} confirmed"
