"""Words that are not ours inside our markdown: shown exactly as they were said, whatever they look like.

An anchor is written [0:07](#answer-3@7.2): answer 3 of the interview, second 7.2 of its recording.
"""

from __future__ import annotations

import re
import unicodedata

SPECIAL = re.compile(r"([\\`*_\[\]])")
TURNING = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))  # would show our own words backwards
INNER = str.maketrans("“”„«»", "‘’‚‹›")
ANCHOR = re.compile(r"^#answer-(?P<position>\d{1,4})@(?P<seconds>\d{1,6}(\.\d{1,2})?)$")


def plain(text: str) -> str:
    """One line that markdown and HTML leave alone."""
    visible = "".join(" " if unicodedata.category(letter) in ("Cc", "Zl", "Zp") else letter for letter in text)
    line = re.sub(r" {2,}", " ", visible.translate(TURNING)).strip()
    line = SPECIAL.sub(r"\\\1", line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
    # A heading or a point of a list, only where a line begins.
    return re.sub(r"^([-+#])|^(\d+)(?=\.)", lambda found: f"\\{found[1]}" if found[1] else f"{found[2]}\\", line)


def quoted(text: str) -> str:
    """Inside a line of ours. Its own quotation marks become single ones: it cannot seem to end before it does."""
    return f"“{plain(text).translate(INNER)}”"


def anchor(position: int, seconds: float) -> str:
    return f"[{clock(seconds)}](#answer-{position}@{seconds:.1f})"


def clock(seconds: float) -> str:
    """75.2 → 1:15."""
    minutes, left = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"
