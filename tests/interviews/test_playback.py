import io

import pytest

from clinic import vault
from clinic.sealed_files import BLOCK_BYTES, SEALED_BLOCK_BYTES, SealedFile, write_sealed

KEY = vault.Key(bytes(range(32)))


def some_bytes(size: int) -> bytes:
    return bytes(index * 31 % 251 for index in range(1000)) * (size // 1000) + bytes(size % 1000)


def sealed(tmp_path, data: bytes, name: str = "take.joined") -> SealedFile:
    size = write_sealed(io.BytesIO(data), tmp_path / name, KEY)
    assert size == len(data)
    return SealedFile(tmp_path / name, KEY)


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES + 17])
def test_a_sealed_file_opens_to_the_same_bytes(tmp_path, size):
    file = sealed(tmp_path, some_bytes(size))
    assert file.size == size
    assert file.read() == some_bytes(size)


@pytest.mark.parametrize(
    ("start", "length"),
    [(0, 10), (BLOCK_BYTES - 5, 10), (BLOCK_BYTES, 1), (5, 2 * BLOCK_BYTES), (3 * BLOCK_BYTES, 1000), (10**9, 5)],
)
def test_any_range_opens_without_the_rest(tmp_path, start, length):
    data = some_bytes(3 * BLOCK_BYTES + 17)
    assert sealed(tmp_path, data).read(start, length) == data[start : start + length]


def test_a_file_is_streamed_a_block_at_a_time(tmp_path):
    pieces = list(sealed(tmp_path, some_bytes(2 * BLOCK_BYTES + 5)).stream(100))
    assert [len(piece) for piece in pieces] == [BLOCK_BYTES - 100, BLOCK_BYTES, 5]


def test_nothing_of_the_file_lies_open_on_disk(tmp_path):
    sealed(tmp_path, b"what the patient said" * 1000)
    assert b"what the patient said" not in (tmp_path / "take.joined").read_bytes()


def test_a_changed_byte_is_noticed(tmp_path):
    file = sealed(tmp_path, some_bytes(5000))
    content = bytearray(file.path.read_bytes())
    content[100] ^= 1
    file.path.write_bytes(content)
    with pytest.raises(vault.VaultError):
        file.read()


def test_swapped_blocks_are_noticed(tmp_path):
    file = sealed(tmp_path, some_bytes(2 * BLOCK_BYTES + 5))
    content = file.path.read_bytes()
    first, second = content[:SEALED_BLOCK_BYTES], content[SEALED_BLOCK_BYTES : 2 * SEALED_BLOCK_BYTES]
    file.path.write_bytes(second + first + content[2 * SEALED_BLOCK_BYTES :])
    with pytest.raises(vault.VaultError):
        file.read(0, 10)


def test_a_cut_at_a_blocks_end_is_noticed(tmp_path):
    path = sealed(tmp_path, some_bytes(2 * BLOCK_BYTES)).path
    path.write_bytes(path.read_bytes()[:SEALED_BLOCK_BYTES])
    with pytest.raises(vault.VaultError):
        SealedFile(path, KEY).read()


def test_another_recordings_file_cannot_pass_for_this_one(tmp_path):
    path = sealed(tmp_path, some_bytes(500), "hers.joined").path
    with pytest.raises(vault.VaultError):
        SealedFile(path.rename(tmp_path / "his.joined"), KEY).read()


def test_writing_that_stops_half_way_leaves_the_older_file_in_place(tmp_path):
    class Torn(io.BytesIO):
        def read(self, size: int = -1) -> bytes:
            if self.tell() > 0:
                raise OSError("the disk is full")
            return super().read(size)

    file = sealed(tmp_path, b"the first one")
    with pytest.raises(OSError, match="full"):
        write_sealed(Torn(some_bytes(3 * BLOCK_BYTES)), file.path, KEY)
    assert file.read() == b"the first one"
    assert [path.name for path in tmp_path.iterdir()] == ["take.joined"]
