"""Old readings keep their pack, and can be made once more with the one that serves now."""

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from clinic import jobs
from clinic.models import AuditEntry, Job
from emotion.models import StoredReading
from emotion.services import registry, store_reading
from interviews.models import Answer, Recording
from interviews.stages import ANSWER_STAGES, READ_STAGES
from tests import factories
from tests.emotion import checkpoints
from tests.emotion.test_services import a_reading
from tests.interviews.broker import broker_in_memory


@pytest.fixture
def queues():
    with broker_in_memory() as queues:
        yield queues


@pytest.fixture
def read(answer):
    """An answer that the starter pack has read."""
    recording = factories.a_recording(answer, state=Recording.State.KEPT, joined_path="x")
    for job in jobs.open_jobs(answer.subject, ANSWER_STAGES):
        Job.objects.filter(pk=job.pk).update(state=Job.State.DONE, attempts=3, percent=100)
    store_reading(a_reading(2), recording.pk, answer.interview.key)
    answer.state, answer.recorded_at = Answer.State.RECORDED, timezone.now()
    answer.save()
    return answer


@pytest.fixture
def promoted(engineer):
    pack = checkpoints.a_made_pack(engineer, "newer")
    registry.promote(pack, engineer, "Tried on the made corpus.")
    return pack


def states(answer) -> dict[str, str]:
    return dict(Job.objects.filter(subject=answer.subject).values_list("stage", "state"))


def ask(client, answer):
    return client.post(reverse("interviews:read_again", args=[answer.pk]))


def test_a_reading_of_the_serving_pack_is_left_alone(read):
    assert not registry.made_otherwise().exists()


def test_a_promotion_changes_no_reading_and_the_page_offers_to_read_again(client, clinician, read, promoted):
    kept = StoredReading.objects.get()
    assert (kept.pack, kept.pack_sha256) == ("starter", "ab" * 32)
    client.force_login(clinician)
    assert (
        reverse("interviews:read_again", args=[read.pk])
        in client.get(reverse("interviews:watch", args=[read.interview_id])).content.decode()
    )


def test_her_clinician_has_an_answer_read_again_and_only_its_reading_waits(
    client, clinician, read, promoted, queues, django_capture_on_commit_callbacks
):
    client.force_login(clinician)
    with django_capture_on_commit_callbacks(execute=True):
        ask(client, read)
    assert queues.taken() == [("read_answer", read.pk)]
    waiting = {stage for stage, state in states(read).items() if state == Job.State.WAITING}
    assert waiting == set(READ_STAGES)
    assert StoredReading.objects.get().pack == "starter"  # until the new one takes its place
    assert AuditEntry.objects.filter(verb="read again", subject=read.subject).exists()


def test_asked_twice_it_is_queued_once(client, clinician, read, queues, django_capture_on_commit_callbacks):
    client.force_login(clinician)
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            ask(client, read)
    assert queues.taken() == [("read_answer", read.pk)]


def test_the_operator_has_all_of_them_read_again(read, promoted, queues, capsys, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        call_command("read_again", dry_run=True)
    assert (capsys.readouterr().out, queues.taken()) == ("Would read 1 answer(s) once more.\n", [])
    with django_capture_on_commit_callbacks(execute=True):
        call_command("read_again")
    assert (capsys.readouterr().out, queues.taken()) == (
        "Queued 1 answer(s) once more.\n",
        [("read_answer", read.pk)],
    )
