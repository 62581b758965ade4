"""Camera and microphone before the first question: seen, heard, tested, explained; and nothing of it is sent."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps

FAILURES = {
    "NotReadableError": "Another program may be using it",
    "OverconstrainedError": "cannot do what the interview needs",
    "SomethingNew": "could not be started",
}
OBSTACLES = {
    "Object.defineProperty(window, 'isSecureContext', { value: false });": "begins with https",
    "delete window.MediaRecorder;": "This browser cannot record video",
    "Object.defineProperty(navigator, 'mediaDevices', { value: undefined });": "This browser cannot record video",
}


@pytest.fixture
def check(site, browser_with, a_context):
    """A page at the device check, in a browser with these devices."""

    def open_check(media, may_use: bool = True) -> Page:
        page = a_context(browser_with(media, may_use), site).new_page()
        steps.enter(page, site.invite()["link"])
        return page

    return open_check


def test_the_picture_the_level_and_the_test_clip_are_there_and_nothing_is_sent(check, fake_media):
    page = check(fake_media)
    sent = []
    page.on("request", lambda request: request.method != "GET" and sent.append(request.url))
    steps.button(page, "Turn on camera and microphone").click()
    steps.button(page, "Record a test").wait_for()
    levels = [
        page.evaluate("document.querySelector('meter').value") for _ in range(20) if not page.wait_for_timeout(150)
    ]
    assert max(levels) > 0.05
    assert len(set(levels)) > 5, "the level does not move"
    assert page.evaluate("document.querySelector('[data-part=preview]').videoWidth") == 640
    steps.button(page, "Record a test").click()
    steps.button(page, "Play the test").wait_for()
    steps.button(page, "Play the test").click()
    for _ in range(50):
        if page.evaluate("document.querySelector('[data-part=playback]').currentTime") > 1:
            break
        page.wait_for_timeout(100)
    assert 2.5 < page.evaluate("document.querySelector('[data-part=playback]').duration") < 4.5
    assert not page.get_by_text("We heard almost nothing").is_visible()
    assert sent == []


def test_the_meter_has_a_name(check, fake_media):
    page = check(fake_media)
    steps.button(page, "Turn on camera and microphone").click()
    expect(page.get_by_role("meter", name="Microphone")).to_be_visible()


def test_a_refused_camera_is_explained_and_can_be_tried_again(check, fake_media):
    page = check(fake_media, may_use=False)
    steps.button(page, "Turn on camera and microphone").click()
    expect(page.get_by_role("alert").get_by_text("choose “Allow”")).to_be_visible()
    expect(steps.button(page, "Try again")).to_be_visible()


def test_a_machine_without_camera_is_told_so(check):
    page = check(None)
    steps.button(page, "Turn on camera and microphone").click()
    expect(page.get_by_text("No camera or no microphone was found")).to_be_visible()


def test_each_failure_of_the_devices_has_its_sentence(check, fake_media):
    page = check(fake_media)
    for name, sentence in FAILURES.items():
        page.evaluate(
            "name => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', name)); }",
            name,
        )
        page.locator("[data-do=open]").click()
        expect(page.get_by_role("alert").get_by_text(sentence)).to_be_visible()


def test_a_browser_that_cannot_record_is_told_at_once_here_and_in_the_room(check, fake_media):
    arrived = check(fake_media)
    for script, sentence in OBSTACLES.items():
        page = arrived.context.new_page()
        page.add_init_script(script)
        page.goto(arrived.url)
        expect(page.get_by_text(sentence)).to_be_visible()
        expect(steps.button(page, "Turn on camera and microphone")).to_be_hidden()
        page.goto(page.url.replace("/check/", "/room/"))
        expect(page.get_by_text(sentence)).to_be_visible()
        expect(steps.button(page, "Record")).to_be_hidden()
        page.close()


def test_a_camera_refused_in_the_room_is_explained_there(check, fake_media):
    page = check(fake_media, may_use=False)
    page.goto(page.url.replace("/check/", "/room/"))
    expect(page.get_by_role("alert").get_by_text("choose “Allow”")).to_be_visible()
    expect(steps.button(page, "Record")).to_be_disabled()


def test_without_scripts_the_pages_say_what_to_do(site, browser_with, a_context, fake_media):
    page = a_context(browser_with(fake_media), site, java_script_enabled=False).new_page()
    steps.enter(page, site.invite()["link"])
    expect(page.get_by_text("does not run scripts")).to_be_visible()
    page.goto(page.url.replace("/check/", "/room/"))
    expect(page.get_by_text("does not run scripts")).to_be_visible()
    expect(page).to_have_url(re.compile("/room/$"))
