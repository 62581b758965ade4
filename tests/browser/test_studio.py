"""The studio on the real site: its pages in every guise; a run started from the form, watched, its worker killed, its
checkpoint promoted and at work on a clip."""

import os
import re
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import accessibility_faults, picture_of
from tests.browser.site import Site
from tests.interviews import takes

pytestmark = pytest.mark.timeout(300)

ENGINEER = """
from clinic.models import User
User.objects.create_user("ml@clinic.example", "correct horse", role=User.Role.ENGINEER, name="Ana Ruiz")
"""
# Long enough to be killed in the middle of it, short enough to see its end.
EPOCHS = 14
PATIENCE = 90_000  # ms, for a worker that has to load its libraries first
WORKER = """
from emotion.models import TrainingRun
run = TrainingRun.objects.get()
answer = {"pid": int(run.owner.split(":")[1]) if run.owner else None, "epochs": run.epochs_done, "state": run.state}
"""
EPOCH_NUMBERS = """
from emotion.models import TrainingRun
answer = list(TrainingRun.objects.get().epochs.values_list("number", flat=True))
"""


ROWS = (
    ENGINEER
    + """
from datetime import timedelta
from django.utils import timezone
from emotion.models import Device, StepCurve
from tests import factories
from tests.emotion.test_studio_pages import results
from tests.emotion.training_configs import tiny
me, now = User.objects.get(), timezone.now()
done = factories.a_training_run(me, epochs=30, name="Narrow", state="done", results=results(8), sha256="ab" * 32)
other = factories.a_training_run(
    me, epochs=20, name="Wide", config=tiny(batch_size=32), state="done", results=results(14), device="here/cpu"
)
moment = {"epoch": 25, "step": 31, "steps": 90, "loss": 0.4, "memory": 6e9, "seconds_left": 5000, "share": 0.35}
running = factories.a_training_run(
    me, epochs=24, name="صوت", state="running", device="here/cpu", leased_until=now + timedelta(1), now=moment
)
running.epochs.filter(number=24).update(warnings=["Never predicted in the last 3 epochs: calm."], is_best=True)
StepCurve.objects.create(run=running, points={"step": [*range(1, 200)], "loss": [2 / step for step in range(1, 200)]})
failed = factories.a_training_run(me, name="Too fast", state="failed", reason="The loss is no number any more.")
waiting = factories.a_training_run(me, name="Waits")
Device.objects.create(name="here/cpu", title="8 cores", memory=16e9, free=8e9, seen_at=now)
answer = {"done": done.pk, "other": other.pk, "running": running.pk, "failed": failed.pk, "waiting": waiting.pk}
"""
)
ONE_MORE_EPOCH = """
from django.utils import timezone
from emotion import live
from emotion.models import Epoch, TrainingRun
run = TrainingRun.objects.get(pk=pk)
last = run.epochs.last()
Epoch.objects.create(run=run, number=25, figures=last.figures, confusion=last.confusion, ended_at=timezone.now())
TrainingRun.objects.filter(pk=pk).update(epochs_done=25)
live.tell(pk)
"""
PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
DESK = {"viewport": {"width": 1360, "height": 900}}


@pytest.fixture(scope="module")
def quiet_site(tmp_path_factory) -> Iterator[Site]:
    """With a broker, so that news arrive; without workers, so that nothing moves by itself."""
    site = Site(tmp_path_factory.mktemp("studio"))
    site.prepare()
    site.start_up("--without-workers")
    yield site
    site.stop()


@pytest.fixture(scope="module")
def rows(quiet_site) -> dict[str, int]:
    return quiet_site.run(ROWS)


def sign_in(page: Page) -> None:
    page.goto("/accounts/login/")
    page.locator("input[type=email]").fill("ml@clinic.example")
    page.locator("input[type=password]").fill("correct horse")
    page.locator("main button.button--primary").click()
    expect(page).to_have_url(re.compile(r"127\.0\.0\.1:\d+/$"))


def drawn(page: Page) -> int:
    """Epochs on the chart."""
    return int(page.locator("training-curves").get_attribute("data-drawn") or 0)


def until_drawn(page: Page, more_than: int, within: int = 120) -> int:
    for _ in range(within * 10):
        if drawn(page) > more_than:
            return drawn(page)
        page.wait_for_timeout(100)
    raise AssertionError(f"no epoch after {drawn(page)} came within {within} s")


# Each of size, colours and direction once.
@pytest.mark.parametrize(
    ("size", "window", "colours", "language"), [("phone", PHONE, "light", "ar"), ("desk", DESK, "dark", "en")]
)
def test_no_page_has_an_accessibility_fault(quiet_site, rows, browser_with, a_context, size, window, colours, language):
    context = a_context(browser_with(None), quiet_site, color_scheme=colours, **window)
    context.add_cookies([{"name": "django_language", "value": language, "url": quiet_site.url}])
    page = context.new_page()
    sign_in(page)
    addresses = {
        "today": "/",
        "list": "/training/",
        "new": "/training/new/?from=recipe:enhanced",
        "done": f"/training/runs/{rows['done']}/",
        "running": f"/training/runs/{rows['running']}/",
        "failed": f"/training/runs/{rows['failed']}/",
        "epochs": f"/training/runs/{rows['done']}/epochs/",
        "compare": f"/training/compare/?run={rows['done']}&run={rows['other']}",
    }
    for name, address in addresses.items():
        page.goto(address)
        if name in ("done", "running"):
            page.locator("training-curves[data-drawn]").wait_for()
        if name == "compare":
            page.locator("compared-curves[data-drawn]").wait_for()
        page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
        picture_of(page, f"studio-{size}-{colours}-{language}-{name}")
        assert accessibility_faults(page) == [], name
        width = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert width[0] <= width[1], f"{name} is wider than its window: {width}"


def test_a_refused_config_can_be_put_right_with_the_keyboard(quiet_site, rows, browser_with, a_context):
    page = a_context(browser_with(None), quiet_site, **DESK).new_page()
    sign_in(page)
    page.goto("/training/new/")
    page.locator("[id='id_config-epochs']").fill("0")
    page.get_by_role("button", name="Check only").press("Enter")
    summary = page.get_by_role("alert")
    expect(summary).to_contain_text("greater than or equal to 1")
    summary.get_by_role("link", name="Epochs").press("Enter")
    field = page.locator("[id='id_config-epochs']")
    assert field.evaluate("field => field === document.activeElement || field.matches(':target')")
    field.fill("3")
    field.press("Enter")  # checks, and starts nothing
    expect(page.get_by_role("heading", name="This can run")).to_be_visible()
    assert accessibility_faults(page) == []


def test_the_form_shows_what_matters_with_the_chosen_net(quiet_site, rows, browser_with, a_context):
    page = a_context(browser_with(None), quiet_site, **DESK).new_page()
    sign_in(page)
    page.goto("/training/new/")
    for net, shown, hidden in (("mmer", "Text encoder", "Face size"), ("temporal", "Face size", "Text encoder")):
        page.get_by_label("Net", exact=True).select_option(net)
        expect(page.get_by_label(shown)).to_be_visible()
        expect(page.get_by_label(hidden)).to_be_hidden()


def test_the_curves_grow_while_the_page_is_open_and_come_back_after_a_cut(quiet_site, rows, browser_with, a_context):
    context = a_context(browser_with(None), quiet_site, **DESK)
    page = context.new_page()
    sign_in(page)
    page.goto(f"/training/runs/{rows['running']}/")
    assert until_drawn(page, 0) == 24
    context.set_offline(True)
    quiet_site.run(ONE_MORE_EPOCH, pk=rows["running"])
    context.set_offline(False)
    assert until_drawn(page, 24) == 25
    expect(page.locator("#run-state")).to_contain_text("25 of")
    page.get_by_text("The last epochs as a table").click()
    expect(page.locator("#last-epochs tbody tr").first.get_by_role("rowheader")).to_have_text("25")


@pytest.mark.timeout(600)  # a whole story: some 80 s where nothing else runs
def test_a_run_outlives_its_worker_and_its_checkpoint_is_promoted_and_reads_a_clip(
    start_site, browser_with, a_context, fake_media, tmp_path
):
    site: Site = start_site(workers=True, JOB_LEASE_SECONDS="5")
    site.run(ENGINEER)
    page = a_context(browser_with(None), site, viewport={"width": 1360, "height": 900}).new_page()
    sign_in(page)
    page.get_by_role("link", name="Training", exact=True).click()
    page.get_by_role("link", name="Make the first run").click()
    page.get_by_label("Epochs", exact=True).first.fill(str(EPOCHS))
    page.get_by_label("Patience").fill("")
    page.get_by_label("Name of this run").fill("Kill me")
    page.get_by_role("button", name="Check and start").click()
    expect(page).to_have_url(re.compile(r"/training/runs/\d+/$"))

    # Nobody reloads: only the socket can have told the page.
    expect(page.locator("#run-state .badge")).to_have_text("running", timeout=60_000)
    before = site.run(WORKER)
    first = until_drawn(page, 0)
    second = until_drawn(page, first)
    os.kill(before["pid"], signal.SIGKILL)
    assert first < second < EPOCHS
    expect(page.locator("training-curves canvas")).not_to_have_count(0)
    third = until_drawn(page, second)
    expect(page.locator("#run-state .badge--done")).to_be_visible(timeout=240_000)
    until_drawn(page, EPOCHS - 1)
    assert site.run(EPOCH_NUMBERS) == list(range(1, EPOCHS + 1)), "no epoch is missing, none was kept twice"
    after = site.run(WORKER)
    assert after["state"] == "done"
    assert third > second
    expect(page.get_by_role("heading", name="On clips that nothing was chosen by")).to_be_visible()
    picture_of(page, "studio-done")
    assert accessibility_faults(page) == []

    # What it learned becomes a pack. The starter has no figures on the made corpus, so the gate wants a written reason.
    page.get_by_role("link", name="Its checkpoint among the models").click()
    expect(page.get_by_text("made fold 1 · test · both")).to_be_visible()
    page.get_by_role("link", name="Make a pack with it").click()
    page.get_by_role("button", name="Make the pack").click()
    expect(page.locator("#promote")).to_be_visible(timeout=PATIENCE)
    page.get_by_label("Why it should serve all the same").fill("To see it at work on a clip.")
    page.locator("#promote").click()
    expect(page.get_by_text("New readings are made with kill-me from now on.")).to_be_visible()

    clip = tmp_path / "clip.webm"
    takes.a_filmed_clip(clip, fake_media.clip, fake_media.speech, 3.0)
    page.get_by_role("link", name="Try it").click()
    page.locator("bring-files input[type=file]").set_input_files(clip)
    page.locator("bring-files form").get_by_role("button", name="Read it").click()
    page.locator("emotion-timeline[data-drawn]").wait_for(timeout=PATIENCE)
    expect(page.locator("#trial-reading")).to_contain_text("lt: Kill me")
