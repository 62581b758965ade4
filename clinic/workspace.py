"""A private folder for the moments when a recording lies open on disk, gone afterwards.

A worker that is killed cannot tidy up: its lock dies with it, and the next worker removes what it left.
"""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

LOCK = ".lock"


@contextmanager
def workspace() -> Iterator[Path]:
    """An empty folder only this user may enter, deleted at the end."""
    root = _root()
    sweep()
    folder = Path(tempfile.mkdtemp(prefix="new-", dir=root))
    try:
        with (folder / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            folder = folder.rename(folder.with_name(f"take-{folder.name}"))  # seen by others only once it is locked
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep() -> int:
    """Delete folders whose worker is gone; how many there were."""
    return sum(_removed_if_left(folder) for folder in _root().glob("take-*"))


def _root() -> Path:
    root = settings.VAR_DIR / "work"
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return root


def _removed_if_left(folder: Path) -> bool:
    try:
        with (folder / LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:  # held by a living worker, or removed by another this moment
        return False
    return True
