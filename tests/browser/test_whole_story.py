"""The main job on real input, through the doors: invited, recorded in a browser, analysed by workers, reported.

Camera: a clip of a woman who weeps, then laughs. Microphone: a reading of a well-known opening. Both loop in the
browser, so the camera's place in its loop is found in the recording itself.
"""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from emotion.ml.labels import LABELS
from tests.alignment import phase, word_error_rate
from tests.browser import steps
from tests.browser.chromium import picture_of
from tests.browser.fake_media import SOUND_RATE, FakeMedia
from tests.browser.site import Site

pytestmark = pytest.mark.timeout(600)

OPENING = """
it was the best of times it was the worst of times it was the age of wisdom it was the age of foolishness
it was the epoch of belief it was the epoch of incredulity it was the season of light it was the season of darkness
it was the spring of hope it was the winter of despair
"""
BEFORE_THE_SPEECH = 4.0  # seconds of silence in the microphone, while the patient finds the button
FIRST_ANSWER, SECOND_ANSWER = 27.0, 6.0  # seconds: all of the opening and of the camera's loop; then a short one
ANALYSED_WITHIN = 240_000  # ms, on a busy machine

STAFF = """
from clinic.models import User
from interviews.models import Disorder, Question, QuestionSet
from interviews.services.questions import publish
from interviews.services.speaking import speak_questions

User.objects.create_user("dr.amari@clinic.example", "correct horse battery", role="clinician", name="Dr Amari")
disorder = Disorder.objects.create(name="Low mood", slug="low-mood")
made = QuestionSet.objects.create(disorder=disorder, title="Low mood")
for position, text in enumerate(("How have the last weeks been for you?", "What helps a little?"), start=1):
    Question.objects.create(question_set=made, position=position, text=text)
made = publish(made, by=User.objects.get())
speak_questions(made)
"""

OUTCOME = """
import hashlib
from pathlib import Path
from clinic.models import Job
from emotion.queries import timeline
from interviews.models import Interview
from interviews.chunks import read_chunk
from interviews.queries import replies
from reports.models import Report
from reports.queries import latest, text_of

interview = Interview.objects.get(pk=pk)
answer = {"jobs": [[job.subject, job.stage, job.state, job.reason] for job in Job.objects.all()], "answers": []}
for row in interview.answers.all():
    recording = row.recordings.get(state="kept")
    opened = {chunk.seq: read_chunk(chunk, interview.key) for chunk in recording.chunks.order_by("seq")}
    path = Path(folder) / f"{row.pk}.webm"
    path.write_bytes(b"".join(opened.values()))
    answer["answers"].append({
        "joined": str(path),
        "on_disk": [[seq, hashlib.sha256(body).hexdigest()] for seq, body in opened.items()],
        "points": [point.as_json() for point in timeline(recording.pk, interview.key).points],
    })
for told, reply in zip(answer["answers"], replies(interview, interview.key)):
    told["text"], told["words"] = reply.text, [[word.start, word.end] for word in reply.words]
answer["report"] = text_of(latest(Report.objects.get(interview=interview)))
"""


@dataclass
class Sent:
    """What the browser put on the wire: the sha-256 of every chunk that was acknowledged, by recording and number."""

    chunks: dict[str, dict[int, str]] = field(default_factory=dict)

    def over(self, page: Page) -> None:
        page.on("requestfinished", self._note)

    def _note(self, request) -> None:
        found = re.search(r"/api/recordings/([0-9a-f-]{36})/chunks/(\d+)$", request.url)
        if found and request.method == "PUT" and request.response().ok:
            digest = hashlib.sha256(request.post_data_buffer).hexdigest()
            self.chunks.setdefault(found[1], {})[int(found[2])] = digest


@pytest.fixture
def story_media(fake_media: FakeMedia, tmp_path: Path) -> FakeMedia:
    microphone = tmp_path / "microphone.wav"
    with av.open(str(fake_media.microphone)) as heard, av.open(str(microphone), "w") as file:
        track = file.add_stream("pcm_s16le", rate=SOUND_RATE, layout="mono")
        silence = np.zeros((1, int(BEFORE_THE_SPEECH * SOUND_RATE)), np.int16)
        quiet = av.AudioFrame.from_ndarray(silence, "s16", "mono")
        quiet.sample_rate = SOUND_RATE
        file.mux(track.encode(quiet))
        for frame in heard.decode(audio=0):
            frame.pts = None
            file.mux(track.encode(frame))
        file.mux(track.encode(None))
    return replace(fake_media, microphone=microphone)


def test_an_invited_patient_answers_and_her_clinician_watches_it_become_a_report(
    start_site, browser_with, a_context, story_media, tmp_path
):
    site = start_site(workers=True)
    site.run(STAFF)
    browser = browser_with(story_media)
    clinician = a_context(browser, site).new_page()
    link = invite(clinician)
    interview = int(re.search(r"/interviews/(\d+)/", clinician.url)[1])
    sent = answer_the_interview(a_context(browser, site), link)
    # The same page, not reloaded: only the socket can have told it.
    see_the_report(clinician)
    picture_of(clinician, "story-clinician")
    clinician.reload()
    see_the_report(clinician)
    check_outcome(site, interview, sent, story_media, tmp_path)


def test_the_worker_may_come_after_the_browser_has_gone(start_site, browser_with, a_context, story_media, tmp_path):
    site = start_site(workers=False)
    site.run(STAFF)
    browser = browser_with(story_media)
    clinician = a_context(browser, site).new_page()
    link = invite(clinician)
    address = clinician.url
    interview = int(re.search(r"/interviews/(\d+)/", address)[1])
    sent = answer_the_interview(a_context(browser, site), link)
    browser.close()
    site.start_up("--only-workers")
    later = a_context(browser_with(None), site).new_page()
    sign_in(later)
    later.goto(f"/interviews/{interview}/")
    see_the_report(later)
    check_outcome(site, interview, sent, story_media, tmp_path)


def sign_in(page: Page) -> None:
    page.goto("/")
    page.get_by_label("E-mail").fill("dr.amari@clinic.example")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"127\.0\.0\.1:\d+/$"))


def invite(page: Page) -> str:
    """A new patient, an invitation, and the link that the page shows once."""
    sign_in(page)
    page.goto("/patients/new/")
    page.get_by_label("Name", exact=True).fill("Mina Haddad")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("main").get_by_role("link", name="Invite").first.click()
    page.get_by_label("Low mood").check()
    page.get_by_role("button", name="Make the link").click()
    link = page.get_by_label("Link for the patient").input_value()
    expect(page).to_have_url(re.compile(r"/interviews/\d+/$"))
    return link


def see_the_report(page: Page) -> None:
    place = page.locator("#report-place")
    expect(place.locator(".badge--done")).to_be_visible(timeout=ANALYSED_WITHIN)
    place.scroll_into_view_if_needed()  # its text is fetched when it is about to be seen
    expect(place).to_contain_text("best of times")


def answer_the_interview(context: BrowserContext, link: str) -> Sent:
    page, sent = context.new_page(), Sent()
    sent.over(page)
    steps.enter(page, link)
    steps.check_devices(page)
    steps.ready(page)
    steps.record(page, FIRST_ANSWER)
    steps.keep(page)
    steps.go_on(page)
    steps.ready(page)
    steps.record(page, SECOND_ANSWER)
    steps.keep(page)
    steps.go_on(page)
    steps.finish(page)
    context.close()
    return sent


def check_outcome(site: Site, interview: int, sent: Sent, media: FakeMedia, folder: Path) -> None:
    """From the database and the disk alone."""
    outcome = site.run(OUTCOME, pk=interview, folder=str(folder))
    assert {job[2] for job in outcome["jobs"]} == {"done"}, outcome["jobs"]
    assert len(outcome["jobs"]) == 2 * 6 + 1
    first, second = outcome["answers"]

    on_disk = [dict(answer["on_disk"]) for answer in (first, second)]
    assert list(sent.chunks.values()) == on_disk, "the bytes on disk are those that were sent"
    assert [sorted(digests) for digests in on_disk] == [list(range(len(digests))) for digests in on_disk]

    start, length = phase(Path(first["joined"]), media.clip)
    labels = {"weeping": Counter(), "laughing": Counter()}
    for point in first["points"]:
        at = (point["at"] + start) % length
        if "face" in point:
            label = LABELS[int(np.argmax(point["face"]))]
            labels["weeping"][label] += at < 6
            labels["laughing"][label] += at >= length - 4
    assert labels["weeping"].most_common(1)[0][0] == "sad", labels
    assert labels["laughing"].most_common(1)[0][0] == "happy", labels

    assert word_error_rate(OPENING, first["text"]) <= 0.08, first["text"]
    starts = [word[0] for word in first["words"]]
    assert starts == sorted(starts)
    sentence = " ".join(first["text"].split()[:8])
    assert sentence in " ".join(outcome["report"].split()), "the report quotes the transcript"
    assert "No language model" in outcome["report"]
