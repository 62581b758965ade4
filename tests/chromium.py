"""A Chromium for the browser tests: the machine's own, or one installed on the way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
APPLICATION = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
PATIENCE = 600  # seconds a download may take


def find() -> str | None:
    """The program to start; None when this machine has none."""
    if given := os.environ.get("CHROMIUM"):
        return given
    for name in NAMES:
        if found := shutil.which(name):
            return found
    return str(APPLICATION) if APPLICATION.exists() else None


def find_or_install() -> str | None:
    return find() or _playwrights_own() or _by_apt() or _by_playwright()


def _by_apt() -> str | None:
    if not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        sudo = []
    elif _succeeds("sudo", "-n", "true"):
        sudo = ["sudo", "-n"]
    else:
        return None
    print("Installing Chromium for the browser tests (apt-get) ...", flush=True)
    apt = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    install = [*apt, "install", "-y", "--no-install-recommends", "chromium"]
    if not _succeeds(*install):
        _succeeds(*apt, "update")  # the lists may be missing or old
        _succeeds(*install)
    return find()


def _by_playwright() -> str | None:
    print("Installing Chromium for the browser tests (playwright) ...", flush=True)
    _succeeds(sys.executable, "-m", "playwright", "install", "chromium")
    return _playwrights_own()


def _playwrights_own() -> str | None:
    from playwright.sync_api import Error, sync_playwright

    try:
        with sync_playwright() as playwright:
            program = playwright.chromium.executable_path
    except Error:
        return None
    return program if Path(program).exists() else None


def _succeeds(*command: str) -> bool:
    try:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ended.returncode == 0
