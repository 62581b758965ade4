"""Static files: hashed names, compressed, ES-module imports rewritten."""

from collections.abc import Callable
from re import Match
from typing import Any

from servestatic.storage import CompressedManifestStaticFilesStorage


class ModuleStaticFilesStorage(CompressedManifestStaticFilesStorage):
    # Off by default in Django 5.2; rewrites relative imports that end in a semicolon.
    support_js_module_import_aggregation = True

    def url_converter(self, name: str, hashed_files: dict[str, Any], template: str | None = None) -> Callable:
        if name.endswith(".js") and not name.startswith("js/"):
            return _as_it_is  # other people's: their comments hold lines that look like imports
        return super().url_converter(name, hashed_files, template)


def _as_it_is(match: Match[str]) -> str:
    return match[0]
