"""The interview page: one answer on one clock, the work behind it, and what it says about itself."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.models import AuditEntry, Job
from interviews import tasks
from interviews.models import Answer, Interview, Transcript
from interviews.stages import REPORT, TRANSCRIBE
from tests import factories
from tests.interviews import scenes


@pytest.fixture
def signed_in(client, clinician):
    client.force_login(clinician)
    return client


@pytest.fixture
def finished(patient) -> Interview:
    return scenes.a_finished_interview(patient)


def watch(client, interview, **query) -> str:
    response = client.get(reverse("interviews:watch", args=[interview.pk]), query)
    assert response.status_code == 200
    return response.content.decode()


def test_it_shows_recording_transcript_and_timeline_of_the_first_answer(signed_in, finished):
    page = watch(signed_in, finished)
    recording = finished.answers.first().recordings.get()
    assert reverse("interviews:video", args=[recording.pk]) in page
    assert '<span data-at="0.40" data-end="0.66">It</span>' in page
    assert "no face in the picture" in page


def test_another_answer_is_one_link_away(signed_in, finished):
    second = finished.answers.last()
    page = watch(signed_in, finished, answer=second.pk)
    assert reverse("interviews:captions", args=[second.pk]) in page
    assert reverse("interviews:captions", args=[finished.answers.first().pk]) not in page


def test_an_answer_of_another_interview_is_not_there(signed_in, finished, patient):
    other = factories.an_interview(patient).answers.first()
    response = signed_in.get(reverse("interviews:watch", args=[finished.pk]), {"answer": other.pk})
    assert response.status_code == 404


def test_words_that_were_heard_unsurely_are_marked(signed_in, finished):
    assert 'class="transcript__unsure"' in watch(signed_in, finished)


def test_it_speaks_of_expression_and_voice_and_says_what_it_cannot_tell(signed_in, finished):
    page = watch(signed_in, finished)
    assert "Expression and voice over time" in page
    assert "Fearful and disgust are recognised unreliably" in page
    assert "Calm cannot be told from the face" in page
    assert "learned from actors" in page
    assert "no diagnosis" in page


def test_before_any_answer_it_says_so(signed_in, interview):
    page = watch(signed_in, interview)
    assert "The patient has not answered this question yet." in page
    assert "<video" not in page


def test_a_failed_stage_says_why_and_offers_another_try(signed_in, finished):
    answer = finished.answers.first()
    scenes.set_stages(answer.subject, [TRANSCRIBE], Job.State.FAILED, 0, "The speech model is missing.")
    Transcript.objects.filter(answer=answer).delete()
    page = watch(signed_in, finished)
    assert page.count("The speech model is missing.") == 2  # beside the stage, and where the transcript would be
    assert reverse("interviews:retry", args=[answer.pk]) in page


def test_another_try_queues_the_failed_stage_and_leaves_the_rest(signed_in, finished, monkeypatch):
    answer = finished.answers.first()
    scenes.set_stages(answer.subject, [TRANSCRIBE], Job.State.FAILED, 0, "The speech model is missing.")
    queued = []
    monkeypatch.setattr(tasks, "enqueue", queued.append)
    signed_in.post(reverse("interviews:retry", args=[answer.pk]))
    states = dict(Job.objects.filter(subject=answer.subject).values_list("stage", "state"))
    assert states.pop(TRANSCRIBE) == Job.State.WAITING
    assert set(states.values()) == {Job.State.DONE}
    assert queued == [answer.pk]


def test_nothing_failed_is_nothing_to_try_again(signed_in, finished, monkeypatch):
    queued = []
    monkeypatch.setattr(tasks, "enqueue", queued.append)
    signed_in.post(reverse("interviews:retry", args=[finished.answers.first().pk]))
    assert queued == []


def test_a_failed_report_can_be_tried_again(signed_in, finished, monkeypatch):
    scenes.set_stages(finished.subject, [REPORT], Job.State.FAILED, 0, "The evidence could not be read.")
    assert "The evidence could not be read." in watch(signed_in, finished)
    queued = []
    monkeypatch.setattr(tasks, "enqueue_finish", queued.append)
    signed_in.post(reverse("interviews:retry_report", args=[finished.pk]))
    assert queued == [finished.pk]
    assert Job.objects.get(subject=finished.subject).state == Job.State.WAITING


def test_the_part_for_live_news_opens_nothing_that_was_said(signed_in, finished):
    response = signed_in.get(reverse("interviews:progress", args=[finished.pk]))
    part = response.content.decode()
    assert "<html" not in part
    assert 'id="answer-transcript" data-version="done"' in part
    assert "wisdom" not in part


def test_the_part_for_live_news_has_the_percent_of_the_rows(signed_in, finished):
    answer = finished.answers.first()
    scenes.set_stages(answer.subject, ["faces"], Job.State.RUNNING, 37)
    part = signed_in.get(reverse("interviews:progress", args=[finished.pk])).content.decode()
    assert 'value="37"' in part


def test_each_part_has_another_version_once_there_is_more_to_show(signed_in, interview, answer):
    url = reverse("interviews:progress", args=[interview.pk])

    def versions() -> list[str]:
        return re.findall(r'data-version="(\w+)"', signed_in.get(url).content.decode())

    waiting = versions()
    Answer.objects.filter(pk=answer.pk).update(state=Answer.State.RECORDED)
    recorded = versions()
    answer.refresh_from_db()
    scenes.reviewed(answer)
    assert len({tuple(waiting), tuple(recorded), tuple(versions())}) == 3
    assert waiting[0] != recorded[0] != versions()[0]


def test_an_erased_interview_says_so_instead_of_breaking(signed_in, finished):
    Interview.objects.update(wrapped_key=b"")
    assert "This interview was erased" in watch(signed_in, finished)


def test_what_a_patient_says_cannot_become_markup(signed_in, patient):
    question_set = factories.a_question_set(("<script>alert(1)</script>",))
    interview = factories.an_interview(patient, question_set)
    page = watch(signed_in, interview)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_every_opening_is_noted(signed_in, clinician, finished):
    watch(signed_in, finished)
    noted = AuditEntry.objects.filter(actor=f"user:{clinician.pk}").values_list("verb", "subject")
    assert ("open", finished.subject) in noted
    assert ("read", finished.answers.first().subject) in noted


def test_more_questions_cost_no_more_queries(signed_in, patient):
    def queries(count: int) -> int:
        questions = factories.a_question_set(tuple(f"Question {number}?" for number in range(count)))
        interview = scenes.a_finished_interview(patient, questions)
        with CaptureQueriesContext(connection) as caught:
            watch(signed_in, interview)
        return len(caught)

    queries(1)
    assert queries(2) == queries(12)


def test_without_the_chart_library_the_table_says_the_same(signed_in, finished, settings):
    settings.STATICFILES_DIRS = [settings.BASE_DIR / "static"]
    page = watch(signed_in, finished)
    assert "The chart is not installed on this server" in page
    assert "<emotion-timeline" not in page
    assert "The same as a table" in page
