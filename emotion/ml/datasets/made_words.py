"""What the made corpus's actors say: a line that goes with the label, or in some clips one that tells nothing.

The synthesised voices do not speak these words; they only give nets that read a transcript something to read.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from emotion.ml.datasets.clips import Clip

LINES: Mapping[str, tuple[str, ...]] = {
    "neutral": ("the bus leaves at nine", "the papers lie on the table"),
    "calm": ("there is plenty of time", "we can sit here a while"),
    "happy": ("we won and everybody came", "what a lovely day this was"),
    "sad": ("she is gone and I miss her", "nobody came to say goodbye"),
    "angry": ("he lied to me again", "get out and leave me alone"),
    "fearful": ("something moved behind the door", "please do not turn off the light"),
    "disgust": ("it smells like rotten fish", "take that filthy thing away"),
    "surprised": ("you are here already", "I never thought it would be you"),
}
TELLING_NOTHING = ("I said what I said", "that is all there is")
MUTE = 16  # one clip in so many tells nothing


def words_of(clip: Clip) -> str:
    """The same line for the same clip, on every machine."""
    draw = zlib.crc32(clip.name.encode())
    lines = TELLING_NOTHING if draw % MUTE == 0 else LINES[clip.label]
    return lines[(draw // MUTE) % len(lines)]
