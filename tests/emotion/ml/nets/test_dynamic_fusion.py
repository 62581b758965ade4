import pytest
import torch
from torch.nn import functional
from transformers.initialization import meta_device_safe_creation_ops

from emotion.ml.nets.dynamic_fusion import (
    DynamicFusion,
    Reliability,
    evidence,
    signs_of_faces,
    signs_of_voice,
)
from tests.emotion.ml.nets.known import check_alone_as_in_a_batch, starved


def a_net():
    torch.manual_seed(0)
    return DynamicFusion()


def some_moments(clips=3, moments=5, classes=8):
    torch.manual_seed(1)
    return [torch.randn(clips, moments, width) * scale for width, scale in ((classes, 3), (2, 1), (classes, 3), (2, 1))]


def test_shapes_of_a_reading():
    fused = a_net()(*some_moments())
    assert fused.clip.shape == (3, 8)
    assert fused.moments.shape == (3, 5, 8)
    assert fused.face.shape == fused.voice.shape == (3, 5)
    for weight in (fused.face, fused.voice):
        assert ((weight > 0) & (weight < 1)).all()


def test_gradients_reach_both_channels_their_signs_and_every_weight():
    net, moments = a_net(), [part.requires_grad_() for part in some_moments()]
    fused = net(*moments)
    functional.cross_entropy(fused.clip, torch.tensor([0, 3, 5])).backward()
    assert starved(net) == []
    assert all(part.grad.flatten(2).any(dim=2).all() for part in moments)


@pytest.mark.parametrize("seed", range(5))
def test_a_better_sign_never_lowers_the_weight(seed):
    torch.manual_seed(seed)
    channel = Reliability(2, 8)
    torch.nn.init.normal_(channel.inner, std=3)
    torch.nn.init.normal_(channel.outer, std=3)
    signs = torch.randn(500, 2) * 3
    better = signs + torch.rand(500, 2)
    with torch.no_grad():
        assert (channel.weight(better) >= channel.weight(signs)).all()


def test_what_an_absent_channel_says_cannot_be_felt():
    net, (face, face_signs, voice, voice_signs) = a_net(), some_moments()
    there = torch.rand(3, 5) > 0.5
    wild = torch.where(there[..., None], face, torch.tensor(float("nan")))
    with torch.no_grad():
        found = net(wild, face_signs, voice, voice_signs, face_there=there)
        same = net(torch.where(there[..., None], face, 50.0), face_signs, voice, voice_signs, face_there=there)
    assert found.clip.isfinite().all()
    torch.testing.assert_close(found.clip, same.clip)
    assert not found.face[~there].any()


def test_the_clip_without_any_channel_is_flat_and_abstains():
    nothing = torch.zeros(3, 5, dtype=torch.bool)
    fused = a_net()(*some_moments(), face_there=nothing, voice_there=nothing)
    assert fused.abstains().all()
    assert not fused.clip.any()
    assert not fused.moments.any()


def test_two_bad_channels_do_not_make_a_confident_reading():
    net, (face, signs, _, _) = a_net(), some_moments()
    sure = [net(face, signs * 0 + level, face, signs * 0 + level).clip.softmax(dim=1).amax(dim=1) for level in (3, -3)]
    assert (sure[1] < sure[0]).all()
    assert (sure[1] - 1 / 8).abs().max() < (sure[0] - 1 / 8).abs().max() * 0.8


def test_an_emotion_that_the_face_cannot_name_is_judged_by_the_voice_alone():
    net, (face, face_signs, voice, voice_signs) = a_net(), some_moments(moments=1)
    face[..., 1] = float("-inf")
    with torch.no_grad():
        fused = net(face, face_signs, voice, voice_signs)
        absent = torch.zeros(3, 1, dtype=torch.bool)
        heard = net(face, face_signs, voice, voice_signs, face_there=absent)
    torch.testing.assert_close(fused.moments[..., 1], heard.moments[..., 1])
    assert fused.clip.isfinite().all()
    assert not torch.allclose(fused.moments[..., 0], heard.moments[..., 0], atol=1e-3)


def test_evidence_of_a_flat_answer_is_none():
    torch.testing.assert_close(evidence(torch.full((2, 8), 4.0)), torch.zeros(2, 8))
    one = torch.tensor([[0.0, float("-inf"), 2.0]])
    torch.testing.assert_close(evidence(one), torch.tensor([[-1.0, 0.0, 1.0]]))


def test_a_clip_alone_reads_as_it_does_in_a_batch():
    net = a_net()
    check_alone_as_in_a_batch(lambda *parts: net(*parts).clip, *some_moments())


def test_more_moments_that_agree_make_a_surer_clip():
    net, one = a_net(), some_moments(moments=1)
    with torch.no_grad():
        once = net(*one).clip
        often = net(*(part.expand(-1, 20, -1) for part in one)).clip
    assert (often.softmax(dim=1).amax(dim=1) > once.softmax(dim=1).amax(dim=1)).all()


def test_four_clips_that_the_louder_channel_is_wrong_about_are_learned_by_heart():
    net, labels, wrong = a_net(), torch.tensor([0, 2, 5, 6]), torch.tensor([3, 4, 1, 7])
    right, loud = 2.0 * functional.one_hot(labels, 8)[:, None], 4.0 * functional.one_hot(wrong, 8)[:, None]
    trusts_face = torch.tensor([True, True, False, False])[:, None, None]
    good = torch.where(trusts_face, 0.1, -0.1).expand(-1, 1, 2)
    clips = (torch.where(trusts_face, right, loud), good, torch.where(trusts_face, loud, right), -good)
    assert (net(*clips).clip.argmax(dim=1) == wrong).all()
    optimiser = torch.optim.Adam(net.parameters(), lr=0.03)
    for _ in range(60):
        optimiser.zero_grad()
        functional.cross_entropy(net(*clips).clip, labels).backward()
        optimiser.step()
    assert (net(*clips).clip.argmax(dim=1) == labels).all()


def corrupted(clips, generator):
    """Two channels, each right in the moments whose signs are good and confidently wrong in the others."""
    labels = torch.randint(8, (clips,), generator=generator)
    channels = []
    for _ in range(2):
        good = torch.rand(clips, 6, generator=generator) < 0.5
        said = torch.where(good, labels[:, None], torch.randint(8, (clips, 6), generator=generator))
        signs = torch.where(good, 1.0, -1.0)[..., None] + 0.5 * torch.randn(clips, 6, 2, generator=generator)
        noise = torch.randn(clips, 6, 8, generator=generator)
        channels += [3 * functional.one_hot(said, 8) + noise, signs]
    return channels, labels


def test_it_learns_to_let_a_bad_channel_fade_where_a_plain_mean_is_misled():
    net, generator = a_net(), torch.Generator().manual_seed(2)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.03)
    for _ in range(150):
        channels, labels = corrupted(128, generator)
        optimiser.zero_grad()
        functional.cross_entropy(net(*channels).clip, labels).backward()
        optimiser.step()
    channels, labels = corrupted(2000, generator)
    with torch.no_grad():
        fused = net(*channels)
        plain = (channels[0].log_softmax(dim=2) + channels[2].log_softmax(dim=2)).mean(dim=1)
    right, misled = ((logits.argmax(dim=1) == labels).float().mean() for logits in (fused.clip, plain))
    assert right > misled + 0.02
    losses = [functional.cross_entropy(logits, labels) for logits in (fused.clip, plain)]
    assert losses[0] < losses[1]
    good = channels[1].mean(dim=2) > 0
    assert fused.face[good].mean() > 2 * fused.face[~good].mean()


def test_a_blurred_or_small_face_has_worse_signs_and_a_dim_one_has_not():
    torch.manual_seed(0)
    coarse = functional.interpolate(torch.rand(1, 3, 16, 16), 64, mode="nearest")
    blurred = functional.avg_pool2d(functional.pad(coarse, (4, 4, 4, 4), mode="replicate"), 9, stride=1)
    faces, heights = torch.stack([coarse, blurred, coarse * 0.5 + 0.1], dim=1), torch.tensor([[128.0, 128.0, 128.0]])
    sharp, dull, dim = signs_of_faces(faces, heights)[0].tolist()
    assert sharp[0] == 1.0
    assert dull[1] < sharp[1] - 0.5
    assert dim[1] == pytest.approx(sharp[1], abs=0.05)
    assert signs_of_faces(faces, heights / 4)[0, 0, 0] == -1


def test_speech_over_quiet_noise_has_better_signs_than_noise_or_silence():
    torch.manual_seed(0)
    rate, seconds = 16_000, 4
    time = torch.arange(rate * seconds) / rate
    talking = (time % 2 > 1).float()
    voice = torch.sin(2 * torch.pi * 160 * time) * talking
    hiss = torch.randn(rate * seconds)
    sound = torch.stack([voice + 0.01 * hiss, voice + 0.5 * hiss, hiss, voice * 0])
    signs = signs_of_voice(sound, moments=4)
    assert signs.shape == (4, 4, 2)
    clean, noisy, noise, silence = signs
    assert clean[1, 0] > 0.9
    assert clean[0, 0] < 0.1
    assert clean[1, 1] > noisy[1, 1] + 1 > noise[1, 1]
    assert not silence.any()
    torch.testing.assert_close(signs_of_voice(sound[:1], moments=4), signs[:1])


def test_the_net_is_made_on_any_device_also_after_transformers_loaded_a_model_first():
    remembered = torch.utils._device._device_constructors
    remembered.cache_clear()
    try:
        with meta_device_safe_creation_ops(), torch.device("meta"):
            torch.empty(1)
        with torch.device("meta"):
            assert torch.linspace(0, 1, 3).device.type == "cpu", "torch mends this itself: `evenly` is needed no more"
            assert {weight.device.type for weight in DynamicFusion().parameters()} == {"meta"}
    finally:
        remembered.cache_clear()
