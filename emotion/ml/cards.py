"""A checkpoint's card, read without loading torch: what a page may show of weights that only a worker loads."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from emotion.ml.errors import WrongCheckpoint

LARGEST_HEADER = 16 * 1024 * 1024  # bytes; names and shapes of all tensors, and the card


def read_card(path: Path) -> dict[str, Any]:
    """The card in the header of a safetensors file. Its weights are not looked at. Raises WrongCheckpoint."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > LARGEST_HEADER:
                raise ValueError("a header that large is none")
            metadata = json.loads(file.read(length)).get("__metadata__", {})
        return json.loads(metadata["card"])
    except KeyError as error:
        raise WrongCheckpoint(f"{path.name} carries no card: nothing says what it is.") from error
    except (OSError, ValueError, AttributeError, struct.error) as error:
        raise WrongCheckpoint(f"{path.name} is damaged or no safetensors file.") from error
