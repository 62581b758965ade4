"""Read a recording with the pack in use, keep what was read.

The library is imported inside these functions: it loads torch and PyAV, which only a worker should ever do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from clinic import vault
from emotion.errors import WrongCheckpoint
from emotion.ml.readings import Point, Reading
from emotion.models import Pack, StoredReading, TimelineSegment
from emotion.queries import segment_name
from emotion.services.registry import folder_of, serving_pack

if TYPE_CHECKING:
    import numpy as np

    from emotion.ml.inference import Recogniser
    from emotion.ml.media import MediaInfo

OnProgress = Callable[[str, float], None]  # stage ("faces" or "voice"), share done


def recogniser(pack: Pack | None = None) -> Recogniser:
    """The recogniser of a pack; without one, of the pack that serves now. Loaded once a process, and anew when another
    pack was promoted: asking costs one small query. Raises WrongCheckpoint where a file is missing or was changed.
    """
    pack = pack or serving_pack()
    return _loaded(folder_of(pack), pack.sha256) if pack else _loaded(None, "")


@lru_cache(maxsize=2)  # the serving one, and one that is being tried
def _loaded(folder: Path | None, sha256: str) -> Recogniser:
    from emotion.ml import clip_reading

    loaded = clip_reading.load(folder, device=_device(), threads=settings.WORKER_THREADS)
    if folder and loaded.pack_sha256 != sha256:
        raise WrongCheckpoint(
            _("The files of the pack %(name)s are not the ones that were put to work.") % {"name": folder.name}
        )
    return loaded


def read(path: Path, on_progress: OnProgress | None = None) -> Reading:
    """How face and voice changed over a recording. One channel's failure is in `failures`, with a sentence."""
    return recogniser().read(path, on_progress, limit=settings.MAX_ANSWER_SECONDS)


def probe(path: Path) -> MediaInfo:
    """What a recording holds and how long it is. Raises UnreadableRecording."""
    from emotion.ml import media

    return media.probe(path)


def remux(source: Path, target: Path) -> MediaInfo:
    """The same packets with a duration and seek points. Raises UnreadableRecording and RecordingTooLong."""
    from emotion.ml import media

    return media.remux(source, target, limit=settings.MAX_ANSWER_SECONDS)


def sound_of(path: Path) -> tuple[float, Iterator[np.ndarray]]:
    """How long it is (seconds), and its sound bit by bit: float32, mono, 16 kHz, without gaps. Raises NoSound.

    The file must stay where it is until all was taken.
    """
    from emotion.ml import media

    return media.stretches(path, limit=settings.MAX_ANSWER_SECONDS)


@transaction.atomic
def store_reading(reading: Reading, recording_id: UUID, key: vault.Key) -> StoredReading:
    """Keep a reading in place of an older one of the same recording. May run twice."""
    StoredReading.objects.filter(recording=recording_id).delete()
    stored = StoredReading.objects.create(
        recording=recording_id,
        pack=reading.pack,
        pack_sha256=reading.pack_sha256,
        versions=dict(reading.versions),
        rate=reading.rate,
        duration=reading.duration,
        summary={"points": len(reading.points), "gaps": reading.gaps(), "failures": dict(reading.failures)},
    )
    TimelineSegment.objects.bulk_create(
        TimelineSegment(
            reading=stored,
            start=start,
            sealed=key.seal_json([point.as_json() for point in points], segment_name(recording_id, start)),
        )
        for start, points in _segments(reading.points).items()
    )
    return stored


def _segments(points: tuple[Point, ...]) -> dict[float, list[Point]]:
    segments: dict[float, list[Point]] = {}
    for point in points:
        start = point.at // TimelineSegment.SECONDS * TimelineSegment.SECONDS
        segments.setdefault(float(start), []).append(point)
    return segments


def _device() -> str:
    if settings.DEVICE:
        return settings.DEVICE
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
