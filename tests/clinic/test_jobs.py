"""Stages of work: one worker has each, a living one keeps it, a dead one loses it, and nothing is lost."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from clinic import jobs
from clinic.jobs import Outcome
from clinic.models import Job

SUBJECT = "answer:1"
LATER = timedelta(hours=1)


class Refused(Exception):
    pass


@pytest.fixture
def job(db) -> Job:
    (made,) = jobs.open_jobs(SUBJECT, ["join"])
    return made


def claimed(stage: str = "join") -> Job:
    held = jobs.claim(SUBJECT, stage, jobs.new_owner())
    assert held is not None
    return held


def died(job: Job) -> None:
    """Its worker said nothing for longer than the lease."""
    Job.objects.filter(pk=job.pk).update(leased_until=timezone.now() - timedelta(seconds=1))


def test_opening_twice_makes_each_row_once(job):
    assert jobs.open_jobs(SUBJECT, ["join", "faces"])[0] == job
    assert Job.objects.count() == 2


def test_only_one_of_two_deliveries_gets_the_stage(job):
    assert claimed().state == Job.State.RUNNING
    assert jobs.claim(SUBJECT, "join", jobs.new_owner()) is None


def test_a_stage_that_has_ended_is_not_claimed_again(job):
    jobs.finish(claimed())
    assert jobs.claim(SUBJECT, "join", jobs.new_owner()) is None
    job.refresh_from_db()
    assert (job.state, job.percent, job.leased_until) == (Job.State.DONE, 100, None)


def test_a_dead_workers_stage_goes_to_the_next(job):
    died(claimed())
    assert claimed().attempts == 2


def test_after_three_deaths_the_input_is_set_aside_with_a_reason(job):
    for _ in range(3):
        died(claimed())
    assert jobs.claim(SUBJECT, "join", jobs.new_owner()) is None
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert "set aside" in job.reason


def test_a_worker_that_was_given_up_cannot_overwrite_its_successor(job):
    slow = claimed()
    died(slow)
    jobs.finish(claimed(), "the successor's")
    jobs.fail(slow, "too late")
    job.refresh_from_db()
    assert (job.state, job.reason) == (Job.State.DONE, "the successor's")


def test_a_beat_of_a_worker_that_was_given_up_changes_nothing(job):
    slow = claimed()
    died(slow)
    claimed()
    jobs.beat(slow, 80)
    job.refresh_from_db()
    assert job.percent == 0


def test_a_late_beat_does_not_wake_a_stage_that_has_ended(job):
    held = claimed()
    jobs.finish(Job.objects.get(pk=held.pk))
    jobs.beat(held, 80)
    job.refresh_from_db()
    assert (job.state, job.percent, job.leased_until) == (Job.State.DONE, 100, None)


def test_stages_of_one_piece_of_work_are_held_together_or_not_at_all(db):
    jobs.open_jobs(SUBJECT, ["faces", "voice"])
    voice = claimed("voice")
    assert jobs.claim_together(SUBJECT, ["faces", "voice"], jobs.new_owner()) == []
    jobs.finish(voice)
    assert [held.stage for held in jobs.claim_together(SUBJECT, ["faces", "voice"], jobs.new_owner())] == ["faces"]


def test_a_refusal_is_the_rows_reason_and_ends_it(job):
    def work():
        raise Refused("This file is not a recording.")

    assert jobs.carry_out([claimed()], work, (Refused,)) is False
    job.refresh_from_db()
    assert (job.state, job.reason) == (Job.State.FAILED, "This file is not a recording.")


@pytest.mark.parametrize("fault", [OSError("disk full"), OperationalError("gone away")])
def test_a_fault_that_may_pass_is_tried_three_times(job, fault):
    def work():
        raise fault

    again = [jobs.carry_out([claimed()], work, (Refused,)) for _ in range(3)]
    assert again == [True, True, False]
    job.refresh_from_db()
    assert (job.state, job.attempts) == (Job.State.FAILED, 3)
    assert type(fault).__name__ in job.reason


def test_an_unexpected_fault_fails_the_row_and_is_heard_of(job):
    def work():
        raise KeyError("a mistake of ours")

    with pytest.raises(KeyError):
        jobs.carry_out([claimed()], work, (Refused,))
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert "KeyError" in job.reason
    assert "mistake" not in job.reason


def test_each_stage_of_one_work_ends_in_its_own_way(db):
    jobs.open_jobs(SUBJECT, ["faces", "voice"])
    held = jobs.claim_together(SUBJECT, ["faces", "voice"], jobs.new_owner())
    jobs.carry_out(held, lambda: {"faces": Outcome("No net.", failed=True), "voice": Outcome()}, (Refused,))
    assert [(job.state, job.reason) for job in jobs.of(SUBJECT)] == [
        (Job.State.FAILED, "No net."),
        (Job.State.DONE, ""),
    ]


def test_waiting_work_that_nobody_speaks_for_is_stranded(job):
    assert jobs.stranded(timedelta(minutes=1)) == []
    assert jobs.stranded(timedelta(minutes=1), now=timezone.now() + LATER) == [job]


def test_waiting_work_with_a_message_on_its_way_is_left_alone_for_a_while(job):
    jobs.queued(SUBJECT, ["join"])
    assert jobs.stranded(timedelta(minutes=1), now=timezone.now() + timedelta(minutes=5)) == []
    assert jobs.stranded(timedelta(minutes=1), now=timezone.now() + LATER) == [job]
    jobs.unqueued(SUBJECT, ["join"])
    assert jobs.stranded(timedelta(minutes=1), now=timezone.now() + timedelta(minutes=5)) == [job]


def test_a_dead_workers_stage_is_stranded_a_living_ones_is_not(job):
    held = claimed()
    assert jobs.stranded(timedelta(0)) == []
    died(held)
    assert jobs.stranded(timedelta(0)) == [job]


def test_a_failed_stage_can_be_asked_for_again(job):
    jobs.fail(claimed(), "no model")
    job.refresh_from_db()
    jobs.retry(job)
    assert claimed().attempts == 1


@pytest.mark.django_db(transaction=True)
def test_a_stage_keeps_its_lease_while_its_work_says_nothing():
    jobs.open_jobs(SUBJECT, ["join"])
    held = claimed()
    died(held)
    with jobs.kept_alive([held], every=timedelta(milliseconds=50)):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and jobs.stranded(timedelta(0)):
            time.sleep(0.05)
        assert jobs.stranded(timedelta(0)) == []
    assert "job-lease" not in {thread.name for thread in threading.enumerate()}
