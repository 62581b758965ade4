import pytest
import torch

from emotion.ml.training.modality_dropout import drop_modalities, missing


def a_batch():
    """Every clip's faces hold its number, every clip's voice a hundred times that."""
    number = torch.arange(1.0, 5.0)
    return number.view(4, 1, 1).expand(4, 2, 3).clone(), 100 * number.view(4, 1).expand(4, 6).clone()


def test_without_dropout_the_batch_is_itself():
    faces, voice = a_batch()
    found = drop_modalities(faces, voice, "none")
    assert torch.equal(found.faces, faces)
    assert torch.equal(found.voice, voice)
    assert found.source.tolist() == [0, 1, 2, 3]


def test_softhard_makes_of_each_clip_a_whole_one_a_blend_and_one_without_either_channel():
    faces, voice = a_batch()
    found = drop_modalities(faces, voice, "softhard", torch.Generator().manual_seed(1))
    assert len(found.source) == 16
    for clip in range(4):
        mine = found.source == clip
        shares = sorted(
            (round((f[0, 0] / (clip + 1)).item(), 4), round((v[0] / (100 * (clip + 1))).item(), 4))
            for f, v in zip(found.faces[mine], found.voice[mine], strict=True)
        )
        assert {(0.0, 1.0), (1.0, 0.0), (1.0, 1.0)} <= set(shares)
        (blend,) = set(shares) - {(0.0, 1.0), (1.0, 0.0), (1.0, 1.0)} or {(1.0, 0.0)}
        assert sum(blend) == pytest.approx(1, abs=1e-3)
        assert round(blend[1] * 100, 2) == round(blend[1] * 100)


def test_noise_makes_three_and_each_missing_channel_is_normal_noise():
    torch.manual_seed(0)
    faces, voice = torch.full((50, 2, 3, 8, 8), 7.0), torch.full((50, 10, 30), 9.0)
    found = drop_modalities(faces, voice, "noise", torch.Generator().manual_seed(1))
    noisy_faces, noisy_voice = (found.faces != 7).flatten(1).any(dim=1), (found.voice != 9).flatten(1).any(dim=1)
    assert (noisy_faces.sum(), noisy_voice.sum(), len(found.source)) == (50, 50, 150)
    assert not (noisy_faces & noisy_voice).any()
    for noise in (found.faces[noisy_faces], found.voice[noisy_voice]):
        assert abs(noise.mean()) < 0.02
        assert abs(noise.std() - 1) < 0.02


@pytest.mark.parametrize("kind", ["softhard", "noise"])
def test_the_copies_are_shuffled_and_the_same_seed_gives_the_same_ones(kind):
    faces, voice = torch.randn(8, 2, 3), torch.randn(8, 6)
    first, again, other = (
        drop_modalities(faces, voice, kind, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first.source, other.source)
    assert first.source.tolist() != sorted(first.source.tolist())


def test_a_missing_channel_at_a_test_is_what_it_was_in_training():
    channel = torch.full((4, 5), 3.0)
    assert not missing(channel, "softhard").any()
    assert missing(channel, "noise", torch.Generator().manual_seed(0)).std() > 0.5
