"""What to show of this room's rows."""

from emotion.queries.readings import StoredTimeline, segment_name, timeline, timelines
from emotion.queries.trials import Work, imports_of, pictures, pictures_name, trials_of, work_on, works

__all__ = [
    "StoredTimeline",
    "Work",
    "imports_of",
    "pictures",
    "pictures_name",
    "segment_name",
    "timeline",
    "timelines",
    "trials_of",
    "work_on",
    "works",
]
