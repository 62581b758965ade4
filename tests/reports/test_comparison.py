"""Two drafts by one model, with and without expression and voice, side by side."""

import json

import pytest
from django.urls import reverse

from clinic.models import AuditEntry, Job
from reports import comparing, services, tasks
from reports.models import Comparison, ReportVersion
from reports.queries import COMPARE, compared
from tests.fakes import ScriptedModel
from tests.ollama_server import serving
from tests.reports.cases import answered, finished
from tests.reports.scripts import GOOD, SAID, SEEN, as_replies, writing


@pytest.fixture
def ended(interview):
    answered(interview.answers.first(), SAID, SEEN)
    services.draft(finished(interview), None)
    return interview


@pytest.fixture
def hers(client, clinician):
    client.force_login(clinician)
    return client


@pytest.fixture
def ollama(settings):
    with serving(as_replies(writing(GOOD, conclusion=GOOD))) as server:
        settings.OLLAMA_HOST, settings.OLLAMA_MODEL = server.url, "llama3.2:3b"
        yield server


def url(interview) -> str:
    return reverse("reports:comparison", args=[interview.pk])


def test_the_second_draft_is_told_nothing_of_face_and_voice(ended):
    model = ScriptedModel(writing(GOOD))
    services.compare(ended, model)
    with_readings, _conclusion, without, _conclusion_too = (prompt for _system, prompt in model.asked)
    assert "the face reading leans to sad" in with_readings
    assert "reading" not in without
    assert "a pause" in without


def test_both_are_kept_sealed_with_what_differs_marked(ended):
    comparison = services.compare(ended, ScriptedModel(writing(GOOD, conclusion=GOOD)))
    assert b"sister" not in bytes(comparison.sealed)
    rows = list(comparing.rows(compared(comparison)))
    assert [(row.position, row.section) for row in rows] == [
        (1, "answer_summary"),
        (1, "expression"),
        (None, "conclusion"),
    ]
    assert [line.is_alone for row in rows for line in row.with_readings] == [False, True, False]
    assert comparing.differing(rows) == 1


def test_it_is_made_in_the_background_and_shown_side_by_side(hers, ended, ollama, django_capture_on_commit_callbacks):
    assert "No comparison has been made yet." in hers.get(url(ended)).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        assert hers.post(url(ended)).status_code == 302
    html = hers.get(url(ended)).content.decode()
    assert html.count("The patient speaks about a sister.") == 4
    assert html.count("Only here") == 1
    assert "1 sentence stands in one of the drafts only" in html
    assert "look-again" not in html
    assert AuditEntry.objects.filter(verb="compare", subject=ended.subject).exists()


def test_the_report_stays_as_it_was_and_offers_no_comparison_to_sign(hers, ended, ollama):
    services.compare(ended, ScriptedModel(writing(GOOD)))
    assert ReportVersion.objects.count() == 1
    html = hers.get(url(ended)).content.decode()
    assert reverse("reports:sign", args=[ended.pk]) not in html
    assert "sister visits" in hers.get(reverse("reports:report", args=[ended.pk])).content.decode()


def test_while_it_is_written_the_page_looks_again(hers, ended):
    services.open_comparison(ended.report, ended.patient.clinician)
    tasks.jobs.claim(f"report:{ended.pk}", COMPARE, "a worker")
    page = hers.get(url(ended) + "?part").content.decode()
    assert "<html" not in page
    assert f'<look-again data-source="{url(ended)}?part">' in page
    assert not services.open_comparison(ended.report, ended.patient.clinician)


def test_without_a_model_it_says_why_and_can_be_tried_again(hers, ended, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        hers.post(url(ended))
    html = hers.get(url(ended)).content.decode()
    assert "No language model is set up" in html
    assert "Try again" in html


def test_a_model_that_fails_says_so_without_a_word_of_the_patients(ended, settings):
    with serving("") as server:
        settings.OLLAMA_HOST, settings.OLLAMA_MODEL = server.url, "llama3.2:3b"
        tasks.compare_drafts(ended.pk)
    job = Job.objects.get(stage=COMPARE)
    assert (job.state, job.reason) == ("failed", "The language model llama3.2:3b answered with nothing.")
    assert "sister" not in json.dumps(list(Job.objects.values("reason")))


def test_the_task_may_be_delivered_twice(ended, ollama):
    tasks.compare_drafts(ended.pk)
    tasks.compare_drafts(ended.pk)
    assert Comparison.objects.count() == 1


def test_a_comparison_whose_worker_died_is_taken_up_again_twice(ended, ollama):
    for attempt in (1, 2):
        tasks.jobs.open_jobs(f"report:{ended.pk}", [COMPARE])
        tasks.jobs.claim(f"report:{ended.pk}", COMPARE, f"worker {attempt}")
        Job.objects.filter(stage=COMPARE).update(leased_until="2026-01-01T00:00Z")
    assert tasks.look_after_comparisons() == 1
    assert Job.objects.get(stage=COMPARE).attempts == 3
    assert Job.objects.get(stage=COMPARE).state == "done"


@pytest.mark.parametrize("who", ["stranger", "admin", "engineer", "strange_patient", "patient"])
@pytest.mark.parametrize("name", ["comparison", "draft_again"])
def test_nobody_else_learns_that_there_is_anything(client, ended, name, who, request):
    person = request.getfixturevalue(who)
    client.force_login(getattr(person, "user", person))
    address = reverse(f"reports:{name}", args=[ended.pk])
    assert client.get(address).status_code in ({404} if name == "comparison" else {404, 405})
    assert client.post(address).status_code == 404
    assert not Job.objects.filter(stage=COMPARE).exists()


def test_the_signed_out_are_sent_to_the_sign_in_page(client, ended):
    assert client.get(url(ended)).status_code == 302


def test_an_erased_interviews_comparison_is_a_404(hers, ended):
    services.compare(ended, ScriptedModel(writing(GOOD)))
    ended.wrapped_key = b""
    ended.save()
    assert hers.get(url(ended)).status_code == 404
