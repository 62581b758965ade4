"""Verbs of this room: where settings end and the library begins."""

from emotion.services.readings import probe, read, recogniser, remux, sound_of, store_reading
from emotion.services.registry import made_otherwise

__all__ = ["made_otherwise", "probe", "read", "recogniser", "remux", "sound_of", "store_reading"]
