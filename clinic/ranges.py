"""The Range header of one request, read as RFC 9110 has it. One range is answered; several are answered whole."""

from __future__ import annotations

import re

ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


class NotSatisfiable(Exception):
    """No byte of the file lies in the range asked for."""


def wanted(header: str, size: int) -> tuple[int, int] | None:
    """Start and length of what is asked for; None for the whole. Raises NotSatisfiable."""
    asked = ONE_RANGE.fullmatch(header.strip())
    if asked is None or asked.group(1) == asked.group(2) == "":
        return None
    first, last = asked.groups()
    if not first:  # the last so many bytes
        length = min(int(last), size)
        start = size - length
    else:
        start = int(first)
        if last and int(last) < start:
            return None  # senseless: as if it had not been asked
        end = min(int(last), size - 1) if last else size - 1
        length = end - start + 1
    if length <= 0 or start >= size:
        raise NotSatisfiable
    return start, length
