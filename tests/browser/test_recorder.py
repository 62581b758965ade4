"""Recording in a real browser: whatever happens in between, the bytes at the clinic are the bytes the browser made."""

import random
import re

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser import steps
from tests.browser.site import Site

# What the site holds of an interview: each kept part's digest as stored, and of its bytes as opened again.
KEPT = """
from hashlib import sha256
from interviews.chunks import read_chunk
from interviews.models import Recording
rows = Recording.objects.filter(answer__interview=interview, state="kept").order_by("answer__question__position")
answer = [
    {
        "take": str(take.pk), "mime_type": take.mime_type, "count": take.chunk_count, "receipt": take.answer.receipt,
        "rows": [chunk.sha256 for chunk in take.chunks.all()],
        "files": [sha256(read_chunk(chunk, take.answer.interview.key)).hexdigest() for chunk in take.chunks.all()],
    }
    for take in rows
]
"""

# Notes each part's digest when it is put on the device, so that what was kept can be compared with what was made.
NOTE_PARTS = """
window.made = [];
const put = IDBObjectStore.prototype.put;
IDBObjectStore.prototype.put = function (row) {
  if (this.name === "pieces") window.made.push([row.take, row.seq, row.sha256]);
  return put.apply(this, arguments);
};
"""
A_MOMENT = 1500  # ms: at least one part
PARTS = "**/api/recordings/*/chunks/*"


@pytest.fixture
def room(site: Site, browser_with, a_context, fake_media):
    """A consenting patient's page in the room, with its interview's numbers: (page, made)."""
    made = site.invite()
    context = a_context(browser_with(fake_media), site)
    context.add_init_script(NOTE_PARTS)
    page = context.new_page()
    steps.go_to_room(page, made["link"])
    return page, made


def kept(site: Site, made: dict) -> list[dict]:
    return site.run(KEPT, interview=made["interview"])


def must_equal_what_was_made(page: Page, takes: list[dict]) -> None:
    must_equal(page.evaluate("window.made"), takes)


def must_equal(parts: list, takes: list[dict]) -> None:
    assert takes
    for take in takes:
        made = {seq: digest for name, seq, digest in parts if name == take["take"]}
        assert len(made) == take["count"] > 0
        assert [made[seq] for seq in sorted(made)] == take["rows"] == take["files"]


def test_two_answers_are_recorded_kept_and_finished(site, room):
    page, made = room
    receipts = []
    for number in (1, 2):
        expect(page.get_by_text(f"Question {number} of 2")).to_be_visible()
        steps.record(page, 3)
        receipts.append(steps.keep(page))
        steps.go_on(page)
    must_equal_what_was_made(page, takes := kept(site, made))
    assert [take["receipt"] for take in takes] == receipts
    assert takes[0]["mime_type"] == "video/webm;codecs=vp9,opus"
    assert takes[0]["count"] >= 3
    steps.finish(page)
    for receipt in receipts:
        expect(page.get_by_text(receipt)).to_be_visible()
    page.goto(made["link"])
    expect(page).to_have_url(re.compile(r"/done/$"))


def test_three_of_ten_parts_refused_by_a_clinic_in_trouble_arrive_all_the_same(site, room):
    page, made = room
    chance, refused = random.Random(7), []

    def sometimes(route: Route) -> None:
        if route.request.method == "PUT" and chance.random() < 0.3:
            refused.append(route.request.url)
            route.fulfill(status=503, body="")
        else:
            route.continue_()

    page.route(PARTS, sometimes)
    steps.record(page, 8)
    steps.keep(page)
    assert refused
    must_equal_what_was_made(page, kept(site, made))


def test_five_seconds_without_a_network_lose_nothing_and_are_said(site, room):
    page, made = room
    steps.button(page, "Record").click()
    page.wait_for_timeout(A_MOMENT)
    page.context.set_offline(True)
    expect(page.get_by_text("everything waits on this device")).to_be_visible()
    page.wait_for_timeout(5000)
    waiting = re.compile(r"Still only on this device: ([4-9])")
    expect(page.get_by_text(waiting)).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_text("everything waits on this device")).to_be_hidden()
    steps.button(page, "Stop").click()
    steps.keep(page)
    must_equal_what_was_made(page, kept(site, made))


def test_a_tab_closed_while_recording_is_taken_up_when_the_page_is_opened_again(site, room):
    page, made = room
    page.route(PARTS, lambda route: route.abort())
    steps.button(page, "Record").click()
    page.wait_for_timeout(3 * A_MOMENT)
    parts = page.evaluate("window.made")
    page = another_tab(page)
    expect(page.get_by_text("You recorded this before you left")).to_be_visible()
    expect(page.get_by_text("parts are safe at the clinic")).to_be_visible()
    must_play(page)
    steps.keep(page)
    takes = kept(site, made)
    assert takes[0]["count"] >= len(parts)  # closing the tab may have handed over one more
    assert takes[0]["rows"][: len(parts)] == [digest for _, _, digest in parts]
    assert takes[0]["rows"] == takes[0]["files"]


def test_a_take_of_which_all_parts_arrived_is_played_from_the_clinic_after_coming_back(site, room):
    page, made = room
    steps.record(page, 2)
    expect(page.get_by_text("parts are safe at the clinic")).to_be_visible()
    parts = page.evaluate("window.made")
    page = another_tab(page, forget_shelf=True)
    expect(page.get_by_text("You recorded this before you left")).to_be_visible()
    must_play(page)
    steps.keep(page)
    must_equal(parts, kept(site, made))


def test_a_decision_to_keep_is_carried_out_after_the_tab_was_closed(site, room):
    page, made = room
    page.route(PARTS, lambda route: route.abort())
    steps.record(page, 2)
    steps.button(page, "Keep").click()
    expect(page.get_by_text("you can go on")).to_be_visible()
    parts = page.evaluate("window.made")
    page = another_tab(page)
    expect(page.get_by_text("Question 2 of 2")).to_be_visible()
    steps.button(page, "Back").click()
    expect(page.get_by_text(steps.SAFE).locator("visible=true").first).to_be_visible()
    must_equal(parts, kept(site, made))


def test_a_part_that_the_clinic_lost_is_sent_again_from_the_page(site, room):
    page, made = room
    steps.record(page, 3)
    expect(page.get_by_text("parts are safe at the clinic")).to_be_visible()
    for folder in (site.folder / "media" / "recordings" / str(made["interview"])).iterdir():
        (folder / "000001.chunk").unlink()
    steps.keep(page)
    must_equal_what_was_made(page, kept(site, made))


def test_recording_again_replaces_the_take_only_when_the_new_one_has_begun(site, room):
    page, made = room
    steps.record(page, 2)
    first = page.evaluate("window.made.at(-1)[0]")
    steps.button(page, "Record again").click()
    steps.button(page, "Back to my recording").click()
    expect(steps.button(page, "Keep")).to_be_visible()
    steps.button(page, "Record again").click()
    steps.record(page, 2)
    steps.keep(page)
    takes = kept(site, made)
    assert [take["take"] for take in takes] != [first]
    must_equal_what_was_made(page, takes)
    assert site.run(DISCARDED, interview=made["interview"]) == [[first, 0]]


DISCARDED = """
from interviews.models import Recording
rows = Recording.objects.filter(answer__interview=interview, state="discarded")
answer = [[str(take.pk), take.chunks.count()] for take in rows]
"""


def test_a_camera_that_stops_ends_the_take_and_is_said(site, room):
    page, made = room
    steps.button(page, "Record").click()
    page.wait_for_timeout(2 * A_MOMENT)
    page.evaluate("document.querySelector('[data-part=preview]').srcObject.getVideoTracks()[0].stop()")
    expect(page.get_by_text("Your camera or microphone stopped").locator("visible=true").first).to_be_visible()
    steps.keep(page)
    must_equal_what_was_made(page, kept(site, made))
    steps.go_on(page)
    steps.ready(page)  # with a fresh camera


def test_where_the_device_keeps_nothing_it_is_said_and_recording_works(site, browser_with, a_context, fake_media):
    made = site.invite()
    context = a_context(browser_with(fake_media), site)
    context.add_init_script("Object.defineProperty(window, 'indexedDB', { get: () => undefined });")
    page = context.new_page()
    steps.go_to_room(page, made["link"])
    expect(page.get_by_text("leave this page open")).to_be_visible()
    steps.record(page, 2)
    steps.keep(page)
    [take] = kept(site, made)
    assert take["rows"] == take["files"]


def test_leaving_is_asked_about_only_while_something_is_unsent(room):
    page, _ = room
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.route(PARTS, lambda route: route.abort())
    steps.record(page, 2)
    page.wait_for_timeout(A_MOMENT)
    page.close(run_before_unload=True)
    expect(page.get_by_text("Still only on this device")).to_be_visible()
    assert asked == ["beforeunload"]
    page.unroute(PARTS)
    expect(page.get_by_text("parts are safe at the clinic")).to_be_visible(timeout=steps.TIME_TO_SEND)
    page.wait_for_timeout(A_MOMENT)
    page.reload()
    assert asked == ["beforeunload"]


def test_a_second_tab_does_not_record_over_the_first(room):
    page, _ = room
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_text("already open in another tab")).to_be_visible()
    expect(steps.button(other, "Record")).to_be_hidden()
    page.close()
    other.reload()
    steps.ready(other)


def test_a_session_that_ended_keeps_everything_until_a_new_link_is_opened(site, room):
    page, made = room
    page.context.clear_cookies()
    steps.record(page, 2)
    expect(page.get_by_text("no longer signed in")).to_be_visible()
    parts, context = page.evaluate("window.made"), page.context
    page.close()
    token = site.run(INVITE_AGAIN, interview=made["interview"])
    page = context.new_page()
    page.goto(f"{site.url}/invitations/{token}/")
    steps.button(page, "Begin").click()
    page.goto(f"{site.url}/interviews/{made['interview']}/room/")
    expect(page.get_by_text("You recorded this before you left")).to_be_visible()
    steps.keep(page)
    must_equal(parts, kept(site, made))


INVITE_AGAIN = """
from interviews import services
from interviews.models import Interview
row = Interview.objects.get(pk=interview)
_, answer = services.invite(row, by=row.created_by)
"""


def test_the_whole_answer_works_by_keyboard(room):
    page, _ = room
    focused = "document.activeElement.innerText.trim()"
    press_until(page, "Record")
    page.keyboard.press("Enter")
    expect(steps.button(page, "Stop")).to_be_focused()
    page.wait_for_timeout(A_MOMENT)
    page.keyboard.press("Space")
    expect(steps.button(page, "Keep")).to_be_visible()
    assert page.evaluate(focused).startswith("Stopped.")
    press_until(page, "Keep")
    page.keyboard.press("Enter")
    press_until(page, "Next")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Question 2 of 2")).to_be_visible()
    assert page.evaluate(focused) == "What helps?"


def test_the_question_is_spoken_on_the_button_and_then_by_itself_and_stops_for_the_answer(
    site, browser_with, a_context, fake_media
):
    made = site.invite(spoken=True)
    page = a_context(browser_with(fake_media), site).new_page()
    steps.go_to_room(page, made["link"])
    steps.button(page, "Hear the question").click()
    must_be_heard(page, 1)
    steps.button(page, "Leave this question out").click()
    must_be_heard(page, 2)
    steps.button(page, "Record").click()
    expect(steps.button(page, "Stop")).to_be_visible()
    assert page.evaluate("[...document.querySelectorAll('audio')].every(audio => audio.paused)")


def test_an_answer_ends_by_itself_at_its_longest_length(site, room):
    page, made = room
    page.evaluate("document.querySelector('answer-recorder').limits.seconds = 2")
    steps.button(page, "Record").click()
    expect(page.get_by_text("reached its longest length").locator("visible=true").first).to_be_visible()
    steps.keep(page)
    must_equal_what_was_made(page, kept(site, made))


def test_after_the_end_nothing_stays_on_the_device(site, room):
    page, made = room
    page.route(PARTS, lambda route: route.abort())
    steps.record(page, 2)
    assert page.evaluate(LEFT) > 0
    site.run(FINISH, interview=made["interview"])
    page.unroute(PARTS)
    page.goto(f"{site.url}/interviews/{made['interview']}/done/")
    page.locator("forget-recordings[data-state=done]").wait_for(state="attached")
    assert page.evaluate(LEFT) == 0


FINISH = "from interviews.models import Interview; Interview.objects.filter(pk=interview).update(state='finished')"
LEFT = """
() => new Promise(resolve => {
  const opening = indexedDB.open("anamnesis-recordings");
  opening.onsuccess = () => {
    const asked = opening.result.transaction("pieces").objectStore("pieces").count();
    asked.onsuccess = () => { opening.result.close(); resolve(asked.result); };
  };
})
"""


def test_large_blobs_are_sliced(site, room):
    page, made = room
    page.evaluate("document.querySelector('answer-recorder').limits.chunkBytes = 10_000")
    steps.record(page, 2)
    steps.keep(page)
    [take] = kept(site, made)
    assert take["count"] >= 7
    must_equal_what_was_made(page, [take])


def test_an_answer_that_is_full_ends_and_what_arrived_before_is_kept(site, room):
    page, made = room
    steps.button(page, "Record").click()
    expect(page.get_by_text("Parts safe at the clinic: 2")).to_be_visible()
    site.run(FILL, interview=made["interview"])
    expect(page.get_by_text("longest size").locator("visible=true").first).to_be_visible()
    site.run(MAKE_ROOM)
    steps.keep(page)
    [take] = kept(site, made)
    assert take["count"] >= 2
    assert take["rows"] == take["files"]


FAR = 99_000  # the number of a part that was never recorded: it only takes up room
FILL = f"""
from django.conf import settings
from interviews.models import Chunk, Recording
take = Recording.objects.get(answer__interview=interview)
Chunk.objects.create(recording=take, seq={FAR}, size=settings.MAX_ANSWER_BYTES, sha256="0" * 64)
"""
MAKE_ROOM = f"from interviews.models import Chunk; Chunk.objects.filter(seq={FAR}).delete()"


def another_tab(page: Page, forget_shelf: bool = False) -> Page:
    """Close this tab and open the room in a new one, as after a crash or on the next day."""
    context: BrowserContext = page.context
    url = page.url
    if forget_shelf:
        page.evaluate("indexedDB.deleteDatabase('anamnesis-recordings')")
    page.close()
    page = context.new_page()
    page.goto(url)
    return page


def must_be_heard(page: Page, number: int) -> None:
    audio = f"document.querySelector('[data-question=\"{number}\"] audio')"
    for _ in range(100):
        if page.evaluate(f"{audio}.currentTime") > 0.1:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"question {number} is not heard")


def must_play(page: Page) -> None:
    steps.button(page, "Listen again").click()
    playback = "document.querySelector('[data-part=playback]')"
    for _ in range(100):  # not wait_for_function: it evaluates inside the page, which the content policy forbids
        if page.evaluate(f"(v => v.currentTime > .3 && v.videoWidth > 0 && isFinite(v.duration))({playback})"):
            return
        page.wait_for_timeout(100)
    raise AssertionError("the recording does not play")


def press_until(page: Page, name: str) -> None:
    for _ in range(30):
        if page.evaluate("document.activeElement.innerText?.trim()") == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never reached {name}")
