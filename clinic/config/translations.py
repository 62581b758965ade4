"""From the catalogue in the repository to what gettext reads: compiled under var/ by whichever process starts first.

The .po file is what people edit and what git keeps; a compiled copy beside it would be one more thing to forget.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import polib

SOURCES = Path(__file__).resolve().parents[1] / "locale"  # one folder a language, English excepted
INSIDE = Path("LC_MESSAGES")


def compile_where_changed(target: Path) -> list[str]:
    """Languages compiled into `target` because their catalogue is another than the last time. May run at once in many
    processes: each file is put in place whole."""
    return [
        po.parent.parent.name
        for po in sorted(SOURCES.glob("*/LC_MESSAGES/django.po"))
        if _compile(po, target / po.parent.parent.name / INSIDE)
    ]


def _compile(po: Path, folder: Path) -> bool:
    digest = hashlib.sha256(po.read_bytes()).hexdigest()
    stamp = folder / "django.po.sha256"
    if (folder / "django.mo").exists() and stamp.exists() and stamp.read_text() == digest:
        return False
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _put(folder / "django.mo", polib.pofile(str(po), encoding="utf-8").to_binary())
    _put(stamp, digest.encode())
    return True


def _put(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    os.replace(name, path)
