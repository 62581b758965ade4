"""A large file as sealed blocks: any byte range can be opened without opening the rest.

A block is 256 KiB of the file, sealed with its owner's key under the file's name, its number, and
whether it is the last: blocks cannot be swapped, taken from another file, or cut off unseen.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from clinic import vault

BLOCK_BYTES = 256 * 1024
SEALED_BLOCK_BYTES = BLOCK_BYTES + vault.OVERHEAD


def write_sealed(stream: BinaryIO, path: Path, key: vault.Key) -> int:
    """Seal everything `stream` gives into the file at `path`; its size before sealing.

    The file appears whole or not at all, also when two workers write it at once.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with unfinished.open("wb") as target:
            size = _seal_blocks(stream, target, path.name, key)
            target.flush()
            os.fsync(target.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return size


class SealedFile:
    """Random access to a file that `write_sealed` made. Raises vault.VaultError for changed or missing bytes."""

    def __init__(self, path: Path, key: vault.Key):
        self.path, self.key = Path(path), key

    @cached_property
    def size(self) -> int:
        """Bytes before sealing."""
        return self.path.stat().st_size - self._blocks * vault.OVERHEAD

    def read(self, start: int = 0, length: int | None = None) -> bytes:
        """Up to `length` bytes from `start`; fewer at the end."""
        return b"".join(self.stream(start, length))

    def stream(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The same a block at a time: never more than one of them in memory."""
        end = self.size if length is None else min(self.size, start + length)
        with self.path.open("rb") as source:
            while start < end:
                number, offset = divmod(start, BLOCK_BYTES)
                piece = self._block(source, number)[offset : offset + end - start]
                yield piece
                start += len(piece)

    @cached_property
    def _blocks(self) -> int:
        return -(-self.path.stat().st_size // SEALED_BLOCK_BYTES)

    def _block(self, source: BinaryIO, number: int) -> bytes:
        source.seek(number * SEALED_BLOCK_BYTES)
        about = _about(self.path.name, number, is_last=number == self._blocks - 1)
        return self.key.open(source.read(SEALED_BLOCK_BYTES), about)


def _seal_blocks(stream: BinaryIO, target: BinaryIO, name: str, key: vault.Key) -> int:
    size, number, block = 0, 0, stream.read(BLOCK_BYTES)
    while block:
        following = stream.read(BLOCK_BYTES)
        target.write(key.seal(block, _about(name, number, is_last=not following)))
        size, number, block = size + len(block), number + 1, following
    return size


def _about(name: str, number: int, is_last: bool) -> str:
    return f"file:{name}:{number}{':last' if is_last else ''}"
