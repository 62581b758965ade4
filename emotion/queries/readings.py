"""What to show of a kept reading: the points of one recording, or of many at the same price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from clinic import vault
from emotion.ml.readings import Point
from emotion.models import StoredReading


@dataclass(frozen=True)
class StoredTimeline:
    """A reading as it was kept. `points` in order of time, `rate` of them a second."""

    points: list[Point]
    pack: str
    pack_sha256: str
    versions: Mapping[str, str]
    rate: float
    duration: float  # seconds
    summary: Mapping[str, Any] = field(default_factory=dict)  # {"points": n, "gaps": {...}, "failures": {...}}
    created_at: datetime | None = None


def timeline(recording_id: UUID, key: vault.Key) -> StoredTimeline | None:
    """The timeline of one recording; None while there is none."""
    return timelines([recording_id], key).get(recording_id)


def timelines(recording_ids: Iterable[UUID], key: vault.Key) -> dict[UUID, StoredTimeline]:
    """Those that exist, of recordings sealed with one key. Two queries, however many there are."""
    kept = StoredReading.objects.filter(recording__in=list(recording_ids)).prefetch_related("segments")
    return {reading.recording: _opened(reading, key) for reading in kept}


def segment_name(recording_id: UUID, start: float) -> str:
    """What a sealed segment is about: none can pass for another."""
    return f"timeline:{recording_id}:{start:g}"


def _opened(reading: StoredReading, key: vault.Key) -> StoredTimeline:
    points = [
        Point.from_json(point)
        for segment in reading.segments.all()
        for point in key.open_json(bytes(segment.sealed), segment_name(reading.recording, segment.start))
    ]
    return StoredTimeline(
        points=points,
        pack=reading.pack,
        pack_sha256=reading.pack_sha256,
        versions=reading.versions,
        rate=reading.rate,
        duration=reading.duration,
        summary=reading.summary,
        created_at=reading.created_at,
    )
