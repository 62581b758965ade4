"""What a patient does, step by step, the way a person would: by the names on the buttons."""

import re

from playwright.sync_api import Locator, Page, expect

SAFE = "Your answer is safe at the clinic."
RECEIPT = re.compile(r"[A-Z2-7]{4}-[A-Z2-7]{4}")
TIME_TO_SEND = 30_000  # ms


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def enter(page: Page, link: str) -> None:
    """From the link through consent to the check of the devices."""
    page.goto(link)
    button(page, "Begin").click()
    button(page, "I agree").click()
    expect(page).to_have_url(re.compile(r"/check/$"))


def check_devices(page: Page) -> None:
    button(page, "Turn on camera and microphone").click()
    button(page, "Record a test").click()
    page.get_by_role("link", name="All is well: to the questions").click()
    expect(page).to_have_url(re.compile(r"/room/$"))


def go_to_room(page: Page, link: str) -> None:
    """The short way, for tests about the room itself."""
    enter(page, link)
    page.goto(page.url.replace("/check/", "/room/"))
    ready(page)


def ready(page: Page) -> None:
    expect(button(page, "Record")).to_be_enabled(timeout=TIME_TO_SEND)


def record(page: Page, seconds: float) -> None:
    button(page, "Record").click()
    expect(button(page, "Stop")).to_be_visible()
    page.wait_for_timeout(seconds * 1000)
    button(page, "Stop").click()
    expect(button(page, "Keep")).to_be_visible()


def keep(page: Page) -> str:
    """Keep the take and wait until all of it is at the clinic; the receipt."""
    button(page, "Keep").click()
    said = page.get_by_text(SAFE).locator("visible=true").first
    expect(said).to_be_visible(timeout=TIME_TO_SEND)
    return RECEIPT.search(said.inner_text())[0]


def go_on(page: Page) -> None:
    button(page, "Next").click()


def finish(page: Page) -> None:
    button(page, "Finish the interview").click()
    expect(page).to_have_url(re.compile(r"/done/$"))
