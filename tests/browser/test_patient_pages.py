"""The patient's pages as people meet them: on a phone and a desk, light and dark, with a reader, with a keyboard."""

import pytest
from playwright.sync_api import Page

from tests.browser import steps
from tests.browser.chromium import accessibility_faults, picture_of

PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
DESK = {"viewport": {"width": 1280, "height": 860}}


def looks_right(page: Page, name: str) -> None:
    picture_of(page, name)
    assert accessibility_faults(page) == []
    width = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width[0] <= width[1], f"{name} is wider than its window: {width}"


# Each of size and colours once; test_two_languages goes the same way on a phone in the dark.
@pytest.mark.parametrize(("size", "window", "colours"), [("phone", PHONE, "light"), ("desk", DESK, "dark")])
def test_no_page_on_the_way_has_an_accessibility_fault(
    site, browser_with, a_context, fake_media, size, window, colours
):
    made = site.invite()
    page = a_context(browser_with(fake_media), site, color_scheme=colours, **window).new_page()
    page.set_default_timeout(20_000)

    def look(name: str) -> None:
        looks_right(page, f"{size}-{colours}-{name}")

    page.goto(made["link"])
    look("1-invitation")
    steps.button(page, "Begin").click()
    steps.button(page, "I agree").wait_for()  # or the page before would be looked at
    look("2-consent")
    steps.button(page, "I agree").click()
    steps.button(page, "Turn on camera and microphone").wait_for()
    look("3-check-start")
    steps.button(page, "Turn on camera and microphone").click()
    steps.button(page, "Record a test").wait_for()
    look("4-check-live")
    steps.button(page, "Record a test").click()
    page.get_by_role("link", name="All is well: to the questions").wait_for()
    look("5-check-tested")
    page.get_by_role("link", name="All is well: to the questions").click()
    steps.ready(page)
    look("6-room-idle")
    steps.button(page, "Record").click()
    page.wait_for_timeout(2500)
    look("7-room-recording")
    steps.button(page, "Stop").click()
    steps.button(page, "Keep").wait_for()
    page.wait_for_timeout(1000)
    look("8-room-review")
    steps.keep(page)
    look("9-room-kept")
    steps.go_on(page)
    steps.button(page, "Leave this question out").click()
    look("10-room-summary")
    steps.finish(page)
    look("11-done")
    page.goto(made["link"].replace(made["token"], "nonsense"))
    look("12-refused-link")
