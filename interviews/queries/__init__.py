"""What to show of this room's rows."""

from interviews.queries.alerts import Alert, alert, flag_name, note_name, open_flags
from interviews.queries.instrument_library import not_installed, words_to_type
from interviews.queries.instruments import (
    Asked,
    ItemScore,
    ScaleResult,
    Understood,
    asked_scales,
    has_scale_alert,
    scale_results,
    scales_version,
    trends,
    understood,
    value_of,
)
from interviews.queries.opened import Reply, interview_by_id, replies, reply, transcript_name, words_as_json, words_of
from interviews.queries.work import AnswerProgress, Progress, Stage, progress, progress_of, state

__all__ = [
    "Alert",
    "AnswerProgress",
    "Asked",
    "ItemScore",
    "Progress",
    "Reply",
    "ScaleResult",
    "Stage",
    "Understood",
    "alert",
    "asked_scales",
    "flag_name",
    "has_scale_alert",
    "interview_by_id",
    "not_installed",
    "note_name",
    "open_flags",
    "progress",
    "progress_of",
    "replies",
    "reply",
    "scale_results",
    "scales_version",
    "state",
    "transcript_name",
    "trends",
    "understood",
    "value_of",
    "words_as_json",
    "words_of",
    "words_to_type",
]
