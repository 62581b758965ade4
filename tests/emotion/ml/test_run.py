"""A whole run on the made corpus: it learns, stops, goes on to the same end, and its checkpoint says what it is."""

import pytest
import torch

from emotion.ml import checkpoint
from emotion.ml.errors import EmotionError
from emotion.ml.labels import LABELS
from emotion.ml.training.config import TrainingConfig
from emotion.ml.training.data import Data, data_for
from emotion.ml.training.examples import Collating, batches
from emotion.ml.training.learners import learner_for
from emotion.ml.training.loop import Diverged, ask, train_epoch
from emotion.ml.training.metrics import unweighted_recall
from emotion.ml.training.run import BEST, STATE, Stopped, cannot_compile, run
from emotion.ml.training.systems import build, voice_size
from tests.emotion.ml.training_runs import tiny as tiny_run

TINY = {
    "corpus": {"actors": 3},
    "net": {"width": 0.05, "side": 32},
    "batch_size": 16,
    "epochs": 3,
    "device": "cpu",
    "modality_dropout": "none",
}


COLLATE = Collating(("faces", "cepstrum"))


@pytest.fixture(scope="module")
def tiny() -> TrainingConfig:
    return TrainingConfig.checked(TINY)


@pytest.fixture(scope="module")
def data(tiny) -> Data:
    return data_for(tiny)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_no_actor_of_the_test_is_learned_from_or_chosen_by(data):
    speakers = [{example.speaker for example in part} for part in (data.train, data.validation, data.test)]
    assert all(speakers)
    assert sum(map(len, speakers)) == len(set.union(*speakers))


def test_a_run_tells_of_every_epoch_and_leaves_its_best_with_a_card(tiny, data, tmp_path):
    told = []
    made = run(tiny, data, tmp_path, on_epoch=told.append)
    assert [epoch.number for epoch in told] == [1, 2, 3]
    assert made.card.corpora == ("made",)
    assert made.card.metrics["validation"]["UAR"] == max(epoch.validation_uar for epoch in told)
    assert set(made.card.metrics["test"]) == {"both", "voice only", "face only", "noisy"}
    assert checkpoint.load(tmp_path / "best.safetensors").sha256 == made.sha256


@pytest.mark.parametrize("dropout", ["none", "softhard"])
def test_a_run_that_was_killed_ends_as_an_unbroken_one(data, tmp_path, dropout):
    config = TrainingConfig.checked(TINY | {"modality_dropout": dropout, "schedule": {"kind": "cosine"}})
    unbroken = run(config, data, tmp_path / "unbroken")

    def die(epoch):
        if epoch.number == 2:
            raise Killed

    with pytest.raises(Killed):
        run(config, data, tmp_path / "killed", on_epoch=die)
    resumed = run(config, data, tmp_path / "killed")
    assert resumed.sha256 == unbroken.sha256
    assert resumed.card == unbroken.card


def test_a_run_stops_when_asked_and_says_where(tiny, data, tmp_path):
    told = []
    with pytest.raises(Stopped, match="after epoch 1"):
        run(tiny, data, tmp_path, on_epoch=told.append, should_stop=lambda: bool(told))


def test_another_config_may_not_go_on_in_a_run_s_folder(tiny, data, tmp_path):
    run(tiny, data, tmp_path)
    with pytest.raises(EmotionError, match="holds another run"):
        run(TrainingConfig.checked(TINY | {"seed": 2}), data, tmp_path)


def test_it_ends_early_when_validation_no_longer_gets_better(data, tmp_path):
    told = []
    patient = TrainingConfig.checked(TINY | {"epochs": 50, "patience": 1, "learning_rate": 1e-9})
    run(patient, data, tmp_path, on_epoch=told.append)
    assert len(told) < 50


def test_a_loss_that_is_no_number_ends_the_run_with_advice(tiny, data):
    learner = learner_for(build(tiny.net), tiny)
    with torch.no_grad():
        learner.net.classifier.weight.fill_(float("nan"))
    optimiser = torch.optim.SGD(learner.parameters(), lr=0.1)
    with pytest.raises(Diverged, match="lower learning rate"):
        train_epoch(learner, batches(data.train[:4], 4, COLLATE), optimiser, device=torch.device("cpu"))


@pytest.mark.parametrize("fusion", ["lt", "it", "ia"])
def test_four_made_clips_are_learned_by_heart(fusion, data):
    torch.manual_seed(0)
    config = TrainingConfig.checked(TINY | {"net": {"width": 0.1, "side": 32, "name": fusion}})
    four = [next(example for example in data.train if example.label == label) for label in range(0, 8, 2)]
    learner, device = learner_for(build(config.net), config), torch.device("cpu")
    optimiser = torch.optim.AdamW(learner.parameters(), lr=3e-3)
    for _ in range(60):
        train_epoch(learner, batches(four, 4, COLLATE), optimiser, device=device)
    # In training mode: four clips are too few for the running means to settle.
    learner.train()
    assert learner.logits(learner.prepared(COLLATE(four))).argmax(1).tolist() == [0, 2, 4, 6]


def test_a_clip_is_told_the_same_alone_and_among_others(tiny, data):
    learner = learner_for(build(tiny.net), tiny)
    together = ask(learner, batches(data.test[:6], 6, COLLATE), device=torch.device("cpu")).logits
    alone = ask(learner, batches(data.test[:6], 1, COLLATE), device=torch.device("cpu")).logits
    assert torch.allclose(together, alone, atol=1e-5)


def test_a_last_batch_of_one_joins_the_batch_before_it(data):
    sizes = [len(batch.labels) for batch in batches(data.train[:9], 4, COLLATE, torch.Generator().manual_seed(0))]
    assert sizes == [4, 5]


# --- Phases ---


class Killed(BaseException):
    pass


def phase_runs(**more):
    """The enhanced model in its three phases, the last one on other clips."""
    last = {"number": 3, "epochs": 1, "learning_rate": 1e-4, "corpus": {"actors": 4, "fold": 2}}
    return tiny_run("enhanced", phases=[{"number": 1}, {"number": 2, "epochs": 1}, last], **more)


@pytest.fixture(scope="module")
def phased():
    return data_for(phase_runs())


def test_each_phase_has_its_own_epochs_rate_and_corpus(phased, tmp_path):
    told = []
    saved = run(phase_runs(), phased, tmp_path, on_epoch=told.append)
    assert [(epoch.number, epoch.phase, epoch.learning_rate) for epoch in told] == [
        (1, 1, 1e-3),
        (2, 1, 1e-3),
        (3, 2, 1e-3),
        (4, 3, 1e-4),
    ]
    assert [round(epoch.seconds_left > 0) for epoch in told] == [1, 1, 1, 0]
    assert phased.of(2) is not phased
    assert sum(map(sum, told[-1].confusion)) == len(phased.of(2).validation)
    assert saved.card.metrics["phase"] == 3
    assert set(saved.card.metrics["earlier tests"]) == {"made fold 1"}
    assert set(saved.card.data) == {"made fold 1", "made fold 2"}


def test_a_run_that_was_killed_in_any_phase_ends_as_an_unbroken_one(data, tmp_path):
    config = tiny_run("wav2vec2", phases=[{"number": 1}, {"number": 2}, {"number": 1, "learning_rate": 1e-4}])
    unbroken = run(config, data, tmp_path / "unbroken")
    for last in range(1, 7):

        def die(epoch, last=last):
            if epoch.number == last:
                raise Killed

        with pytest.raises(Killed):
            run(config, data, tmp_path / f"killed {last}", on_epoch=die)
        resumed = run(config, data, tmp_path / f"killed {last}")
        assert resumed.sha256 == unbroken.sha256
        assert resumed.card == unbroken.card


@pytest.mark.parametrize(
    ("name", "phase", "frozen"),
    [
        ("enhanced", 1, ("voice.",)),
        ("enhanced", 2, ("voice.encoder.", "voice.classifier.")),
        ("enhanced", 3, ("voice.classifier.", "face.classifier_1.")),
        ("wav2vec2", 1, ("encoder.",)),
        ("wav2vec2", 2, ("encoder.model.feature_extractor.",)),
        ("late-3", 1, ("face.", "voice.")),
    ],
)
def test_a_run_moves_nothing_that_its_phase_freezes_batch_statistics_included(data, tmp_path, name, phase, frozen):
    config = tiny_run(name, epochs=1, phases=[{"number": phase}])
    torch.manual_seed(config.seed)
    begun = build(config.net, voice_size(config.net)).state_dict()
    ended = run(config, data, tmp_path).weights
    moved = {weight for weight in begun if not torch.equal(begun[weight], ended[weight])}
    assert moved
    assert not {weight for weight in moved if weight.startswith(frozen)}
    if name == "enhanced":
        assert any(weight.startswith("face.") and weight.endswith("running_mean") for weight in moved)


def test_a_phase_begins_from_the_best_epoch_of_the_one_before(data, tmp_path):
    """With a rate of almost nothing the second phase stays where the first one was best, not where it ended."""
    config = tiny_run(
        "voice-small", epochs=4, phases=[{"learning_rate": 0.05}, {"learning_rate": 1e-12, "epochs": 1}], seed=3
    )
    told, best = [], {}

    def watch(epoch) -> None:
        told.append(epoch)
        if epoch.number == 4:
            best.update(checkpoint.load(tmp_path / BEST).weights)

    run(config, data, tmp_path, on_epoch=watch)
    assert max(told[:4], key=lambda epoch: epoch.validation_uar).number < 4
    ended = torch.load(tmp_path / STATE, weights_only=True)["net"]
    learning = [name for name, _ in build(config.net, voice_size(config.net)).named_parameters()]
    # Batch statistics move even where no weight does.
    assert all(torch.allclose(ended[name], best[name], atol=1e-6) for name in learning)


# --- What a run tells and keeps ---


def test_an_epoch_tells_all_that_can_be_plotted(tiny, data, tmp_path):
    told, steps = [], []
    run(tiny, data, tmp_path, on_epoch=told.append, on_step=lambda *step: steps.append(step))
    first = told[0]
    assert sum(map(sum, first.confusion)) == len(data.validation)
    assert len(first.recalls) == 8
    assert 0 <= first.validation_macro_f1 <= first.validation_war * 8
    assert first.validation_uar == pytest.approx(sum(first.recalls) / 8)
    assert first.is_best
    assert first.memory > 1e6
    assert first.clips_per_second > 0
    assert [step[1:] for step in steps] == [(1, 1)] * 3  # sixteen clips, one step
    assert steps[0][0] == pytest.approx(first.train_loss)


def test_a_run_stops_in_the_middle_of_an_epoch_and_goes_on_to_the_same_end(data, tmp_path):
    config = tiny_run("voice-small", batch_size=4)
    unbroken = run(config, data, tmp_path / "unbroken")
    steps = []
    with pytest.raises(Stopped, match="after epoch 1"):
        run(
            config,
            data,
            tmp_path / "stopped",
            on_step=lambda *step: steps.append(step),
            should_stop=lambda: len(steps) == 6,
        )
    assert steps[-1][1:] == (2, 4)
    assert run(config, data, tmp_path / "stopped").sha256 == unbroken.sha256


def test_the_card_says_what_the_net_is_what_it_learned_from_and_what_it_guessed(tiny, data, tmp_path):
    card = run(tiny, data, tmp_path).card
    assert card.labels == LABELS
    assert card.data == {"made fold 1": data.digest}
    assert card.seen["made"]["speakers"] == sorted({clip.speaker for clip in (*data.train, *data.validation)})
    assert {"torch", "transformers", "numpy", "python"} == set(card.versions)
    assert "made" in card.licence
    test, told = card.metrics["test"], card.metrics["predictions"]
    assert told["clips"] == [clip.name for clip in data.test]
    for row in ("both", "voice only", "face only", "noisy"):
        assert unweighted_recall(told["labels"], told["guesses"][row]) == pytest.approx(test[row]["UAR"])
        assert {"WAR", "macro-F1", "NLL", "Brier", "ECE", "confusion", "recalls"} < set(test[row])


def test_the_temperature_is_fitted_on_validation_and_makes_its_shares_likelier(data, tmp_path):
    config = tiny_run("voice-small", {"width": 0.2}, epochs=12, learning_rate=0.01)
    calibrated = run(config, data, tmp_path / "calibrated").card.metrics
    plain = run(config.model_copy(update={"calibrate": False}), data, tmp_path / "plain").card.metrics
    assert plain["temperature"] == 1.0
    assert calibrated["temperature"] != 1.0
    assert calibrated["validation"]["NLL"] < plain["validation"]["NLL"]
    assert calibrated["validation"]["UAR"] == plain["validation"]["UAR"]


def test_a_damaged_state_is_named(tiny, data, tmp_path):
    (tmp_path / "state.pt").write_bytes(b"half of it")
    with pytest.raises(EmotionError, match=r"state\.pt is damaged"):
        run(tiny, data, tmp_path)


def test_training_in_bfloat16_comes_near_to_float32_and_keeps_float32_weights(data, tmp_path):
    config = tiny_run("voice-small")
    exact, rounded = [], []
    run(config, data, tmp_path / "exact", on_epoch=exact.append)
    half = config.model_copy(update={"precision": "bfloat16"})
    saved = run(half, data, tmp_path / "rounded", on_epoch=rounded.append)
    assert rounded[1].train_loss == pytest.approx(exact[1].train_loss, abs=0.05)
    assert rounded[1].train_loss != exact[1].train_loss
    assert {weight.dtype for weight in saved.weights.values()} <= {torch.float32, torch.int64}


def test_accumulated_batches_make_the_step_of_one_large_batch(data):
    config = tiny_run("wav2vec2")

    def gradient(size, accumulate):
        torch.manual_seed(0)
        learner = learner_for(build(config.net, voice_size(config.net)), config)
        optimiser = torch.optim.SGD(learner.parameters(), lr=0.0)
        collate = Collating(config.net.inputs)
        shown = batches(data.train[:7], size, collate)
        train_epoch(learner, shown, optimiser, device=torch.device("cpu"), accumulate=accumulate)
        return learner.net.projector.weight.grad

    torch.testing.assert_close(gradient(3, 3), gradient(7, 1), rtol=1e-4, atol=1e-7)


def test_a_machine_that_cannot_compile_trains_without_and_says_so(data, tmp_path):
    def broken(function):
        raise RuntimeError("no compiler was found\nsecond line")

    elsewhere = torch.device("meta")
    assert cannot_compile(elsewhere, broken) == "Not compiled, because this machine cannot: no compiler was found"
    assert cannot_compile(elsewhere, lambda function: function) == ""
    told = []
    run(tiny_run("voice-small", compile=True, epochs=1), data, tmp_path, on_epoch=told.append)
    assert told[0].warnings == (("not compiled", "Not compiled: on the CPU that takes longer than it saves."),)
