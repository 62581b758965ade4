"""Make this folder ready to start: browser files, tables, static files, and a demo clinic where nobody is yet.

May run as often as you like: what is there stays as it is.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.core.management.base import BaseCommand

from clinic.config import browser_files

# What packages bring along and no page of ours asks for: compressing it took longer than all the rest.
UNUSED = ["rest_framework", "ext", "htmax*", "htmx-?.js"]


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--without-demo", action="store_true", help="leave an empty database empty")

    def handle(self, *, without_demo: bool, **_: Any) -> None:
        settings.VAR_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(browser_files.NothingToInstall):
            self.stdout.write(browser_files.install(settings.BASE_DIR / "package.json", settings.NODE_MODULES.parent))
        call_command("migrate", interactive=False, verbosity=0)
        self._collect()
        if not get_user_model().objects.exists() and not without_demo:
            self._demo()

    def _collect(self) -> None:
        """Only when a source changed: collecting hashes and compresses every file anew."""
        stamp = settings.VAR_DIR / "run" / "static.sha256"
        sources = _digest_of_sources()
        if stamp.exists() and stamp.read_text() == sources and settings.STATIC_ROOT.is_dir():
            return
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=UNUSED, stdout=io.StringIO())
        stamp.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        stamp.write_text(sources)
        self.stdout.write("Static files collected.")

    def _demo(self) -> None:
        if settings.SITE_HOST not in settings.LOCAL_HOSTS:
            # Its passwords are printed on the screen: nothing for a site that others can reach.
            self.stdout.write("No demo clinic is made for a site that others can reach (`manage.py demo` makes one).")
            return
        call_command("demo", stdout=self.stdout)


def _digest_of_sources() -> str:
    total = hashlib.sha256()
    for finder in finders.get_finders():
        for name, storage in sorted(finder.list([]), key=lambda pair: pair[0]):
            status = Path(storage.path(name)).stat()
            total.update(f"{storage.location} {name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return total.hexdigest()
