"""Imports, packs, pulls and trials over time: their rows say how they ended, and what a dead worker left goes on."""

from datetime import timedelta

import pytest
from django.utils import timezone

from clinic import jobs
from clinic.models import Job
from emotion import catalogue, registry_tasks
from emotion.models import Checkpoint, FetchedModel, Trial, Upload
from emotion.services import pulling, registry, trying
from tests.emotion import checkpoints
from tests.emotion.model_server import ModelServer, serving
from tests.interviews.broker import broker_in_memory

pytestmark = pytest.mark.django_db
WEIGHTS = b"w" * 400_000


@pytest.fixture(autouse=True)
def models_folder(settings, tmp_path):
    settings.MODELS_DIR = tmp_path / "models"
    settings.OFFLINE_MODELS = None


@pytest.fixture
def queues():
    with broker_in_memory() as queues:
        yield queues


@pytest.fixture
def server(settings, tmp_path):
    with serving(ModelServer(files={"/w.bin": WEIGHTS})) as running:
        settings.MODEL_CATALOGUE = tmp_path / "list.toml"
        settings.MODEL_CATALOGUE.write_text(
            '[[model]]\nname = "net"\ntitle = "N"\nkind = "voice"\nlicence = "MIT"\norigin = "x"\nuse = "Tests."\n'
            f'trained_on = ["x"]\nfiles = [{{ name = "w.bin", url = "{running.url}/w.bin" }}]\n'
        )
        yield running


def brought(engineer, file, name) -> Upload:
    return trying.keep_file(engineer, file.open("rb"), file.stat().st_size, name)


def row(subject: str) -> Job:
    return Job.objects.get(subject=subject)


def test_an_import_ends_in_the_registry_and_its_parts_are_gone(
    engineer, tmp_path, django_capture_on_commit_callbacks, settings
):
    upload = brought(engineer, checkpoints.a_clip_reader_file(tmp_path / "x.safetensors"), "pilot.safetensors")
    with django_capture_on_commit_callbacks(execute=True):
        registry_tasks.enqueue_import(upload)
    upload.refresh_from_db()
    assert upload.checkpoint == Checkpoint.objects.get(name="pilot", added_by=engineer)
    assert row(upload.subject).state == Job.State.DONE
    assert trying.missing_parts(upload) == [0]


def test_a_refused_import_says_why_in_its_row(engineer, tmp_path, django_capture_on_commit_callbacks):
    (tmp_path / "letter.txt").write_text("Dear all")
    upload = brought(engineer, tmp_path / "letter.txt", "letter.txt")
    with django_capture_on_commit_callbacks(execute=True):
        registry_tasks.enqueue_import(upload)
    assert row(upload.subject).state == Job.State.FAILED
    assert row(upload.subject).reason == "letter.txt is damaged or no safetensors file."


def test_a_pack_is_loaded_by_a_worker_and_a_failure_can_be_tried_again(
    engineer, tmp_path, django_capture_on_commit_callbacks
):
    made = checkpoints.a_checkpoint(tmp_path, engineer)
    pack = registry.make_pack("tiny", [made], engineer)
    place = registry.file_of(made)
    place.rename(place.with_suffix(".away"))
    with django_capture_on_commit_callbacks(execute=True):
        registry_tasks.enqueue_pack(pack)
    assert "is gone" in row(pack.subject).reason
    place.with_suffix(".away").rename(place)
    with django_capture_on_commit_callbacks(execute=True):
        registry_tasks.enqueue_pack(pack)
    pack.refresh_from_db()
    assert (row(pack.subject).state, len(pack.sha256)) == (Job.State.DONE, 64)


def test_a_long_pull_gives_way_after_a_slice_and_queues_up_again(engineer, server, queues):
    server.slowness = 0.05
    wanted = pulling.ask_for(catalogue.find("net"), engineer)
    jobs.open_jobs(wanted.subject, ["pull"])
    slices = 0
    while row(wanted.subject).state == Job.State.WAITING:
        registry_tasks.pull_slice("net", seconds=0.1)
        slices += 1
    assert slices >= 2
    assert queues.taken() == [("pull_model", "net")] * (slices - 1)
    assert row(wanted.subject).state == Job.State.DONE
    assert FetchedModel.objects.get().bytes_done == len(WEIGHTS)


def test_a_line_that_breaks_while_it_gets_on_is_tried_for_as_long_as_it_takes(engineer, server, queues):
    wanted = pulling.ask_for(catalogue.find("net"), engineer)
    jobs.open_jobs(wanted.subject, ["pull"])
    for cut_at in (100_000, 100_000, 100_000, None):
        server.cut_at = cut_at
        registry_tasks.pull_slice("net")
    assert row(wanted.subject).state == Job.State.DONE


def test_a_server_that_is_away_is_given_up_after_three_tries_and_what_arrived_stays(engineer, server, queues):
    wanted = pulling.ask_for(catalogue.find("net"), engineer)
    jobs.open_jobs(wanted.subject, ["pull"])
    server.cut_at = 100_000
    registry_tasks.pull_slice("net")
    server.status = 503
    for _ in range(3):
        registry_tasks.pull_slice("net")
    assert (row(wanted.subject).state, "in trouble (503)" in row(wanted.subject).reason) == (Job.State.FAILED, True)
    assert pulling.folder_of("net").joinpath("w.bin.part").stat().st_size > 0


def test_a_wrong_file_ends_the_pull_with_a_sentence(engineer, server, queues):
    server.files["/w.bin"] = b"<html>sign in</html>"
    wanted = pulling.ask_for(catalogue.find("net"), engineer)
    jobs.open_jobs(wanted.subject, ["pull"])
    registry_tasks.pull_slice("net")
    assert "answered with a web page" in row(wanted.subject).reason


def test_what_a_dead_worker_left_is_queued_again_and_what_had_its_time_is_deleted(engineer, tmp_path, queues):
    (tmp_path / "clip.webm").write_bytes(b"clip")
    trials = [trying.start_trial(engineer, [brought(engineer, tmp_path / "clip.webm", "")]) for _ in range(2)]
    for trial in trials:
        jobs.open_jobs(trial.subject, ["read"])
    Job.objects.update(state=Job.State.RUNNING, leased_until=timezone.now() - timedelta(minutes=1))
    Trial.objects.filter(pk=trials[1].pk).update(expires_at=timezone.now())
    registry_tasks.look_after_registry()
    assert queues.taken() == [("read_trial", str(trials[0].pk))]
    assert Trial.objects.get() == trials[0]
