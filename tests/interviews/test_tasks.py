"""The analysis over time: what is queued next, what happens twice, what is tried again, and when the report is due."""

import time

import pytest

from clinic import jobs
from clinic.integrations.hearing import Heard
from clinic.models import Job
from clinic.services import withdraw_consent
from interviews import services, tasks
from interviews.models import Transcript
from interviews.services import analysis
from interviews.stages import ANSWER_STAGES, REPORT
from tests import factories
from tests.interviews.broker import broker_at, broker_in_memory
from tests.interviews.takes import a_clip, in_parts, keep


@pytest.fixture
def queues():
    with broker_in_memory() as queues:
        yield queues


@pytest.fixture
def clip(tmp_path) -> bytes:
    return a_clip(tmp_path / "clip.webm", seconds=1)


@pytest.fixture
def kept(answer, clip):
    return keep(answer, in_parts(clip))


def states(subject: str) -> dict[str, str]:
    return {job.stage: job.state for job in jobs.of(subject)}


def end_all(answer, state: str = Job.State.DONE) -> None:
    jobs.open_jobs(answer.subject, ANSWER_STAGES)
    Job.objects.filter(subject=answer.subject).update(state=state)


# --- from a door to a queue ---


def test_a_kept_answer_is_queued_once_its_row_is_committed(kept, answer, queues, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        tasks.enqueue(answer.pk)
        assert queues.sent == []
    assert queues.taken() == [("join_recording", answer.pk)]


def test_each_kind_of_work_has_a_queue_of_its_own(kept, answer, queues):
    tasks.send(tasks.join_recording.si(answer.pk), answer.subject)
    tasks.join_recording(answer.pk)
    assert [message.queue for message in queues.sent] == ["media", "speech", "gpu"]


@pytest.mark.parametrize("away", ["redis+socket:///nowhere/at/all.sock?virtual_host=0", "redis://127.0.0.1:1/0"])
def test_with_the_broker_away_keeping_an_answer_neither_fails_nor_waits(
    kept, answer, away, django_capture_on_commit_callbacks
):
    began = time.monotonic()
    with broker_at(away), django_capture_on_commit_callbacks(execute=True):
        tasks.enqueue(answer.pk)
        tasks.enqueue_finish(answer.interview_id)
    assert time.monotonic() - began < 5
    assert states(answer.subject) == dict.fromkeys(ANSWER_STAGES, Job.State.WAITING)
    assert all(job.leased_until is None for job in jobs.of(answer.subject))  # the next sweep may take them


# --- one stage after the other ---


def test_a_joined_answer_goes_on_to_be_heard_and_read(kept, answer, queues):
    tasks.join_recording(answer.pk)
    assert queues.taken() == [("transcribe_answer", answer.pk), ("read_answer", answer.pk)]
    assert states(answer.subject)["join"] == Job.State.DONE
    kept.refresh_from_db()
    assert kept.joined_path


def test_a_second_delivery_joins_nothing_again(kept, answer, queues):
    tasks.join_recording(answer.pk)
    kept.refresh_from_db()
    first = (jobs.of(answer.subject)[0].ended_at, kept.joined_path)
    tasks.join_recording(answer.pk)
    kept.refresh_from_db()
    assert (jobs.of(answer.subject)[0].ended_at, kept.joined_path) == first


def test_an_answer_that_was_erased_meanwhile_ends_quietly(db, queues):
    tasks.join_recording(12345)
    assert queues.taken() == []


def test_when_joining_fails_every_later_stage_ends_and_says_why(answer, queues):
    keep(answer, [b"not a video"])
    tasks.join_recording(answer.pk)
    assert states(answer.subject) == dict.fromkeys(ANSWER_STAGES, Job.State.FAILED)
    reasons = {job.stage: job.reason for job in jobs.of(answer.subject)}
    assert reasons["join"] == "This file is not a video or sound recording, or it is damaged."
    assert reasons["faces"].startswith("Not possible, because the recording could not be put together. This file")
    assert queues.taken() == []


def test_a_disk_that_is_away_for_a_moment_is_tried_again_later(kept, answer, queues, settings):
    chunk = settings.MEDIA_ROOT / kept.chunk_path(1)
    elsewhere = chunk.rename(chunk.with_suffix(".away"))
    tasks.join_recording(answer.pk)
    assert states(answer.subject)["join"] == Job.State.WAITING
    assert queues.sent[0].is_delayed
    assert queues.taken() == [("join_recording", answer.pk)]
    elsewhere.rename(chunk)
    tasks.join_recording(answer.pk)
    assert states(answer.subject)["join"] == Job.State.DONE


def test_a_disk_that_stays_away_fails_after_three_attempts_and_closes_the_rest(kept, answer, queues, settings):
    (settings.MEDIA_ROOT / kept.chunk_path(1)).unlink()
    for _ in range(3):
        tasks.join_recording(answer.pk)
    assert states(answer.subject) == dict.fromkeys(ANSWER_STAGES, Job.State.FAILED)
    assert queues.taken() == [("join_recording", answer.pk)] * 2


def test_an_erased_interview_is_not_analysed_and_says_so(kept, answer, queues):
    answer.interview.wrapped_key = b""
    answer.interview.save()
    tasks.join_recording(answer.pk)
    assert "erased" in jobs.of(answer.subject)[0].reason


# --- the report ---


def test_the_report_is_asked_for_when_the_patient_ends_after_the_analysis(interview, queues):
    for answer in interview.answers.all():
        end_all(answer)
    interview.answers.update(state="recorded")
    tasks.finish_interview(interview.pk)
    assert queues.taken() == []
    services.finish(interview)
    tasks.finish_interview(interview.pk)
    assert queues.sent[0].queue == "reports"
    assert queues.taken() == [("draft_report", interview.pk)]
    assert states(interview.subject) == {REPORT: Job.State.WAITING}


def test_the_report_is_asked_for_when_the_last_answer_ends_after_the_patient(interview, answer, queues, clip):
    keep(answer, in_parts(clip))
    services.finish(interview)
    tasks.finish_interview(interview.pk)
    tasks.join_recording(answer.pk)
    assert ("draft_report", interview.pk) not in queues.taken()
    Job.objects.filter(subject=answer.subject).update(state=Job.State.DONE)
    tasks.read_answer(answer.pk)  # the last message of the answer, delivered once more
    assert queues.taken() == [("draft_report", interview.pk)]


def test_a_report_is_drafted_even_where_an_answer_could_not_be_analysed(interview, answer, queues):
    keep(answer, [b"not a video"])
    services.finish(interview)
    tasks.join_recording(answer.pk)
    assert queues.taken() == [("draft_report", interview.pk)]


def test_the_report_is_asked_for_once(interview, answer, queues):
    keep(answer, [b"not a video"])
    services.finish(interview)
    tasks.join_recording(answer.pk)
    tasks.finish_interview(interview.pk)
    assert queues.taken() == [("draft_report", interview.pk)]


def test_a_question_without_an_answer_does_not_hold_the_report_up(interview, answer, queues):
    end_all(answer)
    interview.answers.filter(pk=answer.pk).update(state="recorded")
    services.finish(interview)
    tasks.finish_interview(interview.pk)
    assert queues.taken() == [("draft_report", interview.pk)]


def test_another_interviews_work_does_not_hold_the_report_up(interview, answer, queues, clip):
    other = factories.an_interview()
    keep(other.answers.first(), in_parts(clip))
    end_all(answer)
    services.finish(interview)
    tasks.finish_interview(interview.pk)
    assert queues.taken() == [("draft_report", interview.pk)]


@pytest.mark.parametrize("state", [Job.State.DONE, Job.State.FAILED, Job.State.RUNNING])
def test_a_report_written_without_an_answers_words_is_asked_for_again_when_they_come(kept, answer, queues, state):
    end_all(answer)
    services.finish(answer.interview)
    Job.objects.filter(subject=answer.subject, stage="transcribe").update(state=Job.State.FAILED)
    (report,) = jobs.open_jobs(answer.interview.subject, [REPORT])
    Job.objects.filter(pk=report.pk).update(state=state, percent=100, owner="a worker", attempts=1)
    services.try_again(answer.subject)
    report.refresh_from_db()
    assert (report.state, report.percent) == (Job.State.WAITING, 0)
    tasks.finish_interview(answer.interview_id)
    assert queues.taken() == []
    end_all(answer)
    tasks.finish_interview(answer.interview_id)
    assert queues.taken() == [("draft_report", answer.interview_id)]


def test_a_report_stays_done_when_nothing_of_an_answer_had_failed(kept, answer):
    end_all(answer)
    (report,) = jobs.open_jobs(answer.interview.subject, [REPORT])
    Job.objects.filter(pk=report.pk).update(state=Job.State.DONE)
    services.try_again(answer.subject)
    assert states(answer.interview.subject) == {REPORT: Job.State.DONE}


def test_after_consent_was_withdrawn_a_recording_is_put_together_but_neither_heard_nor_read(kept, answer, queues):
    withdraw_consent(answer.interview.patient)
    tasks.join_recording(answer.pk)
    tasks.transcribe_answer(answer.pk)
    tasks.check_risk(answer.pk)
    tasks.read_answer(answer.pk)
    ended = states(answer.subject)
    assert ended.pop("join") == Job.State.DONE
    assert set(ended.values()) == {Job.State.FAILED}
    reasons = {job.reason for job in jobs.of(answer.subject) if job.stage != "join"}
    assert reasons == {"The patient withdrew consent, so nothing more is done with what was recorded."}
    assert not Transcript.objects.exists()


def test_what_was_heard_while_consent_was_withdrawn_is_dropped(kept, answer, queues, monkeypatch):
    class Slow:
        def hear(self, sound, on_progress):
            withdraw_consent(answer.interview.patient)
            return Heard("what she said", (), "slow", "", "en")

    monkeypatch.setattr(analysis, "hearing_for", lambda *_args, **_options: Slow())
    tasks.join_recording(answer.pk)
    tasks.transcribe_answer(answer.pk)
    assert states(answer.subject)["transcribe"] == Job.State.FAILED
    assert not Transcript.objects.exists()
