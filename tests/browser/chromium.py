"""Chromium with a fake camera and microphone, and a page that remembers everything that went wrong in it."""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Page

from tests.browser.fake_media import FakeMedia

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NETWORK = ("Failed to load resource", "net::ERR")  # what the browser itself says about a request that failed


def executable() -> str | None:
    """The machine's own Chromium, or None for the one that Playwright may have installed."""
    given = os.environ.get("CHROMIUM", "")
    return given or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def media_flags(media: FakeMedia | None, may_use: bool = True) -> list[str]:
    """`media` None: a machine without devices. `may_use` False: the person says no."""
    flags = [f"--use-fake-ui-for-media-stream{'' if may_use else '=deny'}"]
    if media is None:
        return [*flags, "--use-fake-device-for-media-stream=device-count=0"]
    return [
        *flags,
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={media.camera}",
        f"--use-file-for-fake-audio-capture={media.microphone}",
    ]


@dataclass
class Watch:
    """What went wrong in the pages of a context: errors, broken rules of the content policy, calls to other hosts."""

    complaints: list[str] = field(default_factory=list)
    strange_requests: list[str] = field(default_factory=list)

    def over(self, context: BrowserContext, own_host: str) -> None:
        context.on("page", lambda page: page.on("console", self._heard))
        context.on("weberror", lambda error: self.complaints.append(f"uncaught: {error.error}"))
        context.on("request", lambda request: self._asked(request.url, own_host))

    def must_be_silent(self) -> None:
        assert not self.complaints, "\n".join(self.complaints[:5])
        assert not self.strange_requests, "\n".join(self.strange_requests[:5])

    def _heard(self, message: ConsoleMessage) -> None:
        # A message without an address comes from the test's own tools: axe sets inline styles, which the page may not.
        is_ours = bool(message.location["url"])
        if message.type == "error" and is_ours and not message.text.startswith(NETWORK):
            self.complaints.append(f"{message.location['url']}: {message.text}")

    def _asked(self, url: str, own_host: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != own_host:
            self.strange_requests.append(url)


def accessibility_faults(page: Page) -> list[str]:
    """What axe objects to on this page as it looks now, one line each."""
    found = Axe().run(page).response["violations"]
    return [f"{fault['id']}: {fault['help']}: {node['target']}" for fault in found for node in fault["nodes"]]


def picture_of(page: Page, name: str) -> None:
    """A screenshot where SCREENSHOTS names a folder: to look at, never to compare."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
