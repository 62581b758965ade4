"""Blocks → PDF. The compiler sees one template and data: no other file, no font of the system, no network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst
from django.conf import settings
from django.utils.translation import gettext_lazy

from reports.errors import ReportError

HERE = Path(__file__).parent
TEMPLATE = HERE / "report.typ"
NASKH = "Noto Naskh Arabic"
# Folders that do not exist: a package could be neither found nor kept. The template names none.
NO_PACKAGES = HERE / "no-packages"


class NoTypeface(ReportError):
    """The text needs letters that no installed typeface has."""


@dataclass(frozen=True)
class Sheet:
    """A report as it goes onto paper. `page` holds {page} and {pages}."""

    language: str
    direction: str
    title: str
    title_short: str  # beside the patient, at the head of every page
    patient: str
    status: str  # who signed it, or that nobody has
    purpose: str
    page: str
    blocks: Sequence[dict[str, Any]]
    unshown: str  # said at the end where characters are missing from the typefaces
    made_at: datetime


def typeset(sheet: Sheet) -> bytes:
    """A tagged PDF; where every character can be shown, one that follows PDF/UA-1. Raises NoTypeface."""
    data = {**asdict(sheet), "made_at": "", "note": "", "has_naskh": has_naskh()}
    if not data["has_naskh"] and _needs_naskh(json.dumps(data, ensure_ascii=False)):
        raise NoTypeface(
            gettext_lazy(  # said in the reader's language, and this runs in the report's
                "This report has Arabic letters and the Arabic typeface is not installed on this server. Run `make "
                "setup` there with a network, or take the markdown file."
            )
        )
    try:
        return _compile(data, sheet.made_at, ["ua-1"])
    except typst.TypstError:
        # Most often a character that no typeface here has (a smiley). Its message holds the text: not to be repeated.
        return _compile({**data, "note": sheet.unshown}, sheet.made_at, [])


def has_naskh() -> bool:
    return NASKH in _fonts(_folder()).families()


def _compile(data: dict[str, Any], made_at: datetime, standards: list[Any]) -> bytes:
    compiler = typst.Compiler(
        TEMPLATE.read_bytes(),
        root=str(HERE),
        font_paths=_fonts(_folder()),
        sys_inputs={"report": json.dumps(data)},
        package_path=str(NO_PACKAGES),
        package_cache_path=str(NO_PACKAGES),
    )
    made = compiler.compile(format="pdf", pdf_standards=standards, timestamp=int(made_at.timestamp()))
    assert isinstance(made, bytes)  # one document, not pages
    return made


def _folder() -> Path:
    return settings.NODE_MODULES / "@expo-google-fonts" / "noto-naskh-arabic"


@lru_cache(maxsize=4)
def _fonts(folder: Path) -> typst.Fonts:
    """Looked for once a process: the web server is started anew after `make setup`."""
    return typst.Fonts(include_system_fonts=False, font_paths=[folder] if folder.is_dir() else [])


def _needs_naskh(text: str) -> bool:
    return any("\u0600" <= letter <= "\u08ff" or "\ufb50" <= letter <= "\ufeff" for letter in text)
