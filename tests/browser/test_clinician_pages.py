"""The clinician's pages as she meets them: desk and phone, light and dark, right to left, with a keyboard, and live."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import accessibility_faults, picture_of
from tests.browser.site import Site
from tests.interviews import takes
from tests.ollama_server import serving

PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
DESK = {"viewport": {"width": 1360, "height": 900}}
SECONDS = 12.0

CLINIC = """
from pathlib import Path
from django.utils import timezone
from clinic.models import Job, User
from clinic.services import admit_patient
from interviews import queries, services
from interviews.models import Interview, RiskFlag
from tests import factories
from tests.interviews import scenes

User.objects.create_user("admin@clinic.example", "correct horse", role=User.Role.ADMIN, name="Jonas Weber")
User.objects.create_user("ml@clinic.example", "correct horse", role=User.Role.ENGINEER, name="Ana Ruiz")
clinician = User.objects.create_user("dr.amari@clinic.example", "correct horse", name="Dr Amari")
questions = factories.a_question_set(("How have you slept these two weeks?", "What helps you when things get hard?"))
mina, oskar, leila = (admit_patient(clinician, name, number) for name, number in
    (("Mina Haddad", "MR-1"), ("Oskar Lindqvist", "MR-2"), ("ليلى منصور", "MR-3")))
finished = scenes.a_finished_interview(mina, questions, Path(film).read_bytes())
under_way = factories.an_interview(oskar, questions, state=Interview.State.STARTED, started_at=timezone.now())
given = under_way.answers.first()
scenes.reviewed(given, Path(film).read_bytes())
flag = RiskFlag(answer=given)
flag.sealed = given.interview.key.seal_json([{"kind": "self", "words": "want to die", "start": 4.2, "end": 5.1}],
    queries.flag_name(flag))
flag.save()
given.transcript.delete()
scenes.set_stages(given.subject, ["faces", "timeline"], Job.State.RUNNING, 20)
scenes.set_stages(given.subject, ["transcribe"], Job.State.FAILED, 0, "The speech model is missing.")
invited = factories.an_interview(leila, questions)
services.invite(invited, clinician)
answer = {
    "finished": finished.pk, "under_way": under_way.pk, "answer": given.pk,
    "patient": mina.pk, "questions": questions.pk,
}
"""
MOVE_ON = """
from clinic.models import Job
from interviews import live
from interviews.models import Answer
one = Answer.objects.get(pk=pk)
Job.objects.filter(subject=one.subject, stage=stage).update(state=state, percent=percent, reason="")
live.tell(one.interview_id, answer=one.pk)
"""
HEARD = """
from clinic.models import Job
from interviews import live
from interviews.models import Answer
from tests.interviews import scenes
one = Answer.objects.get(pk=pk)
scenes.heard(one)
scenes.set_stages(one.subject, ["transcribe"], Job.State.DONE)
live.tell(one.interview_id, answer=one.pk)
"""
REPORTED = """
from interviews.models import Interview
from reports import services
services.draft(Interview.objects.get(pk=pk), None)
"""
WRITTEN = """
from django.conf import settings
from reports import tasks
settings.OLLAMA_HOST, settings.OLLAMA_MODEL = url, "llama3.2:3b"
getattr(tasks, task)(pk)
"""
DONE = """
from clinic import jobs
from interviews.models import Interview
(job,) = jobs.open_jobs(Interview.objects.get(pk=pk).subject, ["report"])
jobs.close(job, "")
"""


@pytest.fixture(scope="module")
def film(tmp_path_factory, fake_media) -> str:
    """A real face and a real voice, as the worker leaves it: with a duration and seek points."""
    from emotion.ml.media import remux

    folder = tmp_path_factory.mktemp("film")
    takes.a_filmed_clip(folder / "source.webm", fake_media.clip, fake_media.speech, SECONDS)
    remux(folder / "source.webm", folder / "film.webm")
    return str(folder / "film.webm")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    """With a broker, so that news arrive; without workers, so that nothing moves by itself."""
    site = Site(tmp_path_factory.mktemp("site"))
    site.prepare()
    site.start_up("--without-workers")
    yield site
    site.stop()


@pytest.fixture(scope="module")
def clinic(site, film) -> dict[str, int]:
    return site.run(CLINIC, film=film)


@pytest.fixture
def open_page(site, clinic, browser_with, a_context):
    """A page with somebody signed in."""

    def signed_in(email: str = "dr.amari@clinic.example", language: str = "en", **options) -> Page:
        context = a_context(browser_with(None), site, **options)
        context.add_cookies([{"name": "django_language", "value": language, "url": site.url}])
        page = context.new_page()
        page.goto("/accounts/login/")
        page.locator("input[type=email]").fill(email)
        page.locator("input[type=password]").fill("correct horse")
        page.locator("main button.button--primary").click()
        page.wait_for_url("**/")
        return page

    return signed_in


def looks_right(page: Page, name: str) -> None:
    picture_of(page, name)
    assert accessibility_faults(page) == []
    width = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width[0] <= width[1], f"{name} is wider than its window: {width}"


def review(page: Page, pk: int) -> Page:
    """The interview page with its chart drawn."""
    page.goto(f"/interviews/{pk}/")
    page.locator("#answer-timeline").scroll_into_view_if_needed()
    page.locator("emotion-timeline[data-drawn]").wait_for()
    return page


def seconds_of(page: Page) -> float:
    return page.locator("#player").evaluate("player => player.currentTime")


def playable(page: Page) -> None:
    until(lambda: page.locator("#player").evaluate("player => player.readyState") >= 1)


def is_at(page: Page, seconds: float, within: float = 0.05) -> None:
    until(lambda: abs(seconds_of(page) - seconds) < within)


def until(comes_true: Callable[[], bool], within: float = 10.0) -> None:
    """The page's own waiting would need eval, which its content policy forbids."""
    ends = time.monotonic() + within
    while not comes_true():
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(0.05)


# Each of size, colours and language beside each of the others once.
@pytest.mark.parametrize(
    ("size", "window", "colours", "language"),
    [("phone", PHONE, "dark", "ar"), ("desk", DESK, "light", "en")],  # each of size, colours and language once
)
def test_no_page_has_an_accessibility_fault(open_page, clinic, size, window, colours, language):
    page = open_page(language=language, color_scheme=colours, **window)
    addresses = {
        "today": "/",
        "patients": "/patients/",
        "new-patient": "/patients/new/",
        "patient": f"/patients/{clinic['patient']}/",
        "list": "/interviews/",
        "new": "/interviews/new/",
        "under-way": f"/interviews/{clinic['under_way']}/",
        "password": "/accounts/password/change/",
        "not-there": "/nowhere/",
    }
    for name, address in addresses.items():
        page.goto(address)
        looks_right(page, f"{size}-{colours}-{language}-{name}")
    review(page, clinic["finished"])
    for summary in page.locator("summary").all():
        summary.click()
    looks_right(page, f"{size}-{colours}-{language}-review")


@pytest.mark.parametrize("who", ["admin", "ml"])
def test_other_staff_have_a_home_without_a_fault(open_page, who):
    page = open_page(f"{who}@clinic.example")
    looks_right(page, f"home-{who}")


def test_the_admin_pages_have_no_fault_either(open_page, clinic):
    page = open_page("admin@clinic.example", **DESK)
    for name in (
        "",
        "clinic/user/",
        "clinic/user/add/",
        "clinic/patient/",
        "clinic/auditentry/",
        "interviews/disorder/",
    ):
        page.goto(f"/admin/{name}")
        looks_right(page, f"admin-{name.replace('/', '-')}")
    page.goto(f"/authoring/sets/{clinic['questions']}/")
    looks_right(page, "admin-questions")


def test_arabic_turns_the_page_round_but_not_time(open_page, clinic):
    page = review(open_page(language="ar", **DESK), clinic["finished"])
    assert page.locator("html").get_attribute("dir") == "rtl"
    bar, main = page.locator(".bar").bounding_box(), page.locator("main").bounding_box()
    assert bar["x"] > main["x"]
    assert page.locator(".timeline__lanes").evaluate("lanes => getComputedStyle(lanes).direction") == "ltr"


def test_inviting_gives_a_link_that_can_be_copied_once(open_page, clinic):
    page = open_page(permissions=["clipboard-read", "clipboard-write"], **DESK)
    page.get_by_role("link", name="Invite to an interview").click()
    page.get_by_label("Patient").select_option(label="Mina Haddad")
    page.locator(f"#set-{clinic['questions']}").check()
    page.get_by_role("button", name="Make the link").click()
    link = page.get_by_label("Link for the patient").input_value()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == link
    looks_right(page, "link")
    page.reload()
    expect(page.get_by_label("Link for the patient")).to_have_count(0)


def test_withdrawing_a_link_is_asked_about_first(open_page, clinic):
    page = open_page(**DESK)
    page.goto("/interviews/?only=invited")
    page.get_by_role("link", name="ليلى منصور").click()
    page.get_by_role("button", name="Withdraw", exact=True).click()
    expect(page.get_by_role("dialog", name="Withdraw this link?")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    looks_right(page, "dialog")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text("open until")).to_be_visible()
    page.get_by_role("button", name="Withdraw", exact=True).click()
    page.get_by_role("button", name="Withdraw the link").click()
    expect(page.get_by_text("The link no longer works.")).to_be_visible()


def test_a_word_takes_the_recording_there_and_the_chart_follows(open_page, clinic):
    page = review(open_page(**DESK), clinic["finished"])
    playable(page)
    word = page.locator("transcript-player span[data-at]", has_text="foolishness")
    at = float(word.get_attribute("data-at"))
    word.click()
    is_at(page, at)
    expect(word).to_have_attribute("aria-current", "true")
    assert float(page.get_by_label("Moment in the recording").input_value()) == pytest.approx(at, abs=0.11)


def test_the_chart_takes_the_recording_there(open_page, clinic):
    page = review(open_page(**DESK), clinic["finished"])
    playable(page)
    lane = page.locator(".u-over").first
    box = lane.bounding_box()
    lane.click(position={"x": box["width"] / 4, "y": 20})
    longest = float(page.get_by_label("Moment in the recording").get_attribute("max"))
    is_at(page, longest / 4, within=0.2)


def test_an_address_may_name_a_second_of_an_answer(open_page, clinic):
    page = open_page(**DESK)
    page.goto(f"/interviews/{clinic['finished']}/#t=7.5")
    is_at(page, 7.5)


def test_evidence_in_the_report_takes_the_recording_there(open_page, site, clinic):
    site.run(REPORTED, pk=clinic["finished"])
    page = open_page(**DESK)
    page.goto(f"/interviews/{clinic['finished']}/")
    page.locator("#report-place").scroll_into_view_if_needed()
    evidence = page.locator("#report-place a[data-seconds]:not([data-seconds^='0'])").first
    evidence.wait_for()
    evidence.press("Enter")
    is_at(page, float(evidence.get_attribute("data-seconds")))
    looks_right(page, "report-in-place")


def test_playing_moves_the_cursor_of_the_chart_and_the_words(open_page, clinic):
    page = review(open_page(**DESK), clinic["finished"])
    playable(page)
    head = page.locator(".timeline__playhead").first
    before = head.bounding_box()["x"]
    page.locator("#player").evaluate("player => { player.muted = true; return player.play(); }")
    until(lambda: seconds_of(page) > 1.5)
    page.locator("#player").evaluate("player => player.pause()")
    assert head.bounding_box()["x"] > before + 10
    expect(page.locator("transcript-player [aria-current]")).to_have_count(1)
    shown = page.locator("transcript-player [aria-current]").evaluate("word => Number(word.dataset.at)")
    assert shown <= seconds_of(page) < shown + 1


def test_everything_on_the_clock_works_by_keyboard(open_page, clinic):
    page = review(open_page(**DESK), clinic["finished"])
    playable(page)
    slider = page.get_by_label("Moment in the recording")
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    is_at(page, 1)
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^0:01 · Face: sad \d+ %"))
    page.locator("transcript-player").focus()
    page.keyboard.press("ArrowRight")
    moved = page.locator("transcript-player [aria-current]").evaluate("word => Number(word.dataset.at)")
    assert moved > 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.at") is not None  # the time of the first passage
    page.keyboard.press("Enter")
    until(lambda: not page.locator("#player").evaluate("player => player.paused"))


def test_a_gap_says_why(open_page, clinic):
    page = review(open_page(**DESK), clinic["finished"])
    lane = page.locator(".u-over").first
    box = lane.bounding_box()
    lane.hover(position={"x": box["width"] * 0.48, "y": 30})
    expect(page.locator(".timeline__readout")).to_contain_text("no face in the picture")


def test_the_lane_shows_the_face_the_voice_or_both(open_page, clinic):
    page = review(open_page(**DESK), clinic["finished"])
    lane, readout = page.locator(".u-over").first, page.locator(".timeline__readout")
    box = lane.bounding_box()
    expect(page.get_by_role("radio", name="Face", exact=True)).to_be_checked()
    page.get_by_role("radio", name="Voice", exact=True).check()
    page.locator(".u-over").first.hover(position={"x": box["width"] * 0.48, "y": 30})
    expect(readout).to_contain_text(re.compile(r"Face: no face in the picture · Voice: (calm|neutral|angry|sad) \d+ %"))
    picture_of(page, "timeline-of-the-voice")
    page.get_by_role("radio", name="Face and voice").press("Space")
    expect(page.get_by_role("radio", name="Face and voice")).to_be_checked()
    page.locator(".u-over").first.hover(position={"x": box["width"] * 0.95, "y": 30})
    expect(readout).to_contain_text("Voice: silence")
    assert accessibility_faults(page) == []


def test_the_page_can_be_entered_past_the_navigation(open_page):
    page = open_page(**DESK)
    page.goto("/patients/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_colours_stay_as_they_were_chosen(open_page):
    page = open_page(color_scheme="light", **DESK)
    page.wait_for_function("() => Boolean(customElements.get('theme-choice'))")  # or nobody hears the click
    light = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    page.get_by_role("button", name="Account of").click()
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert dark != light
    page.goto("/patients/")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == dark


def test_a_chart_that_cannot_be_loaded_leaves_the_table(open_page, clinic):
    page = open_page(**DESK)
    page.route("**/timeline/", lambda route: route.abort())
    page.goto(f"/interviews/{clinic['finished']}/")
    page.locator("#answer-timeline").scroll_into_view_if_needed()
    expect(page.get_by_text("The chart could not be loaded")).to_be_visible()
    page.get_by_text("The same as a table").click()
    expect(page.locator("#answer-timeline table")).to_be_visible()
    page.unroute("**/timeline/")
    page.get_by_role("button", name="Try again").click()
    page.locator("emotion-timeline[data-drawn]").wait_for()


def test_pages_work_before_their_script_arrives(open_page, site, clinic):
    page = open_page(**DESK)
    state = page.context.storage_state()
    plain = page.context.browser.new_context(base_url=site.url, storage_state=state, java_script_enabled=False)
    page = plain.new_page()
    page.goto(f"/interviews/{clinic['finished']}/")
    expect(page.get_by_text("foolishness,")).to_be_visible()
    page.get_by_role("link", name="Question 2").click()
    expect(page.get_by_role("heading", name="What helps you when things get hard?")).to_be_visible()
    plain.close()


def test_progress_moves_without_a_reload_and_is_right_after_being_away(site, clinic, open_page):
    page = open_page(**DESK)
    page.goto(f"/interviews/{clinic['under_way']}/")
    page.locator("live-news[data-looked]").wait_for()
    page.evaluate("window.sameDocument = true")
    face = page.locator("#answer-work li", has_text="Face").locator("progress")
    expect(face).to_have_js_property("value", 20)

    site.run(MOVE_ON, pk=clinic["answer"], stage="faces", state="running", percent=66)
    expect(face).to_have_js_property("value", 66, timeout=5000)

    # Away: what happens meanwhile is told to nobody, and there all the same afterwards.
    page.context.set_offline(True)
    site.run(MOVE_ON, pk=clinic["answer"], stage="faces", state="running", percent=91)
    page.wait_for_timeout(1500)
    expect(face).to_have_js_property("value", 66)
    page.context.set_offline(False)
    expect(face).to_have_js_property("value", 91, timeout=15_000)

    # A transcript arrives while the recording plays on.
    playable(page)
    page.locator("#player").evaluate(
        "player => { player.muted = true; player.dataset.same = '1'; return player.play(); }"
    )
    expect(page.locator("#answer-transcript")).to_contain_text("The speech model is missing.")
    site.run(MOVE_ON, pk=clinic["answer"], stage="transcribe", state="done", percent=100)
    expect(page.locator("#answer-work")).not_to_contain_text("The speech model is missing.")
    expect(page.locator("#player")).to_have_attribute("data-same", "1")
    assert page.evaluate("window.sameDocument")

    page.goto("/interviews/")
    page.locator("live-news[data-looked]").wait_for()
    row = page.locator(f"#interview-{clinic['under_way']}")
    before = row.locator("progress").evaluate("meter => meter.value")
    site.run(MOVE_ON, pk=clinic["answer"], stage="timeline", state="done", percent=100)
    expect(row.locator("progress")).not_to_have_js_property("value", before, timeout=5000)


def test_an_alert_leads_to_the_words_and_goes_once_she_has_seen_it(open_page, clinic):
    page = open_page(**DESK)
    page.goto("/")
    page.get_by_role("link", name=re.compile("Oskar Lindqvist, question 1")).first.click()
    alert = page.get_by_role("alert").filter(has_text="Words in this answer call for a person")
    expect(alert).to_contain_text("want to die")
    picture_of(page, "alert")
    playable(page)
    alert.get_by_role("link", name="0:04").press("Enter")
    is_at(page, 4.2)
    alert.get_by_label("What you did").fill("Called him.")
    alert.get_by_role("button", name="I have seen this").press("Enter")
    expect(page.locator("#answer-risk")).to_contain_text("Seen by Dr Amari")
    expect(page.locator("#answer-risk")).to_contain_text("Called him.")
    page.goto("/")
    expect(page.get_by_text("Needs you now")).to_have_count(0)


def written(request: dict) -> str:
    """What a model writes about whatever it is asked: each sentence points at the first words that it was told."""
    fence, data = request["messages"][1]["content"].split("\n")[1:3]
    assert fence.startswith("--- evidence")
    told, fields = json.loads(data), request["format"]["properties"]
    if "conclusion" in fields:
        return json.dumps({"conclusion": [{**told["sentences"][0], "text": "Sleep runs through it."}], "to_ask": []})
    first = told["words"][0]
    place = {"answer": told["answer"], "from_word": 0, "to_word": 2, "seconds": first["seconds"]}
    said = [{**place, "text": "The patient tells of the nights and of the mornings after them."}]
    read = [{**place, "text": "The face reading changes while this is told."}]
    return json.dumps(
        {"answer_summary": said, "analysis": [], **({"expression": read} if "expression" in fields else {})}
    )


def test_a_draft_grows_on_the_page_and_is_compared_with_one_made_without_readings(open_page, site, clinic):
    pk = clinic["finished"]
    site.run(REPORTED + DONE, pk=pk)
    page = open_page(**DESK)
    page.goto(f"/interviews/{pk}/report/")
    page.get_by_role("button", name="Draft again").click()
    growing = page.locator("draft-writing li").first
    expect(growing).to_have_count(0)
    with serving(written, pace=0.3, pause="of the nights") as model:
        work = threading.Thread(
            target=site.run, args=(WRITTEN,), kwargs={"pk": pk, "url": model.url, "task": "draft_report"}
        )
        work.start()
        expect(growing).to_have_text(re.compile("^The patient tells of.*[^.]$"), timeout=60_000)
        looks_right(page, "draft-growing")
        model.more.set()
        work.join()
        model.pace = 0
        expect(page.locator("draft-writing")).to_be_hidden()
        page.locator("#report-place").scroll_into_view_if_needed()
        expect(page.locator("#report-place")).to_contain_text("Sleep runs through it.")
        page.goto(f"/interviews/{pk}/report/")
        looks_right(page, "report-drafted")
        page.get_by_role("button", name="Compare with a draft").click()
        expect(page.get_by_text("Two drafts are being written.").first).to_be_visible()
        site.run(WRITTEN, pk=pk, url=model.url, task="compare_drafts")
    expect(page.get_by_text("Only here").first).to_be_visible()
    expect(page.get_by_text("The face reading changes while this is told.").first).to_be_visible()
    looks_right(page, "comparison")
    page.set_viewport_size({"width": 360, "height": 740})
    looks_right(page, "comparison-phone")
