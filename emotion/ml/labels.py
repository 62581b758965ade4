"""The eight expressions, their order in every logit, and each source's own names mapped to them."""

from enum import IntEnum


class Emotion(IntEnum):
    """RAVDESS order: the code in a RAVDESS file name, less one."""

    NEUTRAL = 0
    CALM = 1
    HAPPY = 2
    SAD = 3
    ANGRY = 4
    FEARFUL = 5
    DISGUST = 6
    SURPRISED = 7


LABELS: tuple[str, ...] = tuple(emotion.name.lower() for emotion in Emotion)
