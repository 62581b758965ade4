"""An admin has the questions spoken again, and watches; the patient's player keeps the pace she chose."""

from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.chromium import accessibility_faults, picture_of

PATIENCE = 60_000  # ms
ADMIN = """
from clinic.models import User
if not User.objects.filter(email="voices@clinic.example").exists():
    User.objects.create_user("voices@clinic.example", "correct horse", role=User.Role.ADMIN, name="Ada Voss")
"""
WORK = "from interviews import tasks\ntasks.speak_due()"


def test_questions_are_spoken_again_while_an_admin_watches(site, browser_with, a_context, fake_media):
    site.run(ADMIN)
    made = site.invite(spoken=True)
    site.run("from interviews.models import Question\nQuestion.objects.filter(text='What helps?').update(audio='')")
    page = a_context(browser_with(fake_media), site, viewport={"width": 1360, "height": 900}).new_page()
    page.route_web_socket("**/ws/voices/", lambda socket: None)  # this site has no broker: we say "look" ourselves
    page.goto("/accounts/login/")
    page.locator("input[type=email]").fill("voices@clinic.example")
    page.locator("input[type=password]").fill("correct horse")
    page.locator("main button.button--primary").click()
    page.get_by_role("link", name="Voices").click()
    expect(page.locator("#voices-trouble")).to_contain_text("What helps?")
    picture_of(page, "voices-desk")
    page.get_by_role("button", name="Speak what has no voice").press("Enter")
    expect(page.locator("#voices-work")).to_contain_text("still to be spoken")
    picture_of(page, "voices-working")
    site.run(WORK)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#voices-trouble")).to_contain_text("has its own voice", timeout=PATIENCE)
    expect(page.locator("#voices-work")).not_to_contain_text("still to be spoken")
    page.set_viewport_size({"width": 360, "height": 740})
    page.emulate_media(color_scheme="dark")
    page.evaluate("document.documentElement.dir = 'rtl'")
    page.wait_for_timeout(250)  # colours fade from one to the other
    picture_of(page, "voices-phone")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert accessibility_faults(page) == []
    must_keep_the_pace(site, browser_with, a_context, fake_media, made)


def must_keep_the_pace(site, browser_with, a_context, fake_media, made) -> None:
    """By keyboard: slower, again, and on the next question still slower."""
    page = a_context(browser_with(fake_media), site, viewport={"width": 360, "height": 740}).new_page()
    steps.go_to_room(page, made["link"])
    first, second = (page.locator(f"[data-question='{number}']") for number in (1, 2))
    first.get_by_role("button", name="Slower").press("Enter")
    assert rates(page) == [0.75, 0.75]
    expect(first.get_by_role("button", name="Slower")).to_have_attribute("aria-pressed", "true")
    first.get_by_role("button", name="Hear the question").press("Enter")
    expect(first.locator("question-voice[data-state=playing]")).to_be_visible()
    expect(first.get_by_role("heading")).to_be_visible()
    expect(first.get_by_text("Voice: SVOX Pico")).to_be_visible()
    picture_of(page, "question-voice")
    page.reload()
    steps.ready(page)
    assert rates(page) == [0.75, 0.75]
    page.route("**/spoken/", lambda route: route.abort())
    second.evaluate("question => question.querySelector('audio').load()")
    steps.button(page, "Leave this question out").click()
    second.get_by_role("button", name="Hear the question").press("Enter")
    expect(second.get_by_text("cannot be played")).to_be_visible()


def rates(page) -> list[float]:
    return page.evaluate("[...document.querySelectorAll('question-voice audio')].map(audio => audio.playbackRate)")
