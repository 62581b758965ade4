"""A draft that is watched while it is written, and made again when a clinician asks for it."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.urls import reverse

from clinic.models import AuditEntry, Job
from interviews.stages import REPORT
from reports import live, services, tasks
from reports.evidence import gather
from reports.growing import Grower, Growth
from reports.models import ReportVersion
from reports.queries import latest, text_of
from reports.shapes import AnswerNotes
from tests.fakes import ScriptedModel
from tests.interviews.sockets import Socket
from tests.ollama_server import serving
from tests.reports.cases import a_reply, answered, finished
from tests.reports.scripts import GOOD, SAID, SEEN, as_replies, writing


@pytest.fixture
def ended(interview):
    answered(interview.answers.first(), SAID, SEEN)
    return finished(interview)


@pytest.fixture
def hers(client, clinician):
    client.force_login(clinician)
    return client


def url(name: str, interview) -> str:
    return reverse(f"reports:{name}", args=[interview.pk])


# --- Told while it is written ---


def test_a_growing_reply_is_looked_at_five_times_a_second_and_at_its_end():
    told, now = [], [0.0]
    grower = Grower(gather([a_reply(SAID)]), 1, told.append, clock=lambda: now[0])
    reply = AnswerNotes(answer_summary=[GOOD], expression=[], analysis=[]).model_dump_json()
    for step in range(1, 101):
        now[0] = step / 64
        grower.take(reply[: len(reply) * step // 100])
    assert 5 <= len(told) <= 8  # in a second and a half
    grower.finish()
    grower.finish()
    assert told[-1] == Growth(1, (("answer_summary", GOOD.text),))
    assert len(told) <= 9


def test_watchers_are_told_all_of_the_newest_answers_each_time(monkeypatch):
    told = []
    monkeypatch.setattr(live.news, "send", lambda groups, **news: told.append((groups, news["blocks"])))
    scribe = live.Scribe(7)
    for answer in range(1, 6):
        for _ in range(2):  # what did not grow is no news
            scribe.take(Growth(answer, (("analysis", f"word {answer}"),)))
    assert len(told) == 5
    assert told[0] == (["draft-7"], [{"answer": 1, "lines": [("analysis", "word 1")]}])
    assert [block["answer"] for block in told[-1][1]] == [3, 4, 5]


@pytest.mark.django_db(transaction=True)
def test_her_clinician_hears_the_sentences_as_they_are_written(ended, clinician, settings):
    async def story():
        socket = Socket(clinician, f"/ws/interviews/{ended.pk}/draft/")
        assert (await socket.open())["type"] == "websocket.accept"
        assert await socket.hear() == {"look": True}
        with serving(as_replies(writing(GOOD))) as server:
            settings.OLLAMA_HOST, settings.OLLAMA_MODEL = server.url, "llama3.2:3b"
            await sync_to_async(tasks.draft_report)(ended.pk)
        heard = await socket.hear()
        await socket.leave()
        return heard

    heard = asyncio.run(story())
    [block] = heard["blocks"]
    assert block["answer"] == 1
    assert all(GOOD.text.startswith(text) for name, text in block["lines"] if name == "answer_summary")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("who", ["stranger", "admin", "engineer", "strange_patient", "patient"])
def test_nobody_else_hears_a_word_of_it(ended, who, request):
    person = request.getfixturevalue(who)

    async def knock():
        return await Socket(getattr(person, "user", person), f"/ws/interviews/{ended.pk}/draft/").open()

    assert asyncio.run(knock())["code"] == 4404


@pytest.mark.django_db(transaction=True)
def test_the_interviews_own_news_carry_no_text(ended, clinician, settings):
    async def story():
        socket = Socket(clinician, f"/ws/interviews/{ended.pk}/")
        assert (await socket.open())["type"] == "websocket.accept"
        with serving(as_replies(writing(GOOD))) as server:
            settings.OLLAMA_HOST, settings.OLLAMA_MODEL = server.url, "llama3.2:3b"
            await sync_to_async(tasks.draft_report)(ended.pk)
        heard = [await socket.hear()]
        while heard[-1].get("state") != Job.State.DONE:
            heard.append(await socket.hear())
        await socket.leave()
        return heard

    heard = asyncio.run(story())
    assert {word for news in heard for word in news} <= {"look", "interview", "stage", "state", "percent"}


# --- Waiting is said in the row ---


def test_a_draft_that_waits_for_its_turn_says_so_in_its_row(ended):
    said = []

    class Waiting(ScriptedModel):
        def ask(self, *args, on_wait=None, **options):
            on_wait("Waiting for the language model: it is writing something else.")
            said.append(Job.objects.get(stage=REPORT).reason)
            return super().ask(*args, **options)

    job = tasks.jobs.open_jobs(ended.subject, [REPORT])[0]
    job = tasks.jobs.claim(ended.subject, REPORT, "me")
    progress = tasks._Progress(ended.pk, job)
    services.draft(ended, Waiting(writing(GOOD)), tasks.Watcher(progress, on_wait=progress.wait))
    assert "Waiting for the language model" in said[0]


# --- Draft again ---


@pytest.mark.parametrize(
    ("manner", "reply", "sentence"),
    [
        ("break", None, "went away while it was writing"),
        ("ok", "", "answered with nothing"),
        ("ok", '{"answer_summary": [', "cut off before its end"),
        ("ok", "no", "did not have the form that was asked for"),
        ("error", None, "cannot be reached"),
    ],
)
def test_the_page_says_what_kept_the_model_from_writing_and_offers_to_draft_again(
    hers, ended, settings, manner, reply, sentence
):
    with serving(as_replies(writing(GOOD)) if reply is None else reply, manner=manner) as server:
        settings.OLLAMA_HOST, settings.OLLAMA_MODEL = server.url, "llama3.2:3b"
        tasks.draft_report(ended.pk)
    html = hers.get(url("report", ended)).content.decode()
    assert sentence in html
    assert "This report was composed from the evidence alone." in html
    assert f'action="{url("draft_again", ended)}"' in html


def test_a_missing_model_and_a_wrong_language_have_their_sentences(hers, ended, settings):
    spanish = GOOD.model_copy(update={"text": "La paciente habla de su hermana y las visitas que le hace cada tarde."})
    for models, sentence in (
        (("mistral:7b",), "does not have the model that is set up"),
        (("llama3.2:3b",), "in another language"),
    ):
        with serving(as_replies(writing(spanish)), models=models) as server:
            settings.OLLAMA_HOST, settings.OLLAMA_MODEL = server.url, "llama3.2:3b"
            Job.objects.update(state="waiting")
            tasks.draft_report(ended.pk)
        assert sentence in hers.get(url("report", ended)).content.decode()


def test_drafting_again_makes_a_new_version_and_the_old_one_stays(
    hers, ended, settings, django_capture_on_commit_callbacks
):
    tasks.draft_report(ended.pk)
    with serving(as_replies(writing(GOOD))) as server:
        settings.OLLAMA_HOST, settings.OLLAMA_MODEL = server.url, "llama3.2:3b"
        with django_capture_on_commit_callbacks(execute=True):
            response = hers.post(url("draft_again", ended))
    assert response["Location"] == f"/interviews/{ended.pk}/#report-place"
    report = ended.report
    assert [version.engine for version in report.versions.all()] == ["composed", "ollama llama3.2:3b"]
    assert "sister" in text_of(latest(report))
    assert AuditEntry.objects.filter(verb="draft", subject=ended.subject).exists()


def test_what_a_person_changed_is_not_drafted_again(hers, ended, clinician):
    report = services.draft(ended, None).report
    tasks.jobs.close(tasks.jobs.open_jobs(ended.subject, [REPORT])[0], "over")
    services.revise(report, "Mine.", clinician, seen=1)
    html = hers.get(url("report", ended)).content.decode()
    assert url("draft_again", ended) not in html
    hers.post(url("draft_again", ended))
    assert ReportVersion.objects.count() == 2
    assert Job.objects.get(stage=REPORT).state == "failed"


def test_a_draft_that_is_being_made_is_not_begun_twice(ended, clinician):
    report = services.draft(ended, None).report
    tasks.jobs.open_jobs(ended.subject, [REPORT])
    assert not services.draft_again(report, clinician)
