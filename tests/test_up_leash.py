"""The leash that each program of `up` runs on."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clinic.config import leash
from clinic.config.running import AlreadyUp, Hold


@pytest.fixture
def hold(tmp_path):
    hold = Hold(tmp_path, "site")
    hold.take()
    yield hold
    hold.drop()


def start(hold: Hold, *words: str) -> subprocess.Popen:
    command = [sys.executable, "-S", leash.__file__, "--master", str(hold.path), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


def written(path: Path, lines: int = 1) -> list[str]:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if path.exists() and len(path.read_text().splitlines()) >= lines:
            break
        time.sleep(0.05)
    return path.read_text().splitlines()


def test_a_program_that_falls_is_started_again(hold, tmp_path):
    note = tmp_path / "note"
    process = start(hold, "--", "sh", "-c", f"echo here >> {note}; exit 3")
    assert len(written(note, lines=2)) >= 2
    process.terminate()
    assert process.wait(10) == 0
    assert "It ended with code 3; starting it again in 1 s." in process.stdout.read()


def test_after_so_many_falls_in_a_row_it_gives_up_and_says_so(hold):
    process = start(hold, "--give-up", "2", "--", "sh", "-c", "exit 3")
    assert process.wait(30) == 3
    assert "It ended 2 times in a row (code 3); giving up." in process.stdout.read()


def test_when_the_master_lets_go_the_program_ends(hold, tmp_path):
    note = tmp_path / "note"
    process = start(hold, "--", "sh", "-c", f"echo $$ >> {note}; exec sleep 100")
    [pid] = written(note)
    hold.drop()
    assert process.wait(10) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent was killed")
def test_when_the_leash_itself_is_killed_the_program_ends(hold, tmp_path):
    note = tmp_path / "note"
    process = start(
        hold, "--", "sh", "-c", f"trap 'echo told >> {note}; exit' TERM; echo up >> {note}; sleep 100 & wait"
    )
    written(note)
    process.kill()
    assert written(note, lines=2) == ["up", "told"]


def test_what_others_use_stops_last(hold, tmp_path):
    note, users = tmp_path / "note", tmp_path / "users.lock"
    tells = f"trap 'echo $0 >> {note}; exit' TERM; echo up >> {note}; sleep 100 & wait"
    slow = f"trap 'sleep 1; echo $0 >> {note}; exit' TERM; echo up >> {note}; sleep 100 & wait"
    broker = start(hold, "--outlast", str(users), "--", "sh", "-c", tells, "broker")
    worker = start(hold, "--uses", str(users), "--", "sh", "-c", slow, "worker")
    written(note, lines=2)
    for process in (broker, worker):
        process.terminate()
    for process in (broker, worker):
        process.wait(20)
    assert written(note, lines=4)[2:] == ["worker", "broker"]


def test_a_lock_that_a_living_process_holds_is_refused_with_its_address(tmp_path):
    code = (
        "import sys; from pathlib import Path; from clinic.config.running import Hold\n"
        f"hold = Hold(Path({str(tmp_path)!r}), 'site'); hold.take(); hold.sign('http://here')\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()"
    )
    root = Path(__file__).parent.parent
    other = subprocess.Popen(
        [sys.executable, "-c", code], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline() == "held\n"
    with pytest.raises(AlreadyUp, match=f"The site already runs at http://here \\(process {other.pid}\\)"):
        Hold(tmp_path, "site").take()
    other.send_signal(signal.SIGKILL)
    other.wait()
    mine = Hold(tmp_path, "site")
    mine.take()  # a dead one's lock is free at once
    mine.drop()


def test_a_child_does_not_inherit_the_lock(hold):
    pid = os.fork()
    if pid == 0:
        with hold.path.open("a+") as lock:
            try:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os._exit(0)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
