"""Chunks on disk: sealed, and in their place whole or not at all."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import takewhile
from pathlib import Path
from uuid import uuid4

from django.core.files.storage import default_storage

from clinic import vault
from interviews.models import Chunk, Recording


def chunk_name(recording: Recording, seq: int) -> str:
    """What a sealed chunk is about: none can pass for another."""
    return f"{recording.pk}:{seq}"


def read_chunk(chunk: Chunk, key: vault.Key) -> bytes:
    """The bytes as the browser made them. Raises vault.VaultError when the file was changed."""
    with default_storage.open(chunk.recording.chunk_path(chunk.seq)) as file:
        return key.open(file.read(), chunk_name(chunk.recording, chunk.seq))


@contextmanager
def written_beside(path: str, data: bytes) -> Iterator[Callable[[], None]]:
    """The bytes safe on disk beside their place; calling what it yields puts them there in one step.

    So a crash at any point leaves either nothing or everything at `path`.
    """
    place = Path(default_storage.path(path))
    _make_folder(place.parent)
    beside = place.with_name(f".{place.name}.{uuid4().hex}")
    try:
        with open(beside, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield partial(os.replace, beside, place)
    finally:
        beside.unlink(missing_ok=True)


def is_whole(chunk: Chunk) -> bool:
    """Whether the file of a row lies on disk, in its full length."""
    path = chunk.recording.chunk_path(chunk.seq)
    return default_storage.exists(path) and default_storage.size(path) == chunk.size + vault.OVERHEAD


def sync_folder(recording: Recording) -> None:
    """The new name itself survives a power cut, too."""
    _sync(Path(default_storage.path(recording.folder)))


def erase_chunks(recording: Recording) -> None:
    """The files of a take that was not kept. May run twice."""
    if not default_storage.exists(recording.folder):
        return
    folder = Path(default_storage.path(recording.folder))
    for file in folder.iterdir():
        file.unlink(missing_ok=True)
    # A late part may just be writing beside its place; it will be refused and clear up after itself.
    with suppress(OSError):
        folder.rmdir()


def _make_folder(folder: Path) -> None:
    """The folder, and those above it that were missing: their names, too, survive a power cut."""
    missing = list(takewhile(lambda place: not place.exists(), (folder, *folder.parents)))
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        _sync(made.parent)


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
