"""What a run writes down while it trains. The net is tiny and really learns."""

import threading
import time
from contextlib import suppress

import pytest
from django.db import OperationalError, connection

from emotion.ml.training.config import TrainingConfig
from emotion.models import Epoch, StepCurve, TrainingRun
from emotion.queries import studio
from emotion.services import runs, training
from tests.emotion.training_configs import tiny

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.RUNS_DIR, settings.MODELS_DIR = tmp_path, tmp_path / "models"


def claimed(engineer, config: TrainingConfig) -> TrainingRun:
    runs.queue("Run", config, engineer)
    (held,) = runs.claim_waiting("here", ["cpu"])
    return held


def train(run: TrainingRun, **options) -> TrainingRun:
    training.train(run, **{"tell": lambda pk: None, **options})
    return TrainingRun.objects.get(pk=run.pk)


def test_every_epoch_is_written_down_and_the_end_has_test_results_by_actor(engineer):
    told = []
    run = train(claimed(engineer, tiny()), tell=told.append)
    assert (run.state, run.reason, run.epochs_done, run.owner) == ("done", "", 2, "")
    assert set(told) == {run.pk}
    assert len(run.sha256) == 64
    found = studio.columns(run)
    assert found.numbers == [1, 2]
    assert {"train_loss", "validation_loss", "validation_uar", "learning_rate", "clips_per_second", "memory"} <= set(
        found.figures
    )
    assert sum(map(sum, found.confusion)) == sum(run.split["counts"]["validation"].values())
    steps = StepCurve.objects.get(run=run).points["step"]
    assert steps == list(range(1, len(steps) + 1))
    low, high = run.results["intervals"]["voice only"]
    assert low <= run.results["test"]["voice only"]["UAR"] <= high
    assert runs.folder_of(run).joinpath("best.safetensors").exists()
    registered = run.checkpoints.get()
    assert (registered.weights_sha256, registered.origin, registered.name) == (run.sha256, "trained", "Run")
    assert registered.card["metrics"]["test"]["voice only"]["interval"] == [low, high]


def test_a_run_that_is_asked_to_stop_rests_and_goes_on_to_the_same_end(engineer):
    """Stopped in the middle, resumed from its last epoch: no epoch is missing, none is there twice."""
    config = tiny(epochs=6)
    run = claimed(engineer, config)

    def stop_after_two(pk: int) -> None:
        if TrainingRun.objects.get(pk=pk).epochs_done == 2:
            TrainingRun.objects.filter(pk=pk, state="running").update(state="stopping")
            time.sleep(2 * training.LOOK_EVERY)

    run = train(run, tell=stop_after_two)
    assert run.state == "stopped"
    assert 2 <= run.epochs_done < 6
    runs.resume(run)
    (held,) = runs.claim_waiting("here", ["cpu"])
    run = train(held)
    assert (run.state, run.epochs_done) == ("done", 6)
    assert list(run.epochs.values_list("number", flat=True)) == [1, 2, 3, 4, 5, 6]
    steps = run.step_curve.points["step"]
    assert steps == sorted(set(steps))
    unbroken = train(claimed(engineer, config))
    assert unbroken.sha256 == run.sha256


def test_a_run_whose_worker_is_gone_waits_for_another(engineer):
    run = claimed(engineer, tiny(epochs=500, patience=None))
    run = train(run, is_orphan=lambda: Epoch.objects.filter(run=run).exists())
    assert run.state == "queued"
    assert run.epochs_done < 500
    assert "worker ended" in run.reason


def test_a_run_that_another_process_took_over_writes_nothing_more(engineer):
    run = claimed(engineer, tiny(epochs=500, patience=None))

    over = threading.Event()

    def take_over() -> None:
        taken = 0
        while not taken and not over.wait(0.05):
            with suppress(OperationalError):  # SQLite in memory does not wait for the other thread's writing
                taken = Epoch.objects.exists() and TrainingRun.objects.update(owner="somebody:2:else")
        connection.close()

    thief = threading.Thread(target=take_over)
    thief.start()
    after = train(run)
    over.set()
    thief.join()
    assert (after.state, after.owner) == ("running", "somebody:2:else")


def test_a_corpus_that_is_gone_by_now_fails_with_a_sentence(engineer, tmp_path):
    config = tiny(corpus={"name": "ravdess-audio", "folder": str(tmp_path / "gone")})
    run = train(claimed(engineer, config))
    assert run.state == "failed"
    assert "there is no folder" in run.reason


def test_the_curve_over_steps_keeps_to_its_bound_and_spans_them_all(engineer):
    curve = training.Curve(runs.queue("Run", tiny(), engineer))
    for step in range(1, 10 * training.MOST_POINTS + 1):
        curve.add(1 / step)
    curve.keep()
    kept = StepCurve.objects.get()
    assert training.MOST_POINTS / 2 <= len(kept.points["step"]) < training.MOST_POINTS
    assert kept.points["step"][-1] > 9 * training.MOST_POINTS
    assert kept.points["loss"] == sorted(kept.points["loss"], reverse=True)


def test_what_is_no_number_is_kept_as_nothing():
    assert training.numbers({"a": float("nan"), "b": {"c": 1}, "d": True, "e": "x"}) == {"a": None, "b_c": 1}
