"""Try a pack on a clip, a sound or some pictures. What an engineer brings is hers alone, sealed, and soon gone.

The library is imported inside the functions that read: only a worker calls those.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.models import Job, User
from clinic.sealed_files import SealedFile, write_sealed
from clinic.services import note_access
from clinic.workspace import workspace
from emotion.errors import TrialRefused, UnreadableRecording
from emotion.models import Pack, StoredReading, Trial, Upload
from emotion.queries import pictures_name
from emotion.services.readings import recogniser, store_reading

OnProgress = Callable[[float], None]  # share done
MOST_FILES = 20  # pictures tried together
MOST_TRIALS = 50  # kept at a time, a person
UNUSED_AFTER = timedelta(hours=2)  # an upload that nobody took
PICTURE_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")


# --- Files on their way in ---


def open_upload(owner: User, size: int, name: str = "") -> Upload:
    """A file will arrive in parts of MAX_CHUNK_BYTES, the last one shorter. Raises TrialRefused."""
    if size <= 0:
        raise TrialRefused(_("This file is empty."))
    if size > settings.MAX_UPLOAD_BYTES:
        raise TrialRefused(
            _("This file is too large: at most %(most)s MB are taken.")
            % {"most": f"{settings.MAX_UPLOAD_BYTES / 1000000.0:,.0f}"}
        )
    return Upload.objects.create(owner=owner, size=size, name=Path(name).name[-80:])


def receive_part(upload: Upload, number: int, data: bytes) -> None:
    """Keep one part, sealed; the same number again takes the place of the first. Raises TrialRefused."""
    if not 0 <= number < parts_of(upload):
        raise TrialRefused(
            _("This file has %(count)s parts; there is no part %(number)s.")
            % {"count": parts_of(upload), "number": number}
        )
    expected = min(settings.MAX_CHUNK_BYTES, upload.size - number * settings.MAX_CHUNK_BYTES)
    if len(data) != expected:
        raise TrialRefused(
            _("Part %(number)s should have %(expected)s bytes and has %(size)s.")
            % {"number": number, "expected": expected, "size": len(data)}
        )
    place = _part(upload, number)
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name}.{uuid.uuid4().hex}")
    try:
        beside.write_bytes(upload.key.seal(data, _about(upload, number)))
        os.replace(beside, place)
    finally:
        beside.unlink(missing_ok=True)


def keep_file(owner: User, file: BinaryIO, size: int, name: str = "") -> Upload:
    """A file that arrived in one piece, from a form. Raises TrialRefused."""
    upload = open_upload(owner, size, name)
    for number in range(parts_of(upload)):
        receive_part(upload, number, file.read(settings.MAX_CHUNK_BYTES))
    return upload


def parts_of(upload: Upload) -> int:
    return -(-upload.size // settings.MAX_CHUNK_BYTES)


def missing_parts(upload: Upload) -> list[int]:
    return [number for number in range(parts_of(upload)) if not _part(upload, number).exists()]


def write_upload(upload: Upload, target: Path) -> None:
    """The file as it was, open on disk. Raises TrialRefused while parts are missing, vault.VaultError."""
    if missing := missing_parts(upload):
        raise TrialRefused(_("%(count)s part(s) of the file have not arrived.") % {"count": len(missing)})
    key = upload.key
    with target.open("wb") as file:
        for number in range(parts_of(upload)):
            file.write(key.open(_part(upload, number).read_bytes(), _about(upload, number)))


def erase_upload(upload: Upload) -> None:
    """Its parts and its key. May run twice."""
    erase_parts(upload)
    Job.objects.filter(subject=upload.subject).delete()
    upload.delete()


def erase_parts(upload: Upload) -> None:
    """The bytes; the row stays to say what became of them."""
    shutil.rmtree(_folder(upload.folder), ignore_errors=True)


# --- Trials ---


@transaction.atomic
def start_trial(owner: User, uploads: Iterable[Upload], pack: Pack | None = None) -> Trial:
    """A trial of these files with a pack; without one, with the pack that serves. Raises TrialRefused."""
    uploads = list(uploads)
    if not uploads:
        raise TrialRefused(_("Choose a file to try."))
    if len(uploads) > MOST_FILES:
        raise TrialRefused(_("At most %(most)s pictures can be tried together.") % {"most": MOST_FILES})
    if any(upload.trial_id for upload in uploads):
        raise TrialRefused(_("One of these files is being tried already."))
    for upload in uploads:
        if missing := missing_parts(upload):
            raise TrialRefused(_("%(count)s part(s) of a file have not arrived.") % {"count": len(missing)})
    if pack and not pack.sha256:
        raise TrialRefused(_("This pack has not been loaded by a worker yet."))
    if Trial.objects.filter(owner=owner).count() >= MOST_TRIALS:
        raise TrialRefused(_("You have many trials already. Delete some first."))
    expires_at = timezone.now() + timedelta(hours=settings.TRIAL_HOURS)
    trial = Trial.objects.create(owner=owner, pack=pack, expires_at=expires_at)
    for place, upload in enumerate(uploads):
        upload.trial, upload.place = trial, place
    Upload.objects.bulk_update(uploads, ["trial", "place"])
    note_access(owner, "try", trial.subject)
    return trial


def read_trial(trial: Trial, on_progress: OnProgress = lambda share: None) -> None:
    """Read the files, keep the result and what can be shown of them; then the uploads are gone. May run twice.

    Raises UnreadableRecording and RecordingTooLong, TrialRefused, WrongCheckpoint, vault.VaultError.
    """
    with workspace() as folder:
        files = []
        for upload in trial.uploads.all():
            files.append(folder / f"file-{upload.place}")
            write_upload(upload, files[-1])
        pictures = [_is_picture(file) for file in files]
        if all(pictures):
            _read_pictures(trial, files, on_progress)
        elif len(files) > 1:
            raise TrialRefused(_("Several files can be tried together only when all of them are JPEG or PNG pictures."))
        else:
            _read_clip(trial, files[0], folder, on_progress)
    if not Trial.objects.filter(pk=trial.pk).exists():  # deleted meanwhile: nothing of it may stay
        erase_trial(trial)
        raise TrialRefused(_("This trial was deleted."))
    for upload in trial.uploads.all():
        erase_upload(upload)


def erase_trial(trial: Trial) -> None:
    """Files, timeline, key: nothing of it can be opened again. May run twice."""
    StoredReading.objects.filter(recording=trial.pk).delete()
    for upload in Upload.objects.filter(trial_id=trial.pk):
        erase_upload(upload)
    shutil.rmtree(_folder(trial.folder), ignore_errors=True)
    Job.objects.filter(subject=trial.subject).delete()
    Trial.objects.filter(pk=trial.pk).delete()


def erase_expired() -> int:
    """Trials whose time is over, and uploads that nobody took; how many there were."""
    now = timezone.now()
    trials = list(Trial.objects.filter(expires_at__lt=now))
    uploads = list(Upload.objects.filter(trial=None, created_at__lt=now - UNUSED_AFTER))
    for trial in trials:
        erase_trial(trial)
    for upload in uploads:
        erase_upload(upload)
    return len(trials) + len(uploads)


def shown_file(trial: Trial, place: int) -> SealedFile:
    """A file of the trial as a page can show it. Raises IndexError while there is none."""
    return SealedFile(_folder(trial.folder) / trial.media[place]["name"], trial.key)


def _read_clip(trial: Trial, file: Path, folder: Path, on_progress: OnProgress) -> None:
    from emotion.ml import media
    from emotion.ml.media.remuxing import FORMATS

    info = media.probe(file, settings.MAX_ANSWER_SECONDS)
    shown = file
    if info.container in FORMATS and not info.runs_back:
        shown = folder / "shown"
        info = media.remux(file, shown, settings.MAX_ANSWER_SECONDS)
    _show(trial, [(shown, info.mime_type)])
    shares = {"faces": 0.0 if info.has_picture else 1.0, "voice": 0.0 if info.has_sound else 1.0}

    def both(stage: str, share: float) -> None:
        shares[stage] = share
        on_progress(sum(shares.values()) / len(shares))

    reading = recogniser(trial.pack).read(shown, both, limit=settings.MAX_ANSWER_SECONDS)
    store_reading(reading, trial.pk, trial.key)
    _keep(trial, kind=Trial.Kind.CLIP if info.has_picture else Trial.Kind.SOUND)


def _read_pictures(trial: Trial, files: list[Path], on_progress: OnProgress) -> None:
    from emotion.ml import pictures

    reader, read = recogniser(trial.pack), []
    for number, file in enumerate(files, start=1):
        try:
            picture = pictures.open_picture(file)
        except UnreadableRecording as error:
            raise UnreadableRecording(_("Picture %(number)s is damaged or no picture.") % {"number": number}) from error
        picture.save(file, "JPEG", quality=90)  # upright, and without what a camera writes into its files
        read.append(pictures.read_picture(reader, picture))
        on_progress(number / len(files))
    _show(trial, [(file, "image/jpeg") for file in files])
    told = {
        "pack": reader.pack,
        "pack_sha256": reader.pack_sha256,
        "versions": dict(reader.versions),
        "pictures": [asdict(picture) for picture in read],
    }
    _keep(trial, kind=Trial.Kind.PICTURES, sealed_pictures=trial.key.seal_json(told, pictures_name(trial.pk)))


def _keep(trial: Trial, **fields: Any) -> None:
    """Nothing is written back for a trial that was deleted meanwhile."""
    Trial.objects.filter(pk=trial.pk).update(media=trial.media, **fields)
    for name, value in fields.items():
        setattr(trial, name, value)


def _show(trial: Trial, files: list[tuple[Path, str]]) -> None:
    trial.media = []
    for place, (file, mime_type) in enumerate(files):
        name = f"shown-{place}"
        with file.open("rb") as stream:
            write_sealed(stream, _folder(trial.folder) / name, trial.key)
        trial.media.append({"name": name, "type": mime_type})


def _is_picture(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(8).startswith(PICTURE_BEGINNINGS)


def _part(upload: Upload, number: int) -> Path:
    return _folder(upload.folder) / f"{number:06d}.part"


def _about(upload: Upload, number: int) -> str:
    return f"upload:{upload.pk}:{number}"


def _folder(path: str) -> Path:
    return Path(default_storage.path(path))
