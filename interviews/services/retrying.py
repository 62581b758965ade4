"""Failed work, once more: somebody asked for it."""

from django.db import transaction

from clinic import jobs
from clinic.models import Job
from interviews.models import Answer
from interviews.stages import REPORT


@transaction.atomic
def try_again(subject: str) -> int:
    """Failed stages of an answer or an interview wait again; how many there were.

    What is done stays done, but for the report of an answer: it was, or is being, written without what comes now.
    """
    failed = Job.objects.select_for_update().filter(subject=subject, state=Job.State.FAILED)
    reopened = len([jobs.retry(job) for job in failed])
    if reopened and subject.startswith("answer:"):
        _reopen_report(Answer.objects.select_related("interview").get(pk=subject.removeprefix("answer:")))
    return reopened


def _reopen_report(answer: Answer) -> None:
    begun = Job.objects.select_for_update().filter(subject=answer.interview.subject, stage=REPORT)
    for job in begun.exclude(state=Job.State.WAITING):
        jobs.retry(job)
