"""A whole run on the made corpus: it learns, stops, goes on to the same end, and its checkpoint says what it is."""

import pytest
import torch

from emotion.ml import checkpoint
from emotion.ml.errors import EmotionError
from emotion.ml.training.config import TrainingConfig
from emotion.ml.training.data import Data, data_for
from emotion.ml.training.examples import Collating, batches
from emotion.ml.training.loop import Diverged, ask, train_epoch
from emotion.ml.training.run import Stopped, run
from emotion.ml.training.systems import build, learner_for

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

    class Killed(BaseException):
        pass

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
