"""Verbs of this room: where settings end and the library begins."""

from emotion.services.readings import probe, read, recogniser, remux, sound_of, store_reading

__all__ = ["probe", "read", "recogniser", "remux", "sound_of", "store_reading"]
