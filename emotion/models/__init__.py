"""Rows of this room."""

from emotion.models.readings import StoredReading, TimelineSegment

__all__ = ["StoredReading", "TimelineSegment"]
