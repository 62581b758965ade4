"""The studio on the real site: a run started from the form, its curve watched, its worker killed, its end seen."""

import os
import re
import signal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import accessibility_faults, picture_of
from tests.browser.site import Site

pytestmark = pytest.mark.timeout(300)

ENGINEER = """
from clinic.models import User
User.objects.create_user("ml@clinic.example", "correct horse", role=User.Role.ENGINEER, name="Ana Ruiz")
"""
# Long enough to be killed in the middle of it, short enough to see its end.
EPOCHS = 30
WORKER = """
from emotion.models import TrainingRun
run = TrainingRun.objects.get()
answer = {"pid": int(run.owner.split(":")[1]) if run.owner else None, "epochs": run.epochs_done, "state": run.state}
"""
EPOCH_NUMBERS = """
from emotion.models import TrainingRun
answer = list(TrainingRun.objects.get().epochs.values_list("number", flat=True))
"""


def sign_in(page: Page) -> None:
    page.goto("/")
    page.get_by_label("E-mail").fill("ml@clinic.example")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"127\.0\.0\.1:\d+/$"))


def drawn(page: Page) -> int:
    """Epochs on the chart."""
    return int(page.locator("training-curves").get_attribute("data-drawn") or 0)


def until_drawn(page: Page, more_than: int, within: int = 120) -> int:
    for _ in range(within * 10):
        if drawn(page) > more_than:
            return drawn(page)
        page.wait_for_timeout(100)
    raise AssertionError(f"no epoch after {drawn(page)} came within {within} s")


def test_a_run_is_started_watched_and_outlives_its_worker(start_site, browser_with, a_context):
    site: Site = start_site(workers=True, JOB_LEASE_SECONDS="5")
    site.run(ENGINEER)
    page = a_context(browser_with(None), site, viewport={"width": 1360, "height": 900}).new_page()
    sign_in(page)
    page.get_by_role("link", name="Training", exact=True).click()
    page.get_by_role("link", name="Make the first run").click()
    page.get_by_label("Epochs", exact=True).first.fill(str(EPOCHS))
    page.get_by_label("Patience").fill("")
    page.get_by_label("Name of this run").fill("Kill me")
    page.get_by_role("button", name="Check and start").click()
    expect(page).to_have_url(re.compile(r"/training/runs/\d+/$"))

    # Nobody reloads: only the socket can have told the page.
    first = until_drawn(page, 0)
    second = until_drawn(page, first)
    assert second > first
    expect(page.locator("training-curves canvas")).not_to_have_count(0)
    expect(page.locator("#run-state .badge")).to_have_text("running")

    before = site.run(WORKER)
    os.kill(before["pid"], signal.SIGKILL)
    third = until_drawn(page, second)
    expect(page.locator("#run-state .badge--done")).to_be_visible(timeout=240_000)
    until_drawn(page, EPOCHS - 1)
    assert site.run(EPOCH_NUMBERS) == list(range(1, EPOCHS + 1)), "no epoch is missing, none was kept twice"
    after = site.run(WORKER)
    assert after["state"] == "done"
    assert third > second
    expect(page.get_by_role("heading", name="On clips that nothing was chosen by")).to_be_visible()
    picture_of(page, "studio-done")
    assert accessibility_faults(page) == []
