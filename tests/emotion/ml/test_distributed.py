"""Two processes on the CPU, which meet by a file in the run's folder."""

import sys

import pytest
import torch

from emotion.ml import checkpoint
from emotion.ml.errors import EmotionError
from emotion.ml.training.distributed import Team, device_for, processes_of, team_of
from emotion.ml.training.examples import Collating, Share, batches
from emotion.ml.training.run import run, take_part
from emotion.ml.training.systems import build, voice_size
from tests.emotion.ml.training_runs import made, tiny

# Without batch statistics, which on the CPU are each process's own. Plain descent, because AdamW makes a whole step of
# a gradient that is only rounding.
ALONE = tiny("wav2vec2", optimiser="sgd", learning_rate=0.1, batch_size=6, phases=[{"number": 2, "epochs": 2}])
TOGETHER = ALONE.model_copy(update={"processes": 2})


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_two_processes_learn_what_one_does(tmp_path):
    alone, together = [], []
    single = run(ALONE, made(), tmp_path / "one", on_epoch=alone.append)
    double = run(TOGETHER, made(), tmp_path / "two", on_epoch=together.append)
    torch.manual_seed(ALONE.seed)
    begun = build(ALONE.net, voice_size(ALONE.net)).state_dict()
    assert any(not torch.equal(single.weights[name], weight) for name, weight in begun.items())
    for name, weight in single.weights.items():
        torch.testing.assert_close(double.weights[name], weight, rtol=0, atol=1e-5)
    assert [epoch.train_loss for epoch in together] == pytest.approx([epoch.train_loss for epoch in alone], abs=1e-5)
    assert checkpoint.load(tmp_path / "two" / "best.safetensors").sha256 == double.sha256
    left = {path.name for path in (tmp_path / "two").iterdir()}
    assert left == {"state.pt", "best.safetensors", "process-1.log"}


def test_why_another_process_ended_is_told(tmp_path):
    program = (sys.executable, "-c", "raise SystemExit('The disk is full.')")
    ended = pytest.raises(EmotionError, match=r"Process 1 of this run ended: The disk is full\.")
    with ended, team_of(TOGETHER, tmp_path, program):
        pytest.fail("It went on alone.")
    assert [path.name for path in tmp_path.iterdir()] == ["process-1.log"]


def test_a_process_that_read_other_data_is_refused(tmp_path):
    class Elsewhere(Team):
        def told(self, value):
            return "another name"

    with pytest.raises(EmotionError, match="have read different data"):
        take_part(ALONE, made(), tmp_path, Elsewhere(1, 2, torch.device("cpu")))


def test_the_shares_of_a_batch_make_up_the_batch_and_weigh_by_their_size():
    collate = Collating(("sound",))
    whole = list(batches(made().train, 5, collate, torch.Generator().manual_seed(0)))
    halves = [
        list(batches(made().train, 5, collate, torch.Generator().manual_seed(0), Share(number, 2))) for number in (0, 1)
    ]
    for batch, first, second in zip(whole[:2], *halves, strict=False):
        assert batch.labels.tolist() == [*first.labels.tolist(), *second.labels.tolist()]
        assert [first.weight, second.weight] == [2 * 2 / 5, 3 * 2 / 5]
    assert min(len(batch) for half in halves for batch in half) >= 2


def test_a_gpu_that_is_not_here_is_refused_with_a_sentence():
    with pytest.raises(EmotionError, match="There is no cuda:99 here"):
        device_for("cuda:99")


def test_one_process_a_gpu_and_on_the_cpu_as_many_as_are_asked_for():
    assert processes_of(TOGETHER) == 2
    every_gpu = ALONE.model_copy(update={"device": "cuda:all"})
    assert processes_of(every_gpu) == max(1, torch.cuda.device_count())
