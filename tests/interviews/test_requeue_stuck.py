"""Work that was left half-way is found and queued again; work that is only waiting its turn is left alone."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from clinic import jobs
from clinic.config.celery import app
from clinic.models import Job
from interviews import services, tasks
from interviews.models import Answer, Interview
from interviews.stages import ANSWER_STAGES, READ_STAGES, REPORT
from tests import factories
from tests.interviews.broker import broker_at, broker_in_memory
from tests.interviews.takes import keep

HOUR_AGO = timezone.now() - timedelta(hours=1)


@pytest.fixture
def queues():
    with broker_in_memory() as queues:
        yield queues


@pytest.fixture
def kept(answer):
    """An answer kept an hour ago, of which nobody was told."""
    keep(answer, [b"bytes"])
    _an_hour_ago(answer)
    return answer


def _an_hour_ago(answer: Answer) -> None:
    Job.objects.filter(subject=answer.subject).update(created_at=HOUR_AGO)
    Answer.objects.filter(pk=answer.pk).update(recorded_at=HOUR_AGO)


def _set(answer: Answer, *stages: str, **fields) -> None:
    Job.objects.filter(subject=answer.subject, stage__in=stages).update(**fields)


def requeue(commit, **options) -> None:
    with commit(execute=True):
        call_command("requeue_stuck", **options)


def test_an_answer_nobody_was_told_of_is_queued(kept, queues, django_capture_on_commit_callbacks, capsys):
    requeue(django_capture_on_commit_callbacks)
    assert queues.taken() == [("join_recording", kept.pk)]
    assert capsys.readouterr().out.startswith("Queued 1: 1 to join, 0 to hear, 0 to check, 0 to read")


def test_a_dry_run_says_the_same_and_changes_nothing(kept, queues, django_capture_on_commit_callbacks, capsys):
    before = list(Job.objects.values())
    requeue(django_capture_on_commit_callbacks, dry_run=True)
    assert capsys.readouterr().out.startswith("Would queue 1: 1 to join")
    assert queues.taken() == []
    assert list(Job.objects.values()) == before


def test_what_was_queued_just_now_is_not_queued_each_minute(kept, queues, django_capture_on_commit_callbacks):
    requeue(django_capture_on_commit_callbacks)
    requeue(django_capture_on_commit_callbacks)
    assert queues.taken() == [("join_recording", kept.pk)]


def test_an_answer_whose_rows_were_never_opened_is_found(kept, queues, django_capture_on_commit_callbacks):
    Job.objects.all().delete()
    requeue(django_capture_on_commit_callbacks)
    assert queues.taken() == [("join_recording", kept.pk)]
    assert [job.stage for job in jobs.of(kept.subject)] == list(ANSWER_STAGES)


def test_a_stage_whose_worker_died_is_queued_again(kept, queues, django_capture_on_commit_callbacks):
    _set(kept, "join", state=Job.State.RUNNING, leased_until=HOUR_AGO, owner="dead", attempts=1)
    requeue(django_capture_on_commit_callbacks)
    requeue(django_capture_on_commit_callbacks)
    assert queues.taken() == [("join_recording", kept.pk)]
    job = jobs.of(kept.subject)[0]
    assert (job.state, job.owner, job.attempts) == (Job.State.WAITING, "", 1)


def test_a_living_workers_stage_is_left_alone(kept, queues, django_capture_on_commit_callbacks):
    soon = timezone.now() + timedelta(minutes=1)
    _set(kept, "join", state=Job.State.RUNNING, leased_until=soon, owner="alive", attempts=1)
    requeue(django_capture_on_commit_callbacks)
    assert queues.taken() == []


def test_after_the_join_only_what_is_left_is_queued(kept, queues, django_capture_on_commit_callbacks):
    _set(kept, "join", "faces", state=Job.State.DONE)
    requeue(django_capture_on_commit_callbacks)
    assert queues.taken() == [("transcribe_answer", kept.pk), ("read_answer", kept.pk)]
    assert {job.stage for job in jobs.stranded(timedelta(0))} == {"risk"}  # which waits for the transcript


@pytest.mark.parametrize("heard", [Job.State.DONE, Job.State.FAILED])
def test_what_was_heard_or_cannot_be_is_checked(kept, queues, django_capture_on_commit_callbacks, heard):
    _set(kept, "join", *READ_STAGES, state=Job.State.DONE)
    _set(kept, "transcribe", state=heard)
    requeue(django_capture_on_commit_callbacks)
    assert queues.taken() == [("check_risk", kept.pk)]


def test_stages_after_a_failed_join_are_closed(kept, queues, django_capture_on_commit_callbacks):
    _set(kept, "join", state=Job.State.FAILED, reason="No video.")
    requeue(django_capture_on_commit_callbacks)
    assert queues.taken() == []
    assert {job.state for job in jobs.of(kept.subject)} == {Job.State.FAILED}


def test_a_finished_interview_without_a_report_gets_one_asked_for(kept, queues, django_capture_on_commit_callbacks):
    _set(kept, "join", "transcribe", "risk", *READ_STAGES, state=Job.State.DONE)
    services.finish(kept.interview)
    Interview.objects.update(finished_at=HOUR_AGO)
    requeue(django_capture_on_commit_callbacks)
    requeue(django_capture_on_commit_callbacks)
    assert queues.taken() == [("draft_report", kept.interview_id)]


def test_a_report_whose_worker_died_is_asked_for_again(kept, queues, django_capture_on_commit_callbacks):
    _set(kept, "join", "transcribe", "risk", *READ_STAGES, state=Job.State.DONE)
    services.finish(kept.interview)
    jobs.open_jobs(kept.interview.subject, [REPORT])
    Job.objects.filter(stage=REPORT).update(state=Job.State.RUNNING, leased_until=HOUR_AGO, owner="dead")
    requeue(django_capture_on_commit_callbacks)
    assert queues.taken() == [("draft_report", kept.interview_id)]


def test_nothing_to_do_is_one_line(db, queues, capsys):
    call_command("requeue_stuck")
    assert capsys.readouterr().out.startswith("Queued 0:")


def test_with_the_broker_away_nothing_is_lost_and_the_next_sweep_does_it(
    kept, queues, django_capture_on_commit_callbacks
):
    with broker_at("redis+socket:///nowhere/at/all.sock?virtual_host=0"):
        requeue(django_capture_on_commit_callbacks)
    queues.taken()
    requeue(django_capture_on_commit_callbacks)
    assert queues.taken() == [("join_recording", kept.pk)]


def test_the_sweep_costs_the_same_for_one_answer_and_for_ten(
    kept, queues, django_assert_num_queries, django_assert_max_num_queries
):
    with django_assert_max_num_queries(12) as one:
        tasks.requeue(dry_run=True)
    for _ in range(9):
        keep(factories.an_interview().answers.first(), [b"bytes"])
    for answer in Answer.objects.filter(state=Answer.State.RECORDED):
        _an_hour_ago(answer)
    with django_assert_num_queries(len(one)):
        assert len(tasks.requeue(dry_run=True).join) == 10


def test_the_schedule_sweeps_each_minute():
    (entry,) = (entry for entry in app.conf.beat_schedule.values() if entry["task"] == tasks.requeue_stuck.name)
    assert entry["schedule"] <= 60


def test_what_failed_is_left_alone_until_somebody_asks(kept, queues, django_capture_on_commit_callbacks, capsys):
    _set(kept, "join", "faces", "voice", "timeline", "risk", state=Job.State.DONE)
    _set(kept, "transcribe", state=Job.State.FAILED, reason="No speech model.", attempts=1)
    requeue(django_capture_on_commit_callbacks)
    assert queues.taken() == []
    requeue(django_capture_on_commit_callbacks, failed=True, dry_run=True)
    assert capsys.readouterr().out.endswith("1 failed answer(s) again.\n")
    assert queues.taken() == []
    requeue(django_capture_on_commit_callbacks, failed=True)
    tasks.join_recording(*[args for name, args in queues.taken() if name == "join_recording"])
    assert ("transcribe_answer", kept.pk) in queues.taken()
    assert jobs.claim(kept.subject, "transcribe", jobs.new_owner()).attempts == 1
