"""The patient's whole path and her clinician's pages, in English and in Arabic: every word, either direction.

In Arabic no Latin word may stand on a page or in a label that a reader speaks, but names, brands and the switch itself.
"""

import re

import pytest
from django.utils import translation
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.chromium import accessibility_faults, picture_of
from tests.browser.test_scales import ASK

PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
QUESTIONS = {
    "en": ("How have you slept these two weeks?", "What helps you?"),
    "ar": ("كيف كان نومك في الأسبوعين الماضيين؟", "ما الذي يساعدك؟"),
}
DIRECTION = {"en": "ltr", "ar": "rtl"}
NAMES = {"Anamnesis", "PHQ", "GAD", "PCL", "Dr", "Amari", "Chrome", "Edge", "Firefox", "Safari", "https"}
ENGINES = {"whisper", "tiny", "en", "made", "abababababab"}  # what heard and read the made answers
DATA = re.compile(
    r"\{\w+\}|(Questions|Disorder) [0-9a-f]{12}|[A-Z2-7]{4}-[A-Z2-7]{4}"
)  # a script's places; what other tests have made
# What is seen, and what is spoken in its place; "bdi", "code" and ".mono" hold data, another "lang" a citation.
ALL_WORDS = """() => {
  const here = document.documentElement.lang, said = [document.title];
  const data = `script, style, bdi, code, .mono, [lang]:not([lang="${here}"])`;
  const counts = (element) => !element.closest(data);
  const walk = (root, seen) => {
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const element = texts.currentNode.parentElement;
      if (!element || (counts(element) && (!seen || element.checkVisibility({ visibilityProperty: true }))))
        said.push(texts.currentNode.data.trim());
    }
  };
  walk(document.body, true);
  for (const template of document.querySelectorAll("template[data-words]")) walk(template.content, false);
  for (const name of ["aria-label", "placeholder", "title", "alt"])
    for (const element of document.querySelectorAll(`[${name}]`))
      if (counts(element)) said.push(element.getAttribute(name));
  return said.filter(Boolean);
}"""


class Reader:
    """Somebody who reads one language, on a phone: finds buttons by their names and looks at every page whole."""

    def __init__(self, page: Page, language: str, names: set[str] = NAMES):
        self.page, self.language, self.names = page, language, names
        self.faults: list[str] = []

    def word(self, text: str) -> str:
        with translation.override(self.language):
            return translation.gettext(text)

    def press(self, name: str) -> None:
        self.button(name).click()

    def button(self, name: str):
        return steps.button(self.page, self.word(name))

    def follow(self, name: str) -> None:
        self.page.get_by_role("link", name=self.word(name)).click()

    def look(self, name: str) -> None:
        page = self.page
        picture_of(page, f"{self.language}-{name}")
        root = page.locator("html")
        expect(root).to_have_attribute("lang", self.language)
        expect(root).to_have_attribute("dir", DIRECTION[self.language])
        wide, window = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        found = [
            *self.strange_words(),
            *accessibility_faults(page),
            *(["wider than its window"] if wide > window else []),
        ]
        self.faults += [f"{name}: {fault}" for fault in found]

    def strange_words(self) -> list[str]:
        said = self.page.evaluate(ALL_WORDS)
        if self.language == "en":
            return [text for text in said if re.search(r"[\u0600-\u06ff]", text)]
        return [text for text in said if set(re.findall(r"[A-Za-z]{2,}", DATA.sub("", text))) - self.names]


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_patient_goes_the_whole_way_in_her_language(site, browser_with, a_context, fake_media, language):
    made = site.invite(QUESTIONS[language])
    site.run(SPOKEN_IN, pk=made["interview"], language=language)
    # The other language is what her browser asks for: the interview's own comes all the same.
    other = {"en": "ar", "ar": "en-GB"}[language]
    context = a_context(browser_with(fake_media), site, locale=other, color_scheme="dark", **PHONE)
    she = Reader(context.new_page(), language)
    she.page.goto(made["link"])
    she.look("1-invitation")
    she.press("Begin")
    she.button("I agree").wait_for()
    she.look("2-consent")
    she.press("I agree")
    she.press("Turn on camera and microphone")
    she.button("Record a test").wait_for()
    she.look("3-check")
    she.press("Record a test")
    she.follow("All is well: to the questions")
    expect(she.button("Record")).to_be_enabled(timeout=steps.TIME_TO_SEND)
    she.press("Record")
    she.page.wait_for_timeout(1500)
    she.look("4-recording")
    she.press("Stop")
    she.button("Keep").wait_for()
    she.look("5-review")
    she.press("Keep")
    safe = she.word("Your answer is safe at the clinic. Receipt {receipt}.").split("{")[0]
    expect(she.page.get_by_text(safe).locator("visible=true").first).to_be_visible(timeout=steps.TIME_TO_SEND)
    she.look("6-kept")
    she.press("Next")
    she.press("Leave this question out")
    she.button("Finish the interview").wait_for()
    she.look("7-summary")
    she.press("Finish the interview")
    expect(she.page).to_have_url(re.compile(r"/done/$"))
    she.look("8-done")
    she.page.goto(made["link"].replace(made["token"], "nonsense"))
    she.look("9-refused")
    assert not she.faults, "\n".join(she.faults)


def test_a_questionnaire_is_arabic_on_its_first_page_and_at_its_item_of_risk(site, browser_with, a_context):
    made = site.invite(QUESTIONS["ar"])
    site.run(SPOKEN_IN, pk=made["interview"], language="ar")
    asked = site.run(ASK, pk=made["interview"], slug="phq-9", language="ar")
    context = a_context(browser_with(None), site, locale="en-GB", **PHONE)
    she = Reader(context.new_page(), "ar")
    she.page.goto(made["link"])
    she.press("Begin")
    she.press("I agree")
    she.page.goto(f"/interviews/{made['interview']}/scales/")
    she.look("scales-1-overview")
    she.page.goto(f"/scales/{asked}/items/9/")
    she.look("scales-2-item")
    assert not she.faults, "\n".join(she.faults)


def test_a_clinician_works_in_the_language_of_her_browser(site, browser_with, a_context):
    made = site.run(CLINIC)
    context = a_context(browser_with(None), site, locale="ar", color_scheme="dark", **PHONE)
    context.route_web_socket("**", lambda socket: None)  # the shared site has no broker that could tell news
    she = Reader(context.new_page(), "ar", NAMES | {"Markdown", "PDF", *ENGINES})
    she.page.goto("/")
    she.look("staff-1-sign-in")
    she.page.get_by_label(she.word("E-mail")).fill("dr.noor@clinic.example")
    she.page.get_by_label(she.word("Password")).fill("correct horse")
    she.press("Sign in")
    expect(she.page).to_have_url(re.compile(r"127\.0\.0\.1:\d+/$"))
    she.look("staff-2-today")
    pages = {
        "3-patients": "/patients/",
        "4-patient": f"/patients/{made['patient']}/",
        "5-interviews": "/interviews/",
        "6-invite": "/interviews/new/",
        "7-interview": f"/interviews/{made['under_way']}/",
        "8-review": f"/interviews/{made['finished']}/",
        "9-report": f"/interviews/{made['finished']}/report/",
    }
    for name, path in pages.items():
        she.page.goto(path)
        she.look(f"staff-{name}")
    assert not she.faults, "\n".join(she.faults)
    # Her choice goes before what the browser says, and stays.
    she.page.get_by_role("button", name="English").click()
    she.page.goto("/interviews/")
    Reader(she.page, "en").page.locator("html[lang=en][dir=ltr]").wait_for()


SPOKEN_IN = """
from interviews.models import Interview, QuestionSet
QuestionSet.objects.filter(interviews__pk=pk).update(language=language)
"""
CLINIC = """
from clinic.models import Job, User
from clinic.services import admit_patient
from interviews import queries, services
from interviews.models import Interview, QuestionSet, RiskFlag
from reports.services import draft
from tests import factories
from tests.interviews import scenes

said_in_english = scenes.words_of
scenes.words_of = lambda: said_in_english("كان أفضل الأوقات وكان أسوأ الأوقات، وكان ربيع الأمل وشتاء اليأس.")
clinician = User.objects.create_user("dr.noor@clinic.example", "correct horse", name="نور الهدى")
questions = factories.a_question_set(("كيف كان نومك في الأسبوعين الماضيين؟", "ما الذي يساعدك؟"), language="ar")
type(questions.disorder).objects.filter(pk=questions.disorder_id).update(name="مزاج منخفض")
QuestionSet.objects.filter(pk=questions.pk).update(title="مزاج منخفض")
questions.refresh_from_db()
mina, leila = (admit_patient(clinician, name, number, "ar") for name, number in (("مينا حداد", "1"), ("ليلى", "2")))
finished = scenes.a_finished_interview(mina, questions)
draft(finished, None)
under_way = factories.an_interview(leila, questions, state=Interview.State.STARTED)
given = under_way.answers.first()
scenes.reviewed(given)
said = given.interview.key.seal_json([{"kind": "self", "words": "أريد أن أموت", "start": 4.2, "end": 5.1}],
    queries.flag_name(RiskFlag(answer=given)))
RiskFlag.objects.create(answer=given, sealed=said)
given.transcript.delete()
scenes.set_stages(given.subject, ["faces", "timeline"], Job.State.RUNNING, 20)
scenes.set_stages(given.subject, ["transcribe"], Job.State.FAILED, 0, "The recording is empty.")
invited = factories.an_interview(leila, questions)
services.invite(invited, clinician)
answer = {"finished": finished.pk, "under_way": under_way.pk, "patient": mina.pk}
"""
