"""The analysis over time. Each task may run twice: its job rows say whether there is anything left to do.

A kept answer: join_recording → transcribe_answer → check_risk, and read_answer. When these and the patient are done:
the report.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from celery import Signature, current_app, shared_task
from django.db import DatabaseError, transaction

from clinic import jobs, workspace
from clinic.jobs import Outcome
from clinic.models import Job
from clinic.sending import again_after, send, send_on_commit
from interviews import authoring_tasks, live, scale_tasks
from interviews.models import Answer, Interview, QuestionSet
from interviews.services import analysis, answering, rereading, risk, speaking, try_again
from interviews.stages import ANSWER_STAGES, JOIN, READ_STAGES, REPORT, RISK, SPEAK, TRANSCRIBE

DRAFT_REPORT = "reports.tasks.draft_report"  # by name: this room does not know that one
RETRY_AFTER = 5  # seconds, doubled with each attempt
TELL_EVERY = 1.0  # seconds between two news of one stage's percent
FORGOTTEN_AFTER = timedelta(minutes=1)
DATABASE_AWAY = again_after(RETRY_AFTER)

logger = logging.getLogger(__name__)


def enqueue(answer_id: int) -> None:
    """Have a kept answer analysed, once the transaction around this call is committed.

    Never fails because the broker is away: the rows wait, and the next sweep finds them.
    """
    answer = Answer.objects.get(pk=answer_id)
    jobs.open_jobs(answer.subject, ANSWER_STAGES)
    send_on_commit(join_recording.si(answer_id), answer.subject, JOIN)


def enqueue_reading(answer: Answer) -> None:
    """Have an answer read again whose reading stages wait, once the transaction around this call is committed."""
    send_on_commit(read_answer.si(answer.pk), answer.subject, *READ_STAGES)


def enqueue_finish(interview_id: int) -> None:
    """The patient is done: have the report written when all her answers are read, which may be now."""
    transaction.on_commit(lambda: finish_interview(interview_id), robust=True)  # Django logs its name: no partial


@shared_task(**DATABASE_AWAY)
def join_recording(answer_id: int) -> None:
    _work(answer_id, (JOIN,), analysis.join, join_recording.si(answer_id))
    answer = Answer.objects.filter(pk=answer_id).first()
    if answer and analysis.is_joined(answer):
        send(transcribe_answer.si(answer_id), answer.subject, TRANSCRIBE)
        send(read_answer.si(answer_id), answer.subject, *READ_STAGES)


@shared_task(**DATABASE_AWAY)
def transcribe_answer(answer_id: int) -> None:
    _work(answer_id, (TRANSCRIBE,), analysis.transcribe, transcribe_answer.si(answer_id))
    answer = Answer.objects.filter(pk=answer_id).first()
    if answer and analysis.is_heard(answer):
        send(check_risk.si(answer_id), answer.subject, RISK)


@shared_task(**DATABASE_AWAY)
def check_risk(answer_id: int) -> None:
    """Look for words that call for a person, and tell her clinician of them at once."""
    _work(answer_id, (RISK,), risk.check_risk, check_risk.si(answer_id))
    risk.tell_people()


@shared_task(**DATABASE_AWAY)
def read_answer(answer_id: int) -> None:
    _work(answer_id, READ_STAGES, analysis.read, read_answer.si(answer_id))


@shared_task(**DATABASE_AWAY)
def finish_interview(interview_id: int) -> None:
    """Ask for the report, if it is time for it. Called when the patient ends and when an answer's work ends."""
    interview = Interview.objects.filter(pk=interview_id).first()
    if interview and analysis.open_report(interview):
        send(current_app.signature(DRAFT_REPORT, args=(interview_id,)), interview.subject, REPORT)
        live.tell(interview_id, stage=REPORT, state=Job.State.WAITING, percent=0)


@shared_task(**DATABASE_AWAY)
def speak_questions(question_set_id: int) -> None:
    """Audio for each question of a published set."""
    question_set = QuestionSet.objects.filter(pk=question_set_id).first()
    if question_set is None:
        return
    held = jobs.claim_together(question_set.subject, [SPEAK], jobs.new_owner())
    again = speak_questions.si(question_set_id)
    if held and jobs.carry_out(held, partial(speaking.speak, question_set, held[0]), speaking.REFUSALS):
        send(again, question_set.subject, SPEAK, after=RETRY_AFTER * 2 ** (held[0].attempts - 1))


def enqueue_speaking(question_set: QuestionSet) -> None:
    """Have a published set's audio made, or made again, once the transaction around this call is committed."""
    (job,) = jobs.open_jobs(question_set.subject, [SPEAK])
    if jobs.is_final(job):
        jobs.retry(job)
    send_on_commit(speak_questions.si(question_set.pk), question_set.subject, SPEAK)


@shared_task(**DATABASE_AWAY)
def speak_due() -> None:
    """Audio for every question that is due, whichever set it belongs to."""
    for job in jobs.claim_together(speaking.SUBJECT, [SPEAK], jobs.new_owner()):
        tell = _VoicesTeller(job)
        try:
            if jobs.carry_out([job], partial(speaking.speak_due, job, tell), speaking.REFUSALS):
                send(speak_due.si(), speaking.SUBJECT, SPEAK, after=RETRY_AFTER * 2 ** (job.attempts - 1))
            elif speaking.is_waiting(job):
                enqueue_due()
        finally:
            live.tell_voices()


def enqueue_due() -> None:
    """Have the questions that are due spoken, once the transaction around this call is committed."""
    (job,) = jobs.open_jobs(speaking.SUBJECT, [SPEAK])
    if jobs.is_final(job):
        jobs.retry(job)
    send_on_commit(speak_due.si(), speaking.SUBJECT, SPEAK)


@shared_task(**DATABASE_AWAY)
def requeue_stuck() -> None:
    requeue()


def requeue(dry_run: bool = False) -> analysis.Stuck:
    """Find work that nobody does and queue it again; what was found."""
    stuck = analysis.find_stuck(FORGOTTEN_AFTER)
    if dry_run:
        return stuck
    workspace.sweep()
    answering.erase_discarded()
    jobs.take_back()
    authoring_tasks.requeue(FORGOTTEN_AFTER)
    scale_tasks.requeue(FORGOTTEN_AFTER)
    risk.tell_people()
    for answer_id in stuck.join:
        enqueue(answer_id)
    for answer in Answer.objects.filter(pk__in=stuck.transcribe):
        send(transcribe_answer.si(answer.pk), answer.subject, TRANSCRIBE)
    for answer in Answer.objects.filter(pk__in=stuck.check):
        send(check_risk.si(answer.pk), answer.subject, RISK)
    for answer in Answer.objects.filter(pk__in=stuck.read):
        send(read_answer.si(answer.pk), answer.subject, *READ_STAGES)
    for answer in Answer.objects.filter(pk__in=stuck.hopeless):
        analysis.settle(answer)
        finish_interview(answer.interview_id)
    for interview_id in stuck.report:
        finish_interview(interview_id)
    _speak_stranded(stuck.speak)
    return stuck


def _speak_stranded(subjects: tuple[str, ...]) -> None:
    for subject in subjects:
        is_for_many = subject == speaking.SUBJECT
        message = speak_due.si() if is_for_many else speak_questions.si(int(subject.rpartition(":")[2]))
        send(message, subject, SPEAK)


def requeue_failed(dry_run: bool = False) -> list[int]:
    """Every answer with a failed stage, tried again; which ones."""
    failed = list(Answer.objects.filter(pk__in=analysis.failed_answers()))
    for answer in failed if not dry_run else []:
        try_again(answer.subject)
        enqueue(answer.pk)
    return [answer.pk for answer in failed]


def read_all_again(dry_run: bool = False) -> int:
    """Every answer that an earlier model pack has read, once more; how many there are."""
    answers = list(rereading.answers_read_otherwise())
    if dry_run:
        return len(answers)
    again = [answer for answer in answers if rereading.read_again(answer)]
    for answer in again:
        enqueue_reading(answer)
    return len(again)


Verb = Callable[[Answer, Callable[[str, float], None]], Mapping[str, Outcome]]


def _work(answer_id: int, stages: tuple[str, ...], verb: Verb, again: Signature) -> None:
    """Claim the stages, call the verb, end the rows, tell who watches."""
    rows = Answer.objects.select_related("interview__question_set", "interview__patient", "question")
    answer = rows.filter(pk=answer_id).first()
    if answer is None:  # erased while its message was waiting
        return
    held = jobs.claim_together(answer.subject, stages, jobs.new_owner())
    tell = _Teller(answer, {job.stage: job for job in held})
    tell.of_all()
    try:
        if held and jobs.carry_out(held, partial(verb, answer, tell), analysis.REFUSALS):
            send(again, answer.subject, *stages, after=RETRY_AFTER * 2 ** (held[0].attempts - 1))
    finally:
        tell.of_all()
        if analysis.settle(answer) or not held:
            live.tell(answer.interview_id, answer=answer.pk)
        finish_interview(answer.interview_id)


@dataclass
class _Teller:
    """Writes progress into the rows and tells who watches, at most once a second a stage."""

    answer: Answer
    held: dict[str, Job]
    _told_at: dict[str, float] = field(default_factory=dict)

    def __call__(self, stage: str, share: float) -> None:
        job, now = self.held.get(stage), time.monotonic()
        if job is None or share * 100 < job.percent + 1 or now - self._told_at.get(stage, 0.0) < TELL_EVERY:
            return
        self._told_at[stage] = now
        try:
            jobs.beat(job, share * 100)
            self._tell(job)
        except DatabaseError:  # the work itself does not need the database now, and must not end for its progress
            logger.warning("The progress of %s could not be kept.", job, exc_info=True)

    def of_all(self) -> None:
        for job in self.held.values():
            self._tell(job)

    def _tell(self, job: Job) -> None:
        live.tell(
            self.answer.interview_id, answer=self.answer.pk, stage=job.stage, state=job.state, percent=job.percent
        )


@dataclass
class _VoicesTeller:
    """The same for the audio of many sets."""

    job: Job
    _told_at: float = 0.0

    def __call__(self, share: float) -> None:
        now = time.monotonic()
        if now - self._told_at < TELL_EVERY:
            return
        self._told_at = now
        jobs.beat(self.job, share * 100)
        live.tell_voices()
