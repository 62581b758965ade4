"""What to show of this room's rows."""

from emotion.queries.readings import StoredTimeline, segment_name, timeline, timelines

__all__ = ["StoredTimeline", "segment_name", "timeline", "timelines"]
