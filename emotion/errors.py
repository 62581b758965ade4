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
    "CheckpointRefused",
    "EmotionError",
    "EmotionRoomError",
    "GateRefused",
    "NoPicture",
    "NoSound",
    "PackRefused",
    "PullInterrupted",
    "PullRefused",
    "RecordingTooLong",
    "RunRefused",
    "TrialRefused",
    "UnreadableRecording",
    "WrongCheckpoint",
]


class EmotionRoomError(Exception):
    """The text may be shown to a person."""


class RunRefused(EmotionRoomError):
    """A training run cannot be started, stopped or gone on with the way it was asked."""


class CheckpointRefused(EmotionRoomError):
    """A file that the registry does not take, and why."""


class PackRefused(EmotionRoomError):
    """A pack that cannot be made, loaded or put to work."""


class GateRefused(PackRefused):
    """The cards do not prove enough, and nobody wrote why the pack should serve all the same."""


class PullRefused(EmotionRoomError):
    """A model that cannot be fetched, or is not what it was said to be."""


class PullInterrupted(PullRefused):
    """The connection broke; what arrived is kept, and the next try goes on from there."""


class TrialRefused(EmotionRoomError):
    """Files that cannot be tried."""
