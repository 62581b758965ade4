"""A corpus decoded once: each clip's window in a file of its own, made by as many processes as are given.

A clip's file is there whole or not at all, so that a run that was killed goes on where it was. Another config gets
another folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from emotion.ml.datasets.clips import Clip, CorpusError
from emotion.ml.datasets.corpora import Corpus
from emotion.ml.datasets.windows import Window, WindowConfig, cut_window, digest_of, load_cascade, sha256_of
from emotion.ml.errors import EmotionError

FORMAT = "1"
INDEX, CLIPS, LOCK = "index.json", "clips", "lock"
FILE_NAME = re.compile(r"[\w.-]+")
# What of a clip is kept; its files' places are not: a prepared corpus can be moved.
KEPT = tuple(each.name for each in fields(Clip) if each.name not in ("video", "sound", "start", "end", "half"))

OnProgress = Callable[[int, int], None]  # clips done, of how many


@dataclass(frozen=True)
class Prepared:
    """The read side of a prepared corpus. Its files are mapped into memory when a window is asked for.

    digest        sha256 over the contents of all clips
    damaged       clips that could not be prepared, each with its reason
    without_face  clips with a video in which no face was found: their faces are zeros
    """

    folder: Path
    corpus: str
    config: Mapping[str, Any]
    clips: tuple[Clip, ...]
    digest: str
    damaged: Mapping[str, str]
    without_face: tuple[str, ...]

    @classmethod
    def open(cls, folder: Path) -> Prepared:
        """Raises CorpusError: nothing prepared there, or not to its end."""
        try:
            kept = json.loads((folder / INDEX).read_text())
            if kept.pop("format") != FORMAT:
                raise CorpusError(f"{folder} was prepared by another version of this program. Prepare it again.")
            clips = tuple(Clip(**clip) for clip in kept.pop("clips"))
            return cls(folder=folder, clips=clips, **kept | {"without_face": tuple(kept["without_face"])})
        except FileNotFoundError as error:
            raise CorpusError(f"{folder} holds no corpus that was prepared to its end. Run “prepare” again.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise CorpusError(f"{folder / INDEX} is damaged. Run “prepare” again.") from error

    def window(self, name: str) -> Window:
        """Raises CorpusError."""
        try:
            return _read(_file(self.folder, name), self.config["frames"], self.config["side"])
        except (SafetensorError, OSError) as error:
            raise CorpusError(f"{self.corpus}: the prepared clip {name} is damaged. Run “prepare” again.") from error


def prepare(
    corpus: Corpus,
    source: Path,
    cache: Path,
    config: WindowConfig | None = None,
    *,
    processes: int = 1,
    device: str = "cpu",
    on_progress: OnProgress = lambda done, count: None,
) -> Prepared:
    """Decode a published corpus into a folder of `cache`, going on from what is already there.

    Clips that cannot be decoded are listed in `damaged` and stop nothing. A second run on the same folder waits for the
    first. Raises CorpusError.
    """
    config = config or WindowConfig()
    clips = corpus.read(source)
    folder = place_of(corpus, clips, cache, config)
    (folder / CLIPS).mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        todo = [clip for clip in clips if _stamp_of(_file(folder, clip.name)) != _stamp(clip)]
        if any(_file(folder, clip.name).exists() for clip in todo):
            (folder / INDEX).unlink(missing_ok=True)  # what it says of them holds no longer
        damaged = _make_all(todo, len(clips), folder, config, processes, device, on_progress)
        if len(damaged) == len(clips):
            name, reason = next(iter(damaged.items()))
            raise CorpusError(f"{corpus.title}: not one clip of {len(clips):,} can be read. {name}: {reason}")
        _write_index(corpus, folder, config, [clip for clip in clips if clip.name not in damaged], damaged)
    return Prepared.open(folder)


def place_of(corpus: Corpus, clips: Sequence[Clip], cache: Path, config: WindowConfig) -> Path:
    """The folder of these clips under this config."""
    told = [FORMAT, asdict(config), [[getattr(clip, name) for name in KEPT] for clip in clips]]
    return cache / f"{corpus.name}-{hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]}"


def _make_all(
    todo: Sequence[Clip],
    count: int,
    folder: Path,
    config: WindowConfig,
    processes: int,
    device: str,
    on_progress: OnProgress,
) -> dict[str, str]:
    """Make what is missing; by name, why a clip could not be made."""
    done, damaged = count - len(todo), {}
    on_progress(done, count)
    for name, reason in _made(todo, folder, config, processes, device):
        done += 1
        if reason:
            damaged[name] = reason
        on_progress(done, count)
    return dict(sorted(damaged.items()))


def _made(
    todo: Sequence[Clip], folder: Path, config: WindowConfig, processes: int, device: str
) -> Iterator[tuple[str, str]]:
    if processes == 1 or len(todo) < 2:
        yield from map(_maker(folder, config, device), todo)
        return
    # Not forked: torch's threads would not come along.
    pool = ProcessPoolExecutor(processes, get_context("spawn"), initializer=_begin, initargs=(folder, config, device))
    try:
        with pool:
            for made in as_completed([pool.submit(_make_here, clip) for clip in todo]):
                yield made.result()
    except BrokenProcessPool as error:
        raise CorpusError("A process that prepared clips was ended. What it made is kept: run it again.") from error


class _Here:
    """What a process of the pool makes clips with."""

    make: Callable[[Clip], tuple[str, str]]


def _begin(folder: Path, config: WindowConfig, device: str) -> None:
    torch.set_num_threads(1)
    _Here.make = _maker(folder, config, device)
    # A pool's processes wait for ever when whoever started them was killed.
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)


def _make_here(clip: Clip) -> tuple[str, str]:
    return _Here.make(clip)


def _maker(folder: Path, config: WindowConfig, device: str) -> Callable[[Clip], tuple[str, str]]:
    """What makes a clip's file, and tells the clip's name and why there is no file of it ("" where there is one)."""
    cascade = load_cascade(device)

    def make(clip: Clip) -> tuple[str, str]:
        path = _file(folder, clip.name)
        try:
            window = cut_window(clip, config, cascade, device)
        except (EmotionError, av.FFmpegError, OSError) as error:
            path.unlink(missing_ok=True)
            return clip.name, str(error)
        _write(path, window, _stamp(clip))
        return clip.name, ""

    return make


def _write(path: Path, window: Window, stamp: str) -> None:
    parts: dict[str, np.ndarray] = {"sound": window.sound, "has_face": window.has_face}
    if window.has_face.any():
        parts["faces"] = window.faces
    metadata = {"text": window.text, "sha256": sha256_of(window), "stamp": stamp}
    half = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        save_file(parts, half, metadata)
        os.replace(half, path)
    except (SafetensorError, OSError) as error:
        raise CorpusError(f"{path.parent} cannot be written: {error}. What was prepared so far is kept.") from error


def _read(path: Path, frames: int, side: int) -> Window:
    with safe_open(path, framework="numpy") as file:
        has_face = file.get_tensor("has_face")
        faces = file.get_tensor("faces") if has_face.any() else np.zeros((frames, 3, side, side), np.uint8)
        return Window(faces, file.get_tensor("sound"), has_face, file.metadata()["text"])


def _metadata(path: Path) -> dict[str, str]:
    """Empty where there is no file, or half of one."""
    try:
        with safe_open(path, framework="numpy") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError):
        return {}


def _stamp_of(path: Path) -> str:
    return _metadata(path).get("stamp", "")


def _stamp(clip: Clip) -> str:
    """What a clip was made from. A file that was repaired has another size, and its clip is made again."""
    sizes = [path.stat().st_size if path and path.exists() else None for path in (clip.video, clip.sound)]
    return json.dumps([sizes, clip.start, clip.end, clip.half])


def _file(folder: Path, name: str) -> Path:
    if not FILE_NAME.fullmatch(name):
        raise CorpusError(f"{name} is no name for a file.")
    return folder / CLIPS / f"{name}.safetensors"


def _write_index(
    corpus: Corpus, folder: Path, config: WindowConfig, clips: Sequence[Clip], damaged: Mapping[str, str]
) -> None:
    without_face = []
    contents = {}
    for clip in clips:
        with safe_open(_file(folder, clip.name), framework="numpy") as file:
            contents[clip] = file.metadata()["sha256"]
            if clip.video is not None and "faces" not in file.keys():  # noqa: SIM118
                without_face.append(clip.name)
    index = {
        "format": FORMAT,
        "corpus": corpus.name,
        "config": asdict(config),
        "digest": digest_of(contents),
        "damaged": damaged,
        "without_face": without_face,
        "clips": [{name: getattr(clip, name) for name in KEPT} for clip in clips],
    }
    half = folder / f"{INDEX}.part"
    half.write_text(json.dumps(index, indent=1))
    os.replace(half, folder / INDEX)
    for left in (folder / CLIPS).glob("*.part"):
        left.unlink()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One preparation of a folder at a time; the lock goes with the process that holds it, however that ends."""
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
