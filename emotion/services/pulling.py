"""Fetch models that somebody asked for: in parts, checked, and never put in their place unless they are what they
should be.

A download goes on where it stopped (HTTP Range, tied to the same version of the file by If-Range). With OFFLINE_MODELS
set nothing is asked of any host: files come from that folder. A checksum that the publisher gives decides; where there
is none, the one computed here waits for a person to confirm it, is written down, and decides from then on.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.models import User
from clinic.services import note_access
from emotion import catalogue
from emotion.catalogue import File, Model
from emotion.errors import PullInterrupted, PullRefused
from emotion.models import FetchedModel

# The file, how many of its bytes are here, of how many (None: not said).
OnBytes = Callable[[str, int, int | None], None]
PIECE = 128 * 1024  # bytes written at once
PATIENCE = 30.0  # seconds without a byte
MOST_BYTES = 60 * 1024**3  # of one file: more is no model of this list
PUBLISHED, PERSON = "published", "person"


def ask_for(model: Model, by: User) -> FetchedModel:
    """Note that somebody wants this model; a worker, or the command, fetches it. Raises PullRefused."""
    if model.elsewhere:
        raise PullRefused(model.elsewhere)
    wanted, _made = FetchedModel.objects.get_or_create(name=model.name, defaults={"asked_by": by})
    wanted.asked_by = by
    wanted.save(update_fields=["asked_by", "asked_at"])
    note_access(by, "pull", wanted.subject)
    return wanted


def pull(
    wanted: FetchedModel,
    seconds: float | None = None,
    on_bytes: OnBytes = lambda name, done, total: None,
    patience: float = PATIENCE,
) -> bool:
    """Fetch what is missing, for at most so many seconds; whether all of it is here. May run again at any time.

    Raises PullInterrupted, after which another call goes on; PullRefused when what came is not what it should be, and
    then it is deleted.
    """
    model = _listed(wanted)
    until = None if seconds is None else time.monotonic() + seconds
    missing = [file for file in model.files if file.name not in wanted.checksums or not _place(model, file).exists()]
    for file in missing:
        if not _fetch(wanted, model, file, _Call(until, patience, on_bytes)):
            return False
    if model.has_published_checksums and not wanted.confirmed_how:
        _take(wanted, model, PUBLISHED)
    elif wanted.confirmed_how and missing:
        _take(wanted, model, wanted.confirmed_how)
    return True


def confirm(wanted: FetchedModel, by: User) -> FetchedModel:
    """Take a model whose checksum nobody publishes: from now on it must have the one it has now. Raises PullRefused."""
    model = _listed(wanted)
    if not is_here(wanted):
        raise PullRefused(_("It has not been fetched whole yet."))
    if not wanted.confirmed_how:
        wanted.confirmed_by = by
        _take(wanted, model, PERSON)
        note_access(by, "confirm", wanted.subject)
    return wanted


def discard(wanted: FetchedModel, by: User) -> None:
    """Delete what was fetched, and what is known of it. What was unpacked for use stays in use."""
    shutil.rmtree(folder_of(wanted.name), ignore_errors=True)
    note_access(by, "discard", wanted.subject)
    wanted.delete()


def is_here(wanted: FetchedModel) -> bool:
    """Whether every file is here and its checksum is known."""
    model = catalogue.find(wanted.name)
    return model is not None and all(
        file.name in wanted.checksums and _place(model, file).exists() for file in model.files
    )


def folder_of(name: str) -> Path:
    return settings.MODELS_DIR / "fetched" / name


# --- One file ---


@dataclass(frozen=True)
class _Call:
    """How long one call may take, and who hears of it."""

    until: float | None  # on the monotonic clock
    patience: float
    on_bytes: OnBytes

    @property
    def is_over(self) -> bool:
        return self.until is not None and time.monotonic() >= self.until


def _fetch(wanted: FetchedModel, model: Model, file: File, call: _Call) -> bool:
    """The file, whole and checked; False when the time was up."""
    folder = folder_of(model.name)
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{file.name}.part"
    if settings.OFFLINE_MODELS:
        wanted.source = str(settings.OFFLINE_MODELS)
        _copy(_offline(model, file), part, file.name, call.on_bytes)
    else:
        wanted.source = urlsplit(file.url).netloc
        if not _download(file, part, call):
            return False
    sha256 = _sha256(part)
    _must_be(wanted, file, part, sha256)
    os.replace(part, folder / file.name)
    _notes(part).unlink(missing_ok=True)
    wanted.checksums = {**wanted.checksums, file.name: sha256}
    wanted.save(update_fields=["source", "checksums"])
    return True


def _must_be(wanted: FetchedModel, file: File, part: Path, sha256: str) -> None:
    """Deletes what is not the file. Raises PullRefused."""
    expected = file.sha256 or (wanted.checksums.get(file.name, "") if wanted.confirmed_how else "")
    size = part.stat().st_size
    if file.size and size != file.size:
        problem = _("it has %(size)s bytes instead of %(expected)s") % {
            "size": f"{size:,}",
            "expected": f"{file.size:,}",
        }
    elif expected and sha256 != expected:
        problem = _("its checksum is %(sha256)s… instead of %(expected)s…") % {
            "sha256": sha256[:16],
            "expected": expected[:16],
        }
    elif _is_web_page(part):
        problem = _("the address answered with a web page")
    else:
        return
    part.unlink()
    _notes(part).unlink(missing_ok=True)
    raise PullRefused(
        _("%(name)s is not the file it should be: %(problem)s. It was deleted.")
        % {"name": file.name, "problem": problem}
    )


def _is_web_page(path: Path) -> bool:
    with path.open("rb") as file:
        beginning = file.read(256).lstrip().lower()
    return beginning.startswith((b"<!doctype html", b"<html"))


def _offline(model: Model, file: File) -> Path:
    """In the folder itself or in one of the model's name. Raises PullRefused."""
    folder = Path(str(settings.OFFLINE_MODELS))
    for place in (folder / model.name / file.name, folder / file.name):
        if place.is_file():
            return place
    raise PullRefused(
        _("OFFLINE_MODELS names a folder without %(name)s/%(name2)s, and while it is set no host is asked.")
        % {"name": model.name, "name2": file.name}
    )


def _copy(source: Path, part: Path, name: str, on_bytes: OnBytes) -> None:
    total, done = source.stat().st_size, 0
    with source.open("rb") as read, part.open("wb") as written:
        while piece := read.read(PIECE):
            written.write(piece)
            done += len(piece)
            on_bytes(name, done, total)


@dataclass(frozen=True)
class _Version:
    """Which version of a file a part belongs to: what the server said about it."""

    url: str
    tag: str  # ETag or Last-Modified: empty where there is neither, and then nothing can be resumed

    @classmethod
    def of(cls, url: str, response: httpx.Response) -> _Version:
        tag = response.headers.get("etag", "")
        # A weak tag does not promise the same bytes.
        return cls(url, response.headers.get("last-modified", "") if not tag or tag.startswith("W/") else tag)


def _download(file: File, part: Path, call: _Call) -> bool:
    """The rest of the file into `part`; False when the time was up. Raises PullInterrupted, PullRefused."""
    version, begun = _read_notes(part), part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}
    if begun and version and version.url == file.url and version.tag:
        headers |= {"Range": f"bytes={begun}-", "If-Range": version.tag}
    try:
        with (
            httpx.Client(follow_redirects=True, timeout=call.patience) as client,
            client.stream("GET", file.url, headers=headers) as response,
        ):
            return _receive(response, file, part, begun, call)
    except httpx.TooManyRedirects as error:
        raise PullRefused(
            _("%(netloc)s sends from one address to the next without end.") % {"netloc": urlsplit(file.url).netloc}
        ) from error
    except httpx.TransportError as error:
        raise PullInterrupted(
            _("%(netloc)s does not answer, or the connection broke (%(name)s). What has arrived is kept.")
            % {"netloc": urlsplit(file.url).netloc, "name": type(error).__name__}
        ) from error


def _receive(response: httpx.Response, file: File, part: Path, begun: int, call: _Call) -> bool:
    host = response.url.host
    _must_answer(response, file, part)
    resumed = response.status_code == 206 and response.headers.get("content-range", "").startswith(f"bytes {begun}-")
    done = begun if resumed else 0
    length = response.headers.get("content-length", "")
    total = done + int(length) if length.isdigit() else file.size
    _must_fit(file, part, total)
    _write_notes(part, _Version.of(file.url, response))
    with part.open("ab" if resumed else "wb") as written:
        call.on_bytes(file.name, done, total)
        for piece in response.iter_raw():  # as it arrives, so that a broken line loses nothing
            written.write(piece)
            done += len(piece)
            call.on_bytes(file.name, done, total)
            if done > (total or MOST_BYTES):
                raise PullRefused(
                    _("%(host)s sends more than it said for %(name)s.") % {"host": host, "name": file.name}
                )
            if call.is_over and done != total:
                return False
    return True


def _must_answer(response: httpx.Response, file: File, part: Path) -> None:
    """Raises PullRefused, and PullInterrupted for what may pass by itself."""
    host, status = response.url.host, response.status_code
    if file.url.startswith("https:") and response.url.scheme != "https":
        raise PullRefused(
            _("%(netloc)s sends on to %(host)s without encryption.")
            % {"netloc": urlsplit(file.url).netloc, "host": host}
        )
    if status == 416:  # nothing of it is left, or it is a shorter file now
        part.unlink(missing_ok=True)
        _notes(part).unlink(missing_ok=True)
        raise PullInterrupted(
            _("%(host)s has another version of %(name)s now: it is fetched from the beginning.")
            % {"host": host, "name": file.name}
        )
    if status in (404, 410):
        raise PullRefused(
            _("%(host)s has no such file (%(status)s): %(name)s.") % {"host": host, "status": status, "name": file.name}
        )
    if status in (401, 403):
        raise PullRefused(
            _("%(host)s does not hand out %(name)s (%(status)s): it may want an agreement first.")
            % {"host": host, "name": file.name, "status": status}
        )
    if status in (408, 425, 429) or status >= 500:
        raise PullInterrupted(
            _("%(host)s is busy or in trouble (%(status)s). What has arrived is kept.")
            % {"host": host, "status": status}
        )
    if status not in (200, 206) or response.headers.get("content-encoding", "identity") != "identity":
        raise PullRefused(
            _("%(host)s does not send %(name)s as it is (status %(status)s).")
            % {"host": host, "name": file.name, "status": status}
        )


def _must_fit(file: File, part: Path, total: int | None) -> None:
    """Raises PullRefused."""
    if file.size and total and total != file.size:
        raise PullRefused(
            _("%(name)s should have %(size)s bytes; the server offers %(total)s.")
            % {"name": file.name, "size": f"{file.size:,}", "total": f"{total:,}"}
        )
    here = part.stat().st_size if part.exists() else 0
    if total and total - here > shutil.disk_usage(part.parent).free:
        raise PullRefused(
            _("There is no room on the disk for %(name)s (%(size)s GB).")
            % {"name": file.name, "size": f"{total / 1000000000.0:.1f}"}
        )


def _notes(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _read_notes(part: Path) -> _Version | None:
    with suppress(OSError, ValueError, TypeError):
        return _Version(**json.loads(_notes(part).read_text()))
    return None


def _write_notes(part: Path, version: _Version) -> None:
    _notes(part).write_text(json.dumps({"url": version.url, "tag": version.tag}))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- Into use ---


def _take(wanted: FetchedModel, model: Model, how: str) -> None:
    if model.unpack:
        _unpack(folder_of(model.name) / model.files[0].name, Path(settings.VOSK_MODELS) / model.unpack)
    wanted.confirmed_how, wanted.confirmed_at = how, wanted.confirmed_at or timezone.now()
    wanted.save(update_fields=["confirmed_how", "confirmed_at", "confirmed_by"])


def _unpack(archive: Path, target: Path) -> None:
    """What is inside a zip becomes the folder `target`, in place of what was there. Raises PullRefused."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside the folder of all models, where nobody takes it for one.
    beside = target.parent.with_name(f".unpacking-{target.name}")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as zipped:
            zipped.extractall(beside)  # names that lead out of the folder are made to stay in it
    except (zipfile.BadZipFile, OSError) as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise PullRefused(
            _("%(name)s cannot be unpacked: %(error)s.") % {"name": archive.name, "error": error}
        ) from error
    inside = list(beside.iterdir())
    shutil.rmtree(target, ignore_errors=True)
    # Most archives hold one folder with everything in it.
    shutil.move(inside[0] if len(inside) == 1 and inside[0].is_dir() else beside, target)
    shutil.rmtree(beside, ignore_errors=True)


def _place(model: Model, file: File) -> Path:
    return folder_of(model.name) / file.name


def _listed(wanted: FetchedModel) -> Model:
    """Raises PullRefused."""
    model = catalogue.find(wanted.name)
    if model is None:
        raise PullRefused(_("The catalogue has no model %(name)s any more.") % {"name": wanted.name})
    return model
