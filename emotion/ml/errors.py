"""What can go wrong with a recording or a checkpoint, in words a person can be shown."""


class EmotionError(Exception):
    """The text may be shown to a person."""


class UnreadableRecording(EmotionError):
    """Not media, or damaged beyond reading."""


class NoPicture(EmotionError):
    """The recording has sound only."""


class NoSound(EmotionError):
    """The recording has a picture only."""


class RecordingTooLong(EmotionError):
    pass


class WrongCheckpoint(EmotionError):
    """A weights file that is missing, damaged, or for another net."""
