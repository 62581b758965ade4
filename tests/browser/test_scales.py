"""Questionnaires as people meet them: answered on a phone by keyboard and by voice, read by her clinician."""

import io
import re
import wave
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from clinic.integrations.speaking import PicoVoice, wav
from tests.browser import steps
from tests.browser.chromium import accessibility_faults, picture_of
from tests.browser.fake_media import FakeMedia
from tests.browser.test_patient_pages import PHONE

pytestmark = pytest.mark.timeout(600)

ASK = """
from clinic.models import User
from interviews import scales
from interviews.models import Interview
from interviews.services import choose_instruments, instruments

interview = Interview.objects.get(pk=pk)
admin = User.objects.filter(role=User.Role.ADMIN).first()
admin = admin or User.objects.create_user("admin@clinic.example", "correct horse", role="admin", name="Ada")
definition = next(one for one in scales.shipped() if (one.slug, one.language) == (slug, language))
found = instruments.Instrument.objects.filter(slug=slug, language=language, state="published").first()
found = found or instruments.publish(instruments.install(definition, admin), admin)
answer = choose_instruments(interview, [found])[0].pk
"""
HEARD_WITHIN = 90_000  # ms: a worker may still be loading its model
CRISIS = "You do not have to be alone with this"


def looks_right(page: Page, name: str) -> None:
    picture_of(page, name)
    assert accessibility_faults(page) == []
    width = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width[0] <= width[1], f"{name} is wider than its window: {width}"


def answer_by_keys(page: Page, downs: int) -> None:
    """Space takes the first answer, each arrow the next one; Enter goes on."""
    number = page.url
    page.keyboard.press("Space")
    for _ in range(downs):
        page.keyboard.press("ArrowDown")
    expect(page.locator("input[name=value]:checked")).to_have_value(str(downs))
    page.keyboard.press("Enter")
    expect(page).not_to_have_url(number)


@pytest.fixture
def says_very_difficult(fake_media: FakeMedia, tmp_path: Path) -> FakeMedia:
    """A microphone into which the offline voice says one of the answers, again and again."""
    with wave.open(io.BytesIO(PicoVoice().say("Very difficult."))) as said:
        rate, pcm = said.getframerate(), said.readframes(said.getnframes())
    microphone = tmp_path / "microphone.wav"
    microphone.write_bytes(wav(b"\0" * rate + pcm + b"\0" * 2 * rate, rate))
    return replace(fake_media, microphone=microphone)


def test_a_patient_answers_by_keyboard_and_by_voice_and_her_clinician_is_called(
    start_site, browser_with, a_context, says_very_difficult
):
    site = start_site(workers=True)
    made = site.invite()
    site.run(ASK, pk=made["interview"], slug="phq-9", language="en")
    browser = browser_with(says_very_difficult)
    page = a_context(browser, site, **PHONE).new_page()
    steps.enter(page, made["link"])
    page.goto(f"/interviews/{made['interview']}/scales/")
    looks_right(page, "scales-1-overview")
    page.get_by_role("link", name="Begin").click()
    expect(page.get_by_text("Question 1 of 10")).to_be_visible()
    looks_right(page, "scales-2-item")
    for _ in range(8):
        answer_by_keys(page, 1)

    expect(page.get_by_text("Question 9 of 10")).to_be_visible()
    expect(page.get_by_text(CRISIS)).to_be_hidden()
    page.get_by_text("Several days").click()
    expect(page.get_by_text(CRISIS)).to_be_visible()
    expect(page.get_by_text("Your answer is kept.")).to_be_visible()
    looks_right(page, "scales-3-crisis")
    page.reload()
    expect(page.get_by_label("Several days")).to_be_checked()
    steps.button(page, "Next").click()
    steps.button(page, "Answer with my voice").click()
    expect(page.get_by_text("Please speak now.")).to_be_visible()
    page.wait_for_timeout(3_500)  # the answer is said once in that time
    steps.button(page, "That is my answer").click()
    expect(page.get_by_text("2 · Very difficult")).to_be_visible(timeout=HEARD_WITHIN)
    looks_right(page, "scales-3-voice")
    steps.button(page, "Yes, that is my answer").click()
    expect(page.get_by_label("Very difficult")).to_be_checked()
    expect(page.get_by_text("Your answer is kept.")).to_be_visible()
    steps.button(page, "Next").click()
    expect(page.get_by_role("heading", name="Are you finished?")).to_be_visible()

    clinician = a_context(browser, site).new_page()
    clinician.goto("/accounts/login/")
    clinician.get_by_label("E-mail").fill(made["clinician"])
    clinician.get_by_label("Password").fill("correct horse")
    clinician.get_by_role("button", name="Sign in").click()
    expect(clinician.get_by_role("heading", name="Needs you now")).to_be_visible()
    clinician.get_by_role("link", name=re.compile("PHQ-9, item 9")).first.click()
    results = clinician.locator("#interview-scales")
    expect(results).to_contain_text("The answer to item 9 calls for a person")
    expect(results.locator(".figure")).to_have_text("9")
    expect(results).to_contain_text("mild")
    looks_right(clinician, "scales-4-results")
    results.get_by_role("button", name="I have seen this").click()
    expect(clinician.locator("#interview-scales")).to_contain_text("called for a person")


def test_the_arabic_questionnaire_runs_from_right_to_left(site, browser_with, a_context, fake_media):
    made = site.invite()
    scale = site.run(ASK, pk=made["interview"], slug="gad-7", language="ar")
    context = a_context(browser_with(fake_media), site, **PHONE)
    page = context.new_page()
    page.goto(made["link"])
    page.locator("main form button").first.click()
    page.locator("main form button[value=agree]").click()
    expect(page).to_have_url(re.compile("/check/$"))
    page.goto(f"/scales/{scale}/items/1/")
    page.locator("button[name=language][value=ar]").click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    option = page.get_by_label("عدة أيام")
    option.check()
    expect(option).to_be_checked()
    points = page.locator(".scale__points").first.bounding_box()
    words = page.locator("[data-part=option]").first.bounding_box()
    assert points["x"] > words["x"]
    looks_right(page, "scales-5-arabic")
