"""`manage.py up` for real: everything starts, everything stops, and nothing is left behind, however it ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from celery import Celery
from django.core.management import CommandError

from clinic.config.embedded import broker_socket
from clinic.config.management.commands.up import Command

ROOT = Path(__file__).parent.parent
STARTS_WITHIN = 120  # seconds
STOPS_WITHIN = 60  # seconds

pytestmark = pytest.mark.alone


class Up:
    """One folder, one port, and the `up`s started on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "clinic.config.settings",
            "ENV_FILE": os.devnull,
            "ANAMNESIS_VAR": str(folder),
            "PORT": str(self.port),
            "DATABASE_URL": f"sqlite:///{folder / 'clinic.sqlite3'}",
            "REDIS_URL": "",
        }
        self.started: list[subprocess.Popen] = []

    def run(self, *words: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "manage.py", *words]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=300)

    def start(self, *options: str, until: Callable[[Up], bool] | None = None) -> subprocess.Popen:
        """A new `up`, when its first page has answered (or `until` says so)."""
        command = [sys.executable, "manage.py", "up", *options]
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self.started.append(process)
        until = until or Up.is_ready
        wait(lambda: until(self) or process.poll() is not None, STARTS_WITHIN)
        assert process.poll() is None, self.log.read_text()
        assert until(self), self.log.read_text()
        return process

    def is_ready(self) -> bool:
        return self.log.read_text().count("Anamnesis is ready") >= len(self.started)

    def workers(self) -> set[str]:
        """The kinds of worker that answer a ping over the broker."""
        broker = Celery(broker=f"redis+socket://{broker_socket(self.folder)}?virtual_host=0")
        return {name.split("-")[0] for reply in broker.control.ping(timeout=2) for name in reply}

    def page(self) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/accounts/login/", timeout=30) as reply:
            return reply.read()

    @property
    def broker(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(broker_socket(self.folder)))

    @property
    def log(self) -> Path:
        path = self.folder / "up.log"
        path.touch()
        return path


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder made ready once; each test gets a copy."""
    up = Up(tmp_path_factory.mktemp("prepared"))
    ended = up.run("prepare", "--without-demo")
    assert ended.returncode == 0, ended.stderr
    return up.folder


@pytest.fixture
def up(tmp_path: Path, prepared: Path) -> Iterator[Up]:
    shutil.copytree(prepared, tmp_path / "var")
    up = Up(tmp_path / "var")
    yield up
    for process in up.started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    for process in up.started:
        process.wait(STOPS_WITHIN)


def test_everything_starts_and_ctrl_c_leaves_no_process_behind(up):
    process = up.start()
    assert b"csrfmiddlewaretoken" in up.page()
    assert wait(lambda: up.workers() == {"general", "gpu"}, 60), up.log.read_text()
    family = descendants(process.pid)
    assert sum("leash.py" in command for command in family.values()) == 5
    process.send_signal(signal.SIGINT)
    assert process.wait(STOPS_WITHIN) == 0, up.log.read_text()
    assert alive(family) == {}
    assert "Everything has stopped." in up.log.read_text()


def test_a_second_start_finds_what_the_first_one_kept(up):
    first = up.start("--without-workers")
    up.broker.set("kept", "yes")
    first.send_signal(signal.SIGTERM)
    assert first.wait(STOPS_WITHIN) == 0
    up.start("--without-workers")
    assert up.broker.get("kept") == b"yes"


def test_an_up_beside_a_running_one_says_so_and_does_no_harm(up):
    up.start("--without-workers")
    second = up.run("up")
    assert second.returncode == 1
    assert f"The site already runs at http://127.0.0.1:{up.port}" in second.stderr
    assert up.page()


def test_when_up_is_killed_outright_nothing_outlives_it(up):
    process = up.start()
    assert wait(lambda: up.workers() == {"general", "gpu"}, 60), up.log.read_text()
    family = descendants(process.pid)
    assert up.broker.info()["process_id"] in family
    process.kill()
    process.wait()
    assert wait(lambda: alive(family) == {}, STOPS_WITHIN), alive(family)


def test_workers_may_come_later_and_go_again(up):
    up.start("--without-workers")
    assert up.workers() == set()
    late = up.start("--only-workers", until=lambda up: up.workers() == {"general", "gpu"})
    late.send_signal(signal.SIGINT)
    assert late.wait(STOPS_WITHIN) == 0
    assert up.page()
    assert up.broker.ping()


def test_a_web_server_that_falls_is_started_again(up):
    process = up.start("--without-workers")
    [web] = [
        pid for pid, command in descendants(process.pid).items() if "-m uvicorn" in command and "leash" not in command
    ]
    os.kill(web, signal.SIGKILL)
    assert wait(lambda: web not in descendants(process.pid), 10)
    assert wait(lambda: answers(up), 60), up.log.read_text()


def test_a_taken_port_gets_a_sentence(up):
    with socket.socket() as other:
        other.bind(("127.0.0.1", up.port))
        other.listen()
        ended = up.run("up")
    assert ended.returncode == 1
    assert f"Port {up.port} of 127.0.0.1 cannot be had" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_with_a_redis_url_no_broker_is_started(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    settings.REDIS_URL = "redis://127.0.0.1:6379"
    names = [program.name for program in Command()._programs(with_site=False, with_workers=True)]
    assert names == ["worker", "gpu", "schedule"]


def test_without_any_broker_to_start_the_operator_is_told(settings, tmp_path, monkeypatch):
    settings.VAR_DIR, settings.REDIS_URL, settings.BROKER_SOCKET = tmp_path, "", tmp_path / "valkey.sock"
    monkeypatch.setattr("clinic.config.embedded.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError, match="Install valkey-server, or set REDIS_URL"):
        Command().handle(port=None, without_workers=False, only_workers=True)


def answers(up: Up) -> bool:
    try:
        return bool(up.page())
    except OSError:
        return False


def descendants(pid: int) -> dict[int, str]:
    """Every process below this one, and its command line."""
    listed = subprocess.run(["ps", "-wwAo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [(int(row[0]), int(row[1]), row[2]) for line in listed.splitlines() if len(row := line.split(None, 2)) == 3]
    found: dict[int, str] = {}
    parents = {pid}
    while parents:
        parents = {child for child, parent, _ in rows if parent in parents and child not in found}
        found |= {child: command for child, _, command in rows if child in parents}
    return found


def alive(family: dict[int, str]) -> dict[int, str]:
    listed = subprocess.run(["ps", "-wwAo", "pid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    now = {int(row[0]): row[2] for row in rows if len(row) == 3 and not row[1].startswith("Z")}
    return {pid: command for pid, command in family.items() if now.get(pid) == command}


def wait(is_so: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if is_so():
            return True
        time.sleep(0.2)
    return is_so()
