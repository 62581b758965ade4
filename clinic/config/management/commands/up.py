"""Start everything with one command: broker, web, workers and schedule; Ctrl-C stops them all."""

from __future__ import annotations

import http.client
import os
import shlex
import socket
import threading
import time
from argparse import ArgumentParser
from typing import Any

import honcho.manager
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from clinic.config import embedded, findings, leash, programs
from clinic.config.management.commands import demo
from clinic.config.running import AlreadyUp, Hold
from clinic.models import User

# Honcho's own 5 s would kill a task that is about to end; the leashes do the waiting.
STOP_PATIENCE = leash.OUTLAST + leash.WARM + leash.COLD  # seconds
FIRST_PAGE_PATIENCE = 120.0  # seconds
ASKED_TO_STOP = (130, 143)  # honcho's codes for Ctrl-C and SIGTERM


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, help="another port than PORT says")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--without-workers", action="store_true", help="broker and web only; answers wait")
        which.add_argument("--only-workers", action="store_true", help="workers and schedule only")

    def handle(self, *, port: int | None, without_workers: bool, only_workers: bool, **_: Any) -> None:
        if port:
            # Said to the children through the environment, so that every link agrees.
            os.environ["PORT"] = str(port)
            settings.PORT = port
            if "SITE_URL" not in os.environ:
                settings.SITE_URL = f"http://{settings.HOST}:{port}"
        try:
            started = self._programs(with_site=not only_workers, with_workers=not without_workers)
        except (AlreadyUp, embedded.NoBroker) as error:
            raise CommandError(str(error)) from error
        self._run(started, with_site=not only_workers)

    def _programs(self, *, with_site: bool, with_workers: bool) -> list[programs.Program]:
        started: list[programs.Program] = []
        folder = settings.VAR_DIR / "run"
        # Kept on the command: a lock falls when its file is closed.
        self.holds = [Hold(folder, name) for name, wanted in [("site", with_site), ("workers", with_workers)] if wanted]
        for hold in self.holds:
            hold.take()
        for hold in self.holds:
            hold.sign(settings.SITE_URL)
        lock = self.holds[0].path
        if with_site:
            _port_is_free(settings.HOST, settings.PORT)
        if not settings.REDIS_URL and not embedded.broker_answers(settings.BROKER_SOCKET):
            started.append(programs.broker(lock))
        if with_site:
            started.append(programs.web(lock))
        if with_workers:
            started += programs.workers(lock)
        return started

    def _run(self, started: list[programs.Program], *, with_site: bool) -> None:
        honcho.manager.KILL_WAIT = STOP_PATIENCE
        manager = honcho.manager.Manager()
        for program in started:
            command = f"exec {shlex.join(program.command)}"
            manager.add_process(program.name, command, env=program.environment(), cwd=str(settings.BASE_DIR))
        if with_site:
            # A little later: honcho forks its children first, and a fork should not meet a thread.
            welcome = threading.Timer(1.0, self._welcome)
            welcome.daemon = True
            welcome.start()
        try:
            manager.loop()
        except KeyError:
            manager.returncode = ASKED_TO_STOP[0]  # honcho, when it is stopped before every program has a process
        finally:
            for hold in self.holds:
                hold.drop()  # whatever still runs ends now
        if manager.returncode not in ASKED_TO_STOP:
            raise CommandError("One program could not be kept running (its last lines are above), so all were stopped.")
        self.stdout.write("Everything has stopped.")

    def _welcome(self) -> None:
        """The address, who can sign in, and what is missing, once the first page answers."""
        if not _first_page(FIRST_PAGE_PATIENCE):
            self.stdout.write(f"No page came from {settings.SITE_URL} within {FIRST_PAGE_PATIENCE:.0f} s; see above.")
            return
        lines = ["", f"  Anamnesis is ready: {settings.SITE_URL}/", *_demo_accounts()]
        lines += [f"  Missing: {finding.name}. {finding.cost}" for finding in findings.missing_extras()]
        lines += ["  Ctrl-C stops everything.", ""]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()


def _demo_accounts() -> list[str]:
    """Who can sign in, where this is the demo clinic and its passwords are still the known ones."""
    staff = User.objects.filter(email__endswith=demo.DOMAIN, is_active=True).exclude(role=User.Role.PATIENT)
    known = [user for user in staff.order_by("pk") if user.check_password(demo.PASSWORD)]
    connection.close()  # this thread's own
    if not known:
        return []
    lines = [f"    {user.email:<28} {user.get_role_display()}" for user in known]
    return [f"  Demo accounts (password {demo.PASSWORD}):", *lines, "  A patient's link: manage.py demo --new-link"]


def _port_is_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError as error:
            raise CommandError(f"This user may not listen on port {port}; choose one above 1024: PORT=8000.") from error
        except OSError as error:
            raise CommandError(
                f"Port {port} of {host} cannot be had ({error.strerror}); another program may listen there. "
                f"Choose another: PORT={port + 1} make run"
            ) from error


def _first_page(patience: float) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.HOST, settings.HOST)  # noqa: S104 (compared, not bound)
    until = time.monotonic() + patience
    while time.monotonic() < until:
        connection = http.client.HTTPConnection(host, settings.PORT, timeout=30)
        try:
            connection.request("GET", "/accounts/login/", headers={"Host": settings.SITE_HOST})
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            time.sleep(0.2)
        finally:
            connection.close()
    return False
