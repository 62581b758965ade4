"""How long a page with the curves of a long run takes to show one epoch more, beside drawing all of them anew."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from playwright.sync_api import Error, Page, sync_playwright

from tests.browser import chromium
from tests.browser.site import Site

EPOCHS, METRICS, UPDATES = 2_000, 20, 9
RUN = """
from clinic.models import User
from tests import factories
me = User.objects.create_user("ml@clinic.example", "correct horse", role=User.Role.ENGINEER, name="Ana Ruiz")
run = factories.a_training_run(me, epochs=epochs, figures=further, name="Long", state="running", device="here/cpu")
answer = {"run": run.pk, "figures": len(run.epochs.last().figures)}
"""
ONE_MORE = """
from django.utils import timezone
from emotion import live
from emotion.models import Epoch, TrainingRun
last = TrainingRun.objects.get(pk=pk).epochs.last()
Epoch.objects.create(
    run_id=pk, number=last.number + 1, figures=last.figures, confusion=last.confusion, ended_at=timezone.now()
)
TrainingRun.objects.filter(pk=pk).update(epochs_done=last.number + 1)
live.tell(pk)
"""
# From the news on the socket to the frame in which the chart stands, on the page's own clock.
LISTEN = """
const Own = window.WebSocket;
window.WebSocket = class extends Own {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", () => { window.newsAt = performance.now(); });
  }
};
addEventListener("DOMContentLoaded", () => new MutationObserver(() => requestAnimationFrame(() => {
  const drawn = document.querySelector("training-curves")?.dataset.drawn;
  if (drawn !== window.drawn) { window.drawn = drawn; window.drawnAt = performance.now(); }
})).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-drawn"] }));
"""


def charts() -> dict[str, object] | str:
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder))
        site.prepare()
        site.start_up("--without-workers")
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium.executable(), args=chromium.FLAGS)
                return _measured(site, browser.new_page(base_url=site.url))
        except Error as error:
            return f"no browser here: {str(error).splitlines()[0]}"
        finally:
            site.stop()


def _measured(site: Site, page: Page) -> dict[str, object]:
    made = site.run(RUN, epochs=EPOCHS, further=METRICS - 6)  # six that every run has
    page.add_init_script(LISTEN)
    page.goto("/accounts/login/")
    page.locator("input[type=email]").fill("ml@clinic.example")
    page.locator("input[type=password]").fill("correct horse")
    page.locator("main button.button--primary").click()
    page.wait_for_url("**/")
    page.goto(f"/training/runs/{made['run']}/")
    page.wait_for_function("drawn => window.drawn === drawn", arg=str(EPOCHS))
    updates, drawings = [], []
    for number in range(EPOCHS + 1, EPOCHS + UPDATES + 1):
        site.run(ONE_MORE, pk=made["run"])
        page.wait_for_function("drawn => window.drawn === drawn", arg=str(number))
        updates.append(page.evaluate("window.drawnAt - window.newsAt"))
        page.wait_for_timeout(50)  # the page says how long it took in the frame after
        drawings.append(float(page.locator("training-curves").get_attribute("data-took") or "nan"))
    anew = []
    for _ in range(3):
        page.reload()
        page.wait_for_function("drawn => window.drawn === drawn", arg=str(EPOCHS + UPDATES))
        anew.append(page.evaluate("window.drawnAt"))
    return {
        "clock": "wall clock of the page",
        "run": f"{EPOCHS} epochs of {made['figures']} figures and eight recalls",
        "ms_to_draw": {"median": round(median(drawings)), "worst": round(max(drawings)), "limit": 300},
        "ms_from_news_to_chart": {"median": round(median(updates)), "worst": round(max(updates))},
        "ms_to_load_the_page_anew": round(median(anew)),
        "times_faster": round(median(anew) / median(updates), 1),
    }
