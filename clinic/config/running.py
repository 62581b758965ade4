"""Who is up: one lock for the site, one for its workers, held for as long as that `up` lives."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import IO


class AlreadyUp(Exception):
    """The text may be shown to the operator."""


class Hold:
    """A POSIX lock: it falls with its process, however that ends, and children do not inherit it."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = folder / f"{name}.lock"
        self.name = name
        self._file: IO[str] | None = None

    def take(self, patience: float = 40.0) -> None:
        """Waits for the programs of an earlier start that are still stopping.

        Raises AlreadyUp when a living `up` holds it.
        """
        lock = self.path.open("a+")
        until = time.monotonic() + patience
        while True:
            try:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.seek(0)
                holder, _, address = lock.read().strip().partition(" ")
                if _lives(holder):
                    where = f" at {address}" if address else ""
                    raise AlreadyUp(
                        f"The {self.name} already runs{where} (process {holder}); nothing was started."
                    ) from None
                if time.monotonic() > until:
                    raise AlreadyUp(f"Programs of an earlier start still stop; their lock is {self.path}.") from None
                time.sleep(0.2)
            else:
                self._file = lock
                return

    def sign(self, address: str) -> None:
        """Say who holds it, for the next one who asks."""
        assert self._file is not None
        self._file.truncate(0)
        self._file.write(f"{os.getpid()} {address}")
        self._file.flush()

    def drop(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _lives(pid: str) -> bool:
    if not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
