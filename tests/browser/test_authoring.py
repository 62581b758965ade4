"""An admin goes from a misspelt name to published questions: a real browser, real workers, a scripted model."""

import json

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import accessibility_faults, picture_of
from tests.browser.steps import button
from tests.ollama_server import serving

PATIENCE = 90_000  # ms, for a worker that has to load its libraries first
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1360, "height": 900}
ADMIN = """
from clinic.models import User
User.objects.create_user("admin@clinic.example", "correct horse", role=User.Role.ADMIN, name="Ada Admin")
"""
REPLY = json.dumps(
    {
        "questions": [
            {"text": "How have the last weeks been for you?", "hint": "Begin wherever you like."},
            {"text": "What is it like for you to be away from home?", "hint": ""},
            {"text": "What helps you feel safe?", "hint": "Small things count."},
        ]
    }
)


def signed_in(browser: Browser, site, a_context) -> Page:
    page = a_context(browser, site, viewport=DESK).new_page()
    page.goto("/accounts/login/")
    page.locator("input[type=email]").fill("admin@clinic.example")
    page.locator("input[type=password]").fill("correct horse")
    page.locator("main button.button--primary").click()
    page.wait_for_url("**/")
    return page


def looks_right(page: Page, name: str) -> None:
    """At the desk in daylight; on a phone, in the dark, from right to left."""
    _fits(page, f"{name}-desk")
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark")
    page.evaluate("document.documentElement.dir = 'rtl'")
    _fits(page, f"{name}-phone")
    assert accessibility_faults(page) == []
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="light")
    page.evaluate("document.documentElement.dir = 'ltr'")


def _fits(page: Page, name: str) -> None:
    page.wait_for_timeout(250)  # colours fade from one to the other
    picture_of(page, name)
    width = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width[0] <= width[1], f"{name} is wider than its window: {width}"


@pytest.mark.timeout(600)
def test_from_a_misspelt_name_to_published_questions(start_site, browser_with, a_context):
    with serving(REPLY) as ollama:
        site = start_site(workers=True, OLLAMA_HOST=ollama.url, OLLAMA_MODEL="llama3.2:3b")
        site.run(ADMIN)
        page = signed_in(browser_with(None), site, a_context)
        page.get_by_role("link", name="Disorders and questions").first.click()
        take_a_misspelt_name(page)
        draft(page)
        change(page)
        publish(page)


def take_a_misspelt_name(page: Page) -> None:
    looks_right(page, "authoring-disorders")
    page.get_by_label("Name or ICD-10 code").fill("agorafobia")
    button(page, "Look it up").click()
    expect(page.get_by_role("heading", name="Did you mean …?")).to_be_visible()
    looks_right(page, "authoring-name")
    page.get_by_role("button", name="Agoraphobia F40.0").click()
    expect(page.get_by_text("This is a code of ICD-10, chapter V.")).to_be_visible()
    button(page, "Create the disorder").click()
    expect(page.get_by_role("heading", name="Agoraphobia")).to_be_visible()


def draft(page: Page) -> None:
    page.get_by_label("Number of questions").fill("3")
    button(page, "Draft questions").click()
    made = page.get_by_role("link", name="Agoraphobia: first talk")
    expect(made).to_be_visible(timeout=PATIENCE)  # the page hears of it and looks by itself
    looks_right(page, "authoring-disorder")
    made.click()
    expect(page.get_by_text("A language model drafted these questions.")).to_be_visible()


def change(page: Page) -> None:
    page.get_by_label("Question", exact=True).first.fill("How have you been since the spring?")
    move = page.get_by_role("button", name="Move question 3 up")
    move.focus()
    page.keyboard.press("Enter")
    second = page.locator("ol textarea").nth(1)
    expect(second).to_have_value("What helps you feel safe?")
    expect(page.locator("ol textarea").first).to_have_value("How have you been since the spring?")
    page.get_by_role("button", name="Remove question 3").click()
    expect(page.locator("ol textarea")).to_have_count(2)
    button(page, "Bring it back").click()
    expect(page.locator("ol textarea").nth(2)).to_have_value("What is it like for you to be away from home?")
    page.locator("ol textarea").nth(2).fill("Do you like to be at home?")
    button(page, "Save").click()
    expect(page.get_by_text("It can be answered with yes or no.")).to_be_visible()
    looks_right(page, "authoring-set")


def publish(page: Page) -> None:
    page.locator("ol textarea").nth(2).fill("What is it like for you to leave home?")
    button(page, "Save and publish …").click()
    looks_right(page, "authoring-publish")
    button(page, "Approve and publish").click()
    expect(page.get_by_text("Approved by Ada Admin")).to_be_visible()
    expect(page.locator("textarea")).to_have_count(0)
    expect(page.get_by_text("What is it like for you to leave home?")).to_be_visible()
