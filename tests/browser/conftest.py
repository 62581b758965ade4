"""The real site, a real browser, a fake camera.

`site` is the web server alone, shared by all tests: each invites a patient of its own. `start_site` starts one of its
own for a test: `start_site(workers=True)` has broker and workers, `start_site(workers=False)` the broker only;
`site.start_up("--only-workers")` lets them come later.
`browser_with(media)` starts Chromium; `a_context(browser, site)` opens a fresh person's window in it.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.browser import chromium
from tests.browser.chromium import Watch
from tests.browser.fake_media import FakeMedia, make_media
from tests.browser.site import Site

HERE = Path(__file__).parent
expect.set_options(timeout=20_000)  # ms; the machine may be busy


STORIES = ("test_studio.py", "test_whole_story.py", "test_registry.py")  # minutes each: the short ones fill up behind


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: HERE not in item.path.parents or item.path.name not in STORIES)


@pytest.fixture(scope="session")
def fake_media(tmp_path_factory: pytest.TempPathFactory) -> FakeMedia:
    return make_media(tmp_path_factory.mktemp("media"))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"))
    site.prepare()
    site.start_web()
    yield site
    site.stop()


@pytest.fixture
def start_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    started: list[Site] = []

    def start(workers: bool = True, **environment: str) -> Site:
        folder = tmp_path / f"site{len(started)}"
        folder.mkdir()
        started.append(Site(folder, **environment))
        started[-1].prepare()
        started[-1].start_up(*(() if workers else ("--without-workers",)))
        return started[-1]

    yield start
    for site in started:
        site.stop()


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture
def browser_with(playwright: Playwright) -> Iterator[Callable[..., Browser]]:
    started: list[Browser] = []

    def start(media: FakeMedia | None, may_use: bool = True) -> Browser:
        flags = chromium.FLAGS + chromium.media_flags(media, may_use)
        try:
            started.append(playwright.chromium.launch(executable_path=chromium.executable(), args=flags))
        except PlaywrightError as error:
            if "Executable doesn't exist" not in str(error):
                raise
            pytest.skip("No Chromium on this machine: `playwright install chromium`, or name one in CHROMIUM.")
        return started[-1]

    yield start
    for browser in started:
        browser.close()


@pytest.fixture
def watch() -> Iterator[Watch]:
    """At the end of the test nothing may have gone wrong in any page."""
    watch = Watch()
    yield watch
    watch.must_be_silent()


@pytest.fixture
def a_context(watch: Watch) -> Callable[..., BrowserContext]:
    def open_context(browser: Browser, site: Site, **options: Any) -> BrowserContext:
        # Colours fade for those who did not ask for stillness, and a check of contrast meets them half-way.
        context = browser.new_context(base_url=site.url, **{"reduced_motion": "reduce", **options})
        context.set_default_timeout(20_000)
        watch.over(context, own_host=site.url.removeprefix("http://"))
        return context

    return open_context
