"""What a person can be told about a reading or a run."""

from emotion.ml.errors import (
    EmotionError,
    NoPicture,
    NoSound,
    RecordingTooLong,
    UnreadableRecording,
    WrongCheckpoint,
)

__all__ = [
    "EmotionError",
    "EmotionRoomError",
    "NoPicture",
    "NoSound",
    "RecordingTooLong",
    "UnreadableRecording",
    "WrongCheckpoint",
]


class EmotionRoomError(Exception):
    """The text may be shown to a person."""
