"""Run one program for as long as `up` lives: start it again when it falls over, and never let it outlive `up`.

    python leash.py --master LOCK [--after SOCKET] [--uses LOCK] [--outlast LOCK] [--give-up N] [--nice N] -- program …

`up` holds LOCK; POSIX locks are not inherited by children and fall with their process, even when it is killed with
SIGKILL. So a leash that gets LOCK knows that `up` is gone. Standard library only: one of these runs beside each
program.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import IO

WARM = 20.0  # seconds a task gets to end by itself
COLD = 5.0  # seconds more for a worker to hand its task back
OUTLAST = WARM + COLD + 2.0  # seconds the broker waits for those who use it
LONGEST_BACKOFF = 30.0  # seconds
LIVED_LONG = 60.0  # seconds after which a fall is a new one, not the same again
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Leash:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.child: subprocess.Popen[bytes] | None = None
        self.stopping = threading.Event()

    def run(self) -> int:
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches `up`, which then tells us
        threading.Thread(target=self._watch_master, daemon=True).start()
        os.nice(self.options.nice)
        using = _shared_lock(self.options.uses)
        falls, code = 0, 0
        while not self.stopping.is_set():
            if self.options.after:
                _wait(lambda: self.stopping.is_set() or _answers(self.options.after), 60.0)
            if self.stopping.is_set():
                break
            born = time.monotonic()
            code = self._run_once()
            if self.stopping.is_set():
                break
            falls = 1 if time.monotonic() - born > LIVED_LONG else falls + 1
            if self.options.give_up and falls >= self.options.give_up:
                _say(f"It ended {falls} times in a row (code {code}); giving up.")
                return code or 1
            pause = min(LONGEST_BACKOFF, 2.0 ** (falls - 1))
            _say(f"It ended with code {code}; starting it again in {pause:.0f} s.")
            self.stopping.wait(pause)
        if using:
            using.close()
        return 0

    def _run_once(self) -> int:
        # A session of its own: a signal meant for us must not also reach a worker's children in the middle of a task.
        self.child = subprocess.Popen(
            self.options.program, start_new_session=True, preexec_fn=_die_with_parent, stdin=subprocess.DEVNULL
        )
        while True:
            try:
                return self.child.wait(0.5 if not self.stopping.is_set() else 0.05)
            except subprocess.TimeoutExpired:
                if self.stopping.is_set():
                    return self._end(self.child)

    def _end(self, child: subprocess.Popen[bytes]) -> int:
        if self.options.outlast:
            _wait(lambda: _unused(self.options.outlast), OUTLAST)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.terminate()
            return child.wait(WARM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            _say(f"Still busy after {WARM:.0f} s: asked to hand its work back.")
            child.send_signal(signal.SIGQUIT)  # Celery's cold shutdown: unfinished tasks go back into the queue
            return child.wait(COLD)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        return child.wait()

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.stopping.set()

    def _watch_master(self) -> None:
        with open(self.options.master) as lock:
            fcntl.lockf(lock, fcntl.LOCK_SH)  # waits here until `up` is gone
            os.kill(os.getpid(), signal.SIGTERM)
            threading.Event().wait()  # keep the lock: a new `up` waits until we are done


def _die_with_parent() -> None:
    """Where the kernel can: end the program when its leash is killed with SIGKILL."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _shared_lock(path: str | None) -> IO[str] | None:
    if path is None:
        return None
    lock = open(path, "a+")  # noqa: SIM115 (held until the program has ended)
    fcntl.lockf(lock, fcntl.LOCK_SH)
    return lock


def _unused(path: str) -> bool:
    with open(path, "a+") as lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
        return True


def _wait(is_so: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not is_so() and time.monotonic() < until:
        time.sleep(0.05)


def _say(sentence: str) -> None:
    print(sentence, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--master", required=True, help="the lock that `up` holds")
    parser.add_argument("--after", help="start when this unix socket answers")
    parser.add_argument("--uses", help="hold this lock while the program runs")
    parser.add_argument("--outlast", help="stop only when nobody holds this lock")
    parser.add_argument("--give-up", type=int, default=0, help="falls in a row before giving up; 0 never does")
    parser.add_argument("--nice", type=int, default=0, help="let others have the processor first")
    parser.add_argument("program", nargs="+")
    return Leash(parser.parse_args()).run()


if __name__ == "__main__":
    sys.exit(main())
