import pytest
import torch

from emotion.ml.nets.dynamic import DynamicConfig, DynamicNet
from emotion.ml.nets.voice import VoiceConfig
from tests.emotion.ml.nets.known import NARROW, SIDE, lively, parameters, starved

FRAMES, STEPS, SAMPLES = 4, 44, 16_000


def a_net():
    torch.manual_seed(0)
    return DynamicNet(DynamicConfig(face=NARROW, voice=VoiceConfig(widths=(8, 16, 16, 16))))


def some_clips(clips=3):
    torch.manual_seed(1)
    return {
        "faces": torch.rand(clips, FRAMES, 3, SIDE, SIDE),
        "cepstrum": torch.randn(clips, 10, STEPS),
        "sound": torch.randn(clips, SAMPLES) * torch.linspace(0.01, 1, SAMPLES),
        "heights": torch.tensor([40.0, 80.0, 160.0][:clips]),
    }


def test_it_is_its_two_branches_and_a_few_weights_that_weigh_them():
    with torch.device("meta"):
        net = DynamicNet()
    assert parameters(net.face) == 1_552_926
    assert parameters(net.voice) == 225_864
    assert parameters(net.fusion) == parameters(net) - 1_552_926 - 225_864 < 100


def test_it_reads_a_clip_and_each_of_its_moments():
    read = a_net().eval().read(**some_clips())
    assert read.fused.clip.shape == (3, 8)
    assert read.fused.moments.shape == read.face.shape == read.voice.shape == (3, FRAMES, 8)
    assert read.seen.shape == read.heard.shape == (3, FRAMES)


def test_gradients_reach_every_input_that_shows_something_and_every_weight():
    net, clips = a_net().train(), some_clips()
    for part in clips.values():
        part.requires_grad_()
    net(**clips).pow(2).sum().backward()
    # A bias that batch normalisation takes out again has no gradient but rounding.
    assert [name for name in starved(net) if ".gate_s_conv_" not in name] == []
    assert all(part.grad.flatten(1).any(dim=1).all() for name, part in clips.items() if name != "heights")
    assert clips["heights"].grad.any()


def test_what_the_voice_net_says_of_silence_is_not_felt():
    net, clips = lively(a_net()), some_clips()
    silent = {**clips, "sound": torch.zeros_like(clips["sound"])}
    with torch.no_grad():
        read = net.read(**silent)
        other = net(**{**silent, "cepstrum": clips["cepstrum"] + 5})
    assert not read.heard.any()
    assert torch.equal(read.fused.clip, other)
    assert not torch.equal(read.fused.clip, net(**clips))


def test_without_face_and_voice_it_says_nothing():
    clips = some_clips()
    gone = {**clips, "sound": torch.zeros_like(clips["sound"]), "has_face": torch.zeros(3, FRAMES, dtype=torch.bool)}
    read = lively(a_net()).read(**gone)
    assert not read.fused.clip.any()
    assert read.fused.abstains().all()


def test_a_voice_that_ends_early_is_read_over_its_own_seconds_only():
    net, clips = lively(a_net()), some_clips(2)
    lengths = torch.tensor([SAMPLES, SAMPLES // 2])
    whole = {**clips, "sound": clips["sound"] * (torch.arange(SAMPLES) < lengths[:, None])}
    with torch.no_grad():
        together = net(**whole, lengths=lengths)
        alone = net(**{name: part[1:] for name, part in whole.items()}, lengths=lengths[1:])
        unlike = whole["cepstrum"].clone()
        unlike[1, :, STEPS // 2 + 2 :] = 9.0  # past its own end
        changed = net(**{**whole, "cepstrum": unlike}, lengths=lengths)
    torch.testing.assert_close(together[1:], alone, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(together[1], changed[1], rtol=1e-4, atol=1e-5)
    assert not torch.equal(together[0], together[1])


@pytest.mark.parametrize("frames", [1, 7])
def test_any_number_of_frames_will_do(frames):
    clips = {**some_clips(), "faces": torch.rand(3, frames, 3, SIDE, SIDE)}
    assert a_net().eval().read(**clips).fused.moments.shape == (3, frames, 8)
