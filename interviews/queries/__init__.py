"""What to show of this room's rows."""

from interviews.queries.alerts import Alert, alert, flag_name, note_name, open_flags
from interviews.queries.instruments import ItemScore, ScaleResult, scale_results
from interviews.queries.opened import Reply, interview_by_id, replies, reply, transcript_name, words_as_json, words_of
from interviews.queries.work import AnswerProgress, Progress, Stage, progress, progress_of, state

__all__ = [
    "Alert",
    "AnswerProgress",
    "ItemScore",
    "Progress",
    "Reply",
    "ScaleResult",
    "Stage",
    "alert",
    "flag_name",
    "interview_by_id",
    "note_name",
    "open_flags",
    "progress",
    "progress_of",
    "replies",
    "reply",
    "scale_results",
    "state",
    "transcript_name",
    "words_as_json",
    "words_of",
]
