import pytest
import torch

from emotion.ml.nets.voice import AudioCNNPool
from tests.emotion.ml.nets.known import (
    SCALES,
    check_alone_as_in_a_batch,
    lively,
    parameters,
    starved,
    wave,
    weights_like,
)

# As in test_temporal, from 10 coefficients of 156 steps.
PUBLISHED_LOGITS = [
    [1.468313337, -3.186304912, 2.616913197, -0.072676543, -2.374133259, 2.966717151, -1.694522850, -0.353028405]
]


def test_it_has_the_published_number_of_parameters():
    assert parameters(AudioCNNPool()) == 225_864


def test_the_same_weights_give_the_published_logits():
    net = AudioCNNPool().eval()
    net.load_state_dict(weights_like(net.state_dict()))
    with torch.no_grad():
        logits = net.double()(wave(1, 10, 156, step=0.231))
    torch.testing.assert_close(logits, torch.tensor(PUBLISHED_LOGITS, dtype=torch.float64), rtol=1e-7, atol=1e-7)


def test_its_two_halves_leave_150_and_144_steps_of_156():
    net = AudioCNNPool().eval()
    with torch.no_grad():
        middle = net.meet(torch.rand(2, 10, 156))
        assert middle.shape == (2, 128, 150)
        assert net.follow(middle).shape == (2, 128, 144)


@pytest.mark.parametrize("steps", [13, 60, 400])
def test_a_voice_may_last_any_time_from_13_steps(steps):
    with torch.no_grad():
        assert AudioCNNPool().eval()(torch.rand(2, 10, steps)).shape == (2, 8)


def test_gradients_reach_every_step_and_every_weight():
    torch.manual_seed(0)
    net, cepstrum = AudioCNNPool(), torch.randn(4, 10, 40, requires_grad=True)
    net(cepstrum).pow(2).sum().backward()
    assert starved(net) == []
    assert (cepstrum.grad.abs().amax(dim=1) > 0).all()


def test_a_clip_alone_reads_as_it_does_in_a_batch():
    torch.manual_seed(0)
    check_alone_as_in_a_batch(lively(AudioCNNPool()), torch.randn(3, 10, 50) * SCALES.view(3, 1, 1))
