"""A recording → what it is, the same packets in an order that can be searched, pictures and sound.

PyAV only. Nothing here trusts a file's own duration or frame rate: a browser's recording has neither.
"""

from emotion.ml.media.decoding import Picture, Sound, pictures, sound, stream, stretches
from emotion.ml.media.opening import SAMPLE_RATE
from emotion.ml.media.probing import MediaInfo, probe
from emotion.ml.media.remuxing import remux

__all__ = ["SAMPLE_RATE", "MediaInfo", "Picture", "Sound", "pictures", "probe", "remux", "sound", "stream", "stretches"]
