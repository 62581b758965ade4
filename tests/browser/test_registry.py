"""The engineer's story in a real browser, with real workers: a checkpoint comes in, is refused by the gate, put to work
with a written reason, reads a clip, and is taken back."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import accessibility_faults, picture_of
from tests.browser.steps import button
from tests.emotion.checkpoints import a_clip_reader_file
from tests.interviews import takes

PATIENCE = 90_000  # ms, for a worker that has to load its libraries first
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1360, "height": 900}
ENGINEER = """
from clinic.models import User
User.objects.create_user("ml@clinic.example", "correct horse", role=User.Role.ENGINEER, name="Ana Ruiz")
"""
REASON = "To see it at work on a clip before the pilot begins."


@pytest.fixture(scope="module")
def files(tmp_path_factory, fake_media) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("files")
    (folder / "letter.safetensors").write_text("Dear all")
    takes.a_filmed_clip(folder / "clip.webm", fake_media.clip, fake_media.speech, 3.0)
    return {
        "checkpoint": a_clip_reader_file(folder / "pilot.safetensors"),
        "letter": folder / "letter.safetensors",
        "clip": folder / "clip.webm",
    }


def signed_in(browser: Browser, site, a_context) -> Page:
    page = a_context(browser, site, viewport=DESK).new_page()
    page.goto("/accounts/login/")
    page.locator("input[type=email]").fill("ml@clinic.example")
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


def bring(page: Page, file: Path, press: str) -> None:
    page.locator("bring-files input[type=file]").set_input_files(file)
    page.locator("bring-files form").get_by_role("button", name=press).click()


def test_a_checkpoint_comes_in_is_refused_promoted_reads_a_clip_and_is_taken_back(
    start_site, browser_with, a_context, fake_media, files
):
    site = start_site()
    site.run(ENGINEER)
    page = signed_in(browser_with(fake_media), site, a_context)

    # What is no checkpoint is refused with a sentence; what is one arrives without a reload.
    page.get_by_role("link", name="Models").click()
    bring(page, files["letter"], "Import it")
    expect(page.get_by_text("letter.safetensors is damaged or no safetensors file.")).to_be_visible(timeout=PATIENCE)
    bring(page, files["checkpoint"], "Import it")
    expect(page.locator("#checkpoints").get_by_role("link", name="pilot")).to_be_visible(timeout=PATIENCE)
    looks_right(page, "registry")
    page.locator("#checkpoints").get_by_role("link", name="pilot").click()
    expect(page.get_by_text("made · test · both")).to_be_visible()
    looks_right(page, "checkpoint")

    # A pack with it, loaded by a worker; the gate says what is missing and takes a written reason.
    page.get_by_role("link", name="Make a pack with it").click()
    button(page, "Make the pack").click()
    expect(page.locator("#promote")).to_be_visible(timeout=PATIENCE)
    gate = page.locator("#gate")
    expect(gate.get_by_text("refuses")).to_be_visible()
    expect(gate.get_by_text("The serving pack has no figures on the same protocol")).to_be_visible()
    page.locator("#promote").click()
    expect(gate.get_by_text("The gate refuses this pack.")).to_be_visible()
    assert accessibility_faults(page) == []
    looks_right(page, "gate")
    page.get_by_label("Why it should serve all the same").fill(REASON)
    page.locator("#promote").click()
    expect(page.get_by_text("New readings are made with pilot from now on.")).to_be_visible()
    expect(page.locator("#serving")).to_contain_text(REASON)

    # The pack reads a clip.
    page.get_by_role("link", name="Try it").click()
    looks_right(page, "try")
    bring(page, files["clip"], "Read it")
    page.locator("emotion-timeline[data-drawn]").wait_for(timeout=PATIENCE)
    expect(page.locator("#trial-reading")).to_contain_text("lt: pilot")
    expect(page.get_by_role("heading", name="Probability of each label")).to_be_visible()
    page.get_by_label("Face and voice").check()
    looks_right(page, "trial")
    trial = page.url

    # A sound recorded in the page, kept on the device until it is sent.
    page.get_by_role("link", name="Try it").first.click()
    button(page, "Microphone alone").click()
    button(page, "Record").click()
    page.wait_for_timeout(2500)
    button(page, "Stop").click()
    page.locator("clip-recorder").get_by_role("button", name="Read it").click()
    page.wait_for_url("**/try/*-*/")
    expect(page.locator("audio")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("The recording has no picture: only the voice was read.")).to_be_visible()

    # Deleted when she says so.
    page.goto(trial)
    button(page, "Delete now").click()
    button(page, "Delete").click()
    expect(page.get_by_text("Deleted: the files, what was read in them")).to_be_visible()
    assert page.goto(trial).status == 404

    # One click back, asked about first.
    page.goto("/models/")
    button(page, "Roll back").click()
    page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    expect(page.get_by_text("pilot was taken back. starter serves again.")).to_be_visible()
    expect(page.locator("#history")).to_contain_text("taken back by Ana Ruiz")

    for link, name in (("Catalogue", "catalogue"), ("API", "api")):
        page.goto("/models/")
        page.get_by_role("link", name=link, exact=True).click()
        looks_right(page, name)
    assert accessibility_faults(page) == []
