"""The queue of training runs: one a device, the others wait; a run whose process is gone goes on, or has failed."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from emotion import machine, tasks
from emotion.errors import RunRefused
from emotion.models import Device, SavedConfig, TrainingRun
from emotion.queries import studio
from emotion.services import runs
from emotion.services.training import is_about_memory
from tests.emotion.training_configs import tiny
from tests.interviews.broker import broker_in_memory

pytestmark = pytest.mark.django_db


def queued(engineer, name="Run", **values) -> TrainingRun:
    return runs.queue(name, tiny(**values), engineer)


def claim(*devices: str) -> list[TrainingRun]:
    return runs.claim_waiting("here", devices or ("cpu",))


def test_one_run_at_a_time_has_a_device_and_the_others_wait_in_their_order(engineer):
    first, second, third = (queued(engineer, name) for name in ("first", "second", "third"))
    assert claim() == [first]
    assert claim() == []
    places = studio.places([second, third])
    assert [(places[run.pk].place, places[run.pk].ahead) for run in (second, third)] == [(1, first), (2, first)]
    runs.fail(TrainingRun.objects.get(pk=first.pk), "over")
    assert claim() == [second]


def test_a_run_on_another_device_does_not_wait(engineer):
    on_gpu, on_cpu = queued(engineer, device="cuda"), queued(engineer, device="cpu")
    assert [(run, run.device) for run in claim("cuda:0", "cpu")] == [(on_gpu, "here/cuda:0"), (on_cpu, "here/cpu")]


def test_two_machines_may_each_use_their_own_device_of_one_name(engineer):
    first, second = queued(engineer), queued(engineer)
    assert claim() == [first]
    assert runs.claim_waiting("there", ["cpu"]) == [second]


def test_the_database_itself_lets_no_second_run_onto_a_device(engineer):
    queued(engineer)
    claim()
    other = queued(engineer)
    with pytest.raises(IntegrityError), transaction.atomic():
        TrainingRun.objects.filter(pk=other.pk).update(state="running", device="here/cpu")


@pytest.mark.parametrize(
    ("wanted", "here", "taken", "chosen"),
    [
        ("auto", ["cuda:0", "cuda:1", "cpu"], set(), "cuda:0"),
        ("auto", ["cuda:0", "cuda:1", "cpu"], {"cuda:0"}, "cuda:1"),
        ("auto", ["cuda:0", "cpu"], {"cuda:0"}, None),
        ("auto", ["cpu"], set(), "cpu"),
        ("cuda", ["cpu"], set(), None),
        ("cuda:1", ["cuda:0", "cpu"], set(), None),
        ("cuda:1", ["cuda:0", "cuda:1", "cpu"], {"cuda:0"}, "cuda:1"),
        ("cuda:all", ["cuda:0", "cuda:1", "cpu"], {"cpu"}, "cuda:all"),
        ("cuda:all", ["cuda:0", "cuda:1", "cpu"], {"cuda:1"}, None),
        ("cuda", ["cuda:0", "cuda:1", "cpu"], {"cuda:all"}, None),
        ("cpu", ["cuda:0", "cpu"], {"cuda:all"}, "cpu"),
    ],
)
def test_a_devices_word_means_one_that_is_free(wanted, here, taken, chosen):
    assert machine.choose(wanted, here, taken) == chosen


def test_a_setting_may_say_what_auto_means(engineer):
    assert machine.choose("auto", ["cuda:0", "cpu"], set(), preferred="cpu") == "cpu"
    assert machine.choose("auto", ["cpu"], set(), preferred="mps") == "cpu", "nothing trains on that one"
    assert machine.environment_for("cpu", "auto")["CUDA_VISIBLE_DEVICES"] == ""
    assert machine.environment_for("cuda:1", "cuda")["CUDA_VISIBLE_DEVICES"] == "1"


def test_a_waiting_run_stops_at_once_and_a_running_one_is_asked_to(engineer):
    waiting, running = queued(engineer, device="cuda"), queued(engineer)
    claim()
    assert runs.stop(waiting).state == "stopped"
    assert runs.stop(running).state == "stopping"
    assert runs.stop(running).state == "stopping", "may be asked twice"
    with pytest.raises(RunRefused, match="not at work"):
        runs.stop(waiting)


def test_a_stopped_run_goes_on_at_the_end_of_the_queue(engineer):
    first = runs.stop(queued(engineer, "first"))
    second = queued(engineer, "second")
    assert runs.resume(first).state == "queued"
    with pytest.raises(RunRefused, match="already"):
        runs.resume(first)
    assert claim() == [second]


def test_a_run_that_is_done_does_not_go_on(engineer):
    run = queued(engineer)
    TrainingRun.objects.update(state="done")
    with pytest.raises(RunRefused, match="done"):
        runs.resume(run)


def test_a_run_whose_process_crashed_waits_again_and_fails_the_third_time(engineer):
    run = queued(engineer)
    for attempt in (1, 2, 3):
        (held,) = claim()
        assert held.attempts == attempt
        runs.note_end(run.pk, held.owner, -9)
        run.refresh_from_db()
        assert run.state == ("queued" if attempt < 3 else "failed")
        assert "killed from outside" in run.reason
    assert runs.resume(run).attempts == 0


def test_a_run_that_was_asked_to_stop_and_crashed_has_stopped(engineer):
    run = queued(engineer)
    (held,) = claim()
    runs.stop(run)
    runs.note_end(run.pk, held.owner, -11)
    run.refresh_from_db()
    assert run.state == "stopped"


def test_the_end_of_a_process_says_nothing_about_a_run_that_another_has_by_now(engineer):
    run = queued(engineer)
    claim()
    assert runs.note_end(run.pk, "another:1:owner", -9) is None
    run.refresh_from_db()
    assert run.state == "running"


def test_a_run_nobody_has_heard_of_for_longer_than_its_lease_waits_again(engineer):
    run = queued(engineer)
    claim()
    assert runs.take_back() == 0
    TrainingRun.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert runs.take_back() == 1
    assert claim() == [run]


def test_deleting_a_run_takes_its_folder_along(engineer, settings, tmp_path, django_capture_on_commit_callbacks):
    settings.RUNS_DIR = tmp_path
    run = queued(engineer)
    folder = runs.folder_of(run)
    folder.mkdir()
    (folder / "state.pt").write_bytes(b"weights")
    with pytest.raises(RunRefused, match="Stop"):
        runs.discard(run)
    runs.stop(run)
    with django_capture_on_commit_callbacks(execute=True):
        runs.discard(run)
    assert not folder.exists()
    assert not TrainingRun.objects.exists()


class Ended:
    """A process that has ended already."""

    def __init__(self, code: int):
        self.code = code

    def wait(self) -> int:
        return self.code


@pytest.mark.django_db(transaction=True)
def test_the_worker_sees_its_training_process_crash_and_asks_for_another(engineer):
    run = queued(engineer)
    (held,) = claim()
    with broker_in_memory() as sent:
        tasks.see_it_end(Ended(-9), run.pk, held.owner)
    run.refresh_from_db()
    assert run.state == "queued"
    assert [(message.task, message.queue) for message in sent.sent] == [("emotion.tasks.start_waiting_runs", "gpu")]


@pytest.mark.django_db(transaction=True)
def test_starting_a_run_keeps_the_worker_no_longer_than_it_takes_to_start_a_process(engineer, settings, tmp_path):
    """The process finds no such run in its own database and ends; the worker has been free since long."""
    settings.RUNS_DIR = tmp_path
    run = queued(engineer)
    tasks.start_waiting_runs()
    run.refresh_from_db()
    assert run.state in ("running", "queued")
    assert run.device == f"{machine.host_name()}/cpu"
    assert Device.objects.get(name=run.device).memory > 0


def test_what_a_process_says_when_memory_ends_is_told_from_other_faults():
    assert is_about_memory(RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."))
    assert is_about_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried …"))
    assert is_about_memory(MemoryError())
    assert not is_about_memory(RuntimeError("shapes cannot be multiplied"))


def test_a_config_is_kept_under_its_name_and_changed_in_place(engineer):
    kept = runs.keep_config("Mine", tiny(epochs=3), engineer)
    runs.keep_config("Mine", tiny(epochs=4), engineer, over=kept)
    assert SavedConfig.objects.get().values["epochs"] == 4
