"""A clinician grades a study by keyboard in a real browser; its pages fit a phone, the dark and right to left."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import accessibility_faults, picture_of
from tests.browser.site import Site

pytestmark = pytest.mark.timeout(300)
PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 900}
ROWS = """
from clinic.models import User
from clinic.integrations.language import BadReply
from reports.study import services
from reports.study.rows import StudyVerdict
from tests.reports.study_cases import Reader, a_study, answered, grade_all
ana = User.objects.create_user("study.ml@clinic.example", "correct horse", role=User.Role.ENGINEER, name="Ana Ruiz")
grader = User.objects.create_user("study.dr@clinic.example", "correct horse", name="Dr Salib")
other = User.objects.create_user("study.dr2@clinic.example", "correct horse", name="Dr Nasser")
study = answered(a_study(ana, 2), Reader(failing=[BadReply("Twice the reply had another form.")]))
grade_all(study, other)
services.judge_all(study, Reader(engine="ollama llama3:70b"), lambda done, all_: None)
"""


def sign_in(page: Page, email: str) -> Page:
    page.goto("/accounts/login/")
    page.locator("input[type=email]").fill(email)
    page.locator("input[type=password]").fill("correct horse")
    page.locator("main button.button--primary").click()
    page.wait_for_url("**/")
    return page


def looks_right(page: Page, name: str) -> None:
    """At the desk in daylight; on a phone, in the dark, from right to left."""
    fits(page, f"{name}-desk")
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark")
    page.evaluate("document.documentElement.dir = 'rtl'")
    page.wait_for_timeout(250)  # colours fade from one to the other
    fits(page, f"{name}-phone")
    assert accessibility_faults(page) == []
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="light")
    page.evaluate("document.documentElement.dir = 'ltr'")


def fits(page: Page, name: str) -> None:
    picture_of(page, name)
    width = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width[0] <= width[1], f"{name} is wider than its window: {width}"


def test_answers_are_graded_by_keyboard_and_a_verdict_is_taken_back(site: Site, browser_with, a_context):
    site.run(ROWS)
    browser = browser_with(None)
    page = sign_in(a_context(browser, site, viewport=DESK).new_page(), "study.dr@clinic.example")
    page.goto("/studies/")
    page.get_by_role("link", name="Pilot").click()
    said = page.get_by_role("status")
    expect(said).to_contain_text("0 of 3")
    looks_right(page, "grade")
    for key, count in (("y", 1), ("p", 2), ("u", 1), ("n", 2)):
        page.keyboard.press(key)
        expect(said).to_contain_text(f"{count} of 3")
        page.wait_for_load_state()

    # Whoever needs single letters for something else switches them off.
    page.get_by_role("checkbox").uncheck()
    page.reload()
    expect(page.get_by_role("checkbox")).not_to_be_checked()
    page.keyboard.press("y")
    page.reload()
    expect(said).to_contain_text("2 of 3")
    page.get_by_role("button", name="Partial").click()
    expect(page.get_by_text("You have graded every answer.")).to_be_visible()
    page.get_by_role("link", name="See the results").click()
    expect(page.get_by_role("heading", name="Dr Salib graded by a person")).to_be_visible()
    expect(page.get_by_text("Dr Nasser and Dr Salib agree on")).to_be_visible()

    expect(page.get_by_text("Twice the reply had another form.")).to_be_visible()
    expect(page.get_by_role("heading", name=re.compile("llama3:70b graded by a model"))).to_be_visible()
    looks_right(page, "study")

    page = sign_in(a_context(browser, site, viewport=DESK).new_page(), "study.ml@clinic.example")
    page.get_by_role("link", name="Study", exact=True).click()
    looks_right(page, "studies")
    page.get_by_role("link", name="New study").click()
    looks_right(page, "new-study")
