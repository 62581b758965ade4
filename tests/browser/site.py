"""The real site as its own process, with its own folder and database: what a browser in a test talks to."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
STARTS_WITHIN = 120  # seconds
STOPS_WITHIN = 30  # seconds

PREAMBLE = """
import json, sys
import django
django.setup()
answer = None
"""


class Site:
    """`web` alone (no broker at all), or everything that `manage.py up` starts, with or without its workers."""

    collected: Path | None = None  # the folder of the first one, whose static files the others share

    def __init__(self, folder: Path, **environment: str):
        self.folder, self.port = folder, _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "clinic.config.settings",
            "ANAMNESIS_VAR": str(folder),
            "SECRET_KEY": "tests-only",
            "MASTER_KEYS": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "DATABASE_URL": f"sqlite:///{folder / 'clinic.sqlite3'}",
            "SITE_URL": self.url,
            "PORT": str(self.port),
            "OLLAMA_HOST": "",
            "OMP_NUM_THREADS": "1",
            **environment,
        }
        for name in ("REDIS_URL", "DEBUG"):
            if name not in environment:
                self.environment.pop(name, None)
        self.running: list[subprocess.Popen] = []

    def prepare(self) -> None:
        if Site.collected:  # hashing and compressing the static files takes longer than all the rest: once is enough
            (self.folder / "static").symlink_to(Site.collected / "static")
            (self.folder / "run").mkdir(mode=0o700)
            shutil.copy(Site.collected / "run" / "static.sha256", self.folder / "run")
        browser_files = ROOT / "var" / "npm"
        if browser_files.is_dir() and not (self.folder / "npm").exists():
            (self.folder / "npm").symlink_to(browser_files)
        self.manage("prepare", "--without-demo")
        Site.collected = Site.collected or self.folder

    def start_web(self) -> None:
        """The web server without a broker: recording has to work all the same."""
        server = ["uvicorn", "clinic.config.asgi:application", "--host", "127.0.0.1", "--port", str(self.port)]
        self._start(sys.executable, "-m", *server, "--no-access-log")
        self._wait_for_page()

    def start_up(self, *options: str) -> None:
        """`manage.py up`; options such as --without-workers or --only-workers."""
        self._start(sys.executable, "manage.py", "up", *options)
        if "--only-workers" not in options:
            self._wait_for_page()

    def stop(self) -> None:
        for process in reversed(self.running):
            process.send_signal(signal.SIGINT)
        for process in reversed(self.running):
            try:
                process.wait(STOPS_WITHIN)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        self.running.clear()

    def manage(self, *arguments: str) -> None:
        self._check([sys.executable, "manage.py", *arguments])

    def run(self, code: str, **values: Any) -> Any:
        """What a piece of Python, run inside the site's own settings, leaves in `answer` (as JSON)."""
        given = "".join(f"{name} = json.loads({json.dumps(json.dumps(value))})\n" for name, value in values.items())
        with tempfile.NamedTemporaryFile("r", suffix=".json") as told:
            ending = f"\njson.dump(answer, open({told.name!r}, 'w'), default=str)\n"
            self._check([sys.executable, "-c", PREAMBLE + given + code + ending])
            return json.loads(told.read() or "null")

    def invite(self, questions: tuple[str, ...] = ("How have you been?", "What helps?"), spoken: bool = False) -> dict:
        """A new patient with an interview: {"link": …, "interview": pk, "answers": [pk, …]}."""
        made = self.run(INVITE, questions=list(questions), spoken=spoken)
        return {**made, "link": f"{self.url}/invitations/{made['token']}/"}

    @property
    def log(self) -> str:
        return (self.folder / "site.log").read_text(errors="replace")

    def _start(self, *command: str) -> None:
        with open(self.folder / "site.log", "ab") as log:
            self.running.append(
                subprocess.Popen(
                    command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
                )
            )

    def _wait_for_page(self) -> None:
        until = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"{self.url}/accounts/login/", timeout=5):
                    return
            except urllib.error.URLError:
                if self.running[-1].poll() is not None:
                    break
                time.sleep(0.1)
        raise AssertionError(f"The site did not start:\n{self.log}")

    def _check(self, command: list[str]) -> None:
        ended = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True)
        assert ended.returncode == 0, f"{command[1:4]} failed:\n{ended.stdout}\n{ended.stderr}"


INVITE = """
from itertools import count
from uuid import uuid4
from clinic.models import User
from clinic.services import admit_patient
from interviews import services
from interviews.models import Disorder, Question, QuestionSet
from interviews.services.questions import publish
from interviews.services.speaking import speak_questions

name = uuid4().hex[:12]
clinician = User.objects.filter(role=User.Role.CLINICIAN).first()
clinician = clinician or User.objects.create_user("dr.amari@clinic.example", "correct horse", name="Dr Amari")
disorder = Disorder.objects.create(name=f"Disorder {name}", slug=name)
made = QuestionSet.objects.create(disorder=disorder, title=f"Questions {name}")
for position, text in enumerate(questions, start=1):
    Question.objects.create(question_set=made, position=position, text=text)
made = publish(made, by=clinician)
if spoken:
    speak_questions(made)
interview = services.open_interview(admit_patient(clinician, "Mina Haddad"), made, by=clinician)
_, token = services.invite(interview, by=clinician)
answers = list(interview.answers.values_list("pk", flat=True))
answer = {"token": token, "interview": interview.pk, "answers": answers, "clinician": clinician.email}
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
