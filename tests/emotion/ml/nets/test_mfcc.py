import pytest
import torch

from emotion.ml.nets.mfcc import Cepstrum, window_of

# librosa 0.11.0's `feature.mfcc(y=a_tune(), sr=22050, n_mfcc=10)` at four steps.
LIBROSA = {
    0: [-231.4403, 170.9514, -25.0845, -9.4605, 16.6672, 52.0575, 58.7132, 41.0639, 12.0551, -6.8188],
    7: [-482.3883, 90.794, 54.1102, 27.874, 29.748, 48.9591, 57.0896, 35.3711, -7.2578, -42.1751],
    20: [-459.6674, 109.0371, 39.0069, -20.5913, -33.8526, -4.585, 32.9183, 47.1189, 34.72, 16.5791],
    39: [-116.2473, 109.2938, -4.0798, -3.2121, 14.6851, 36.8514, 32.9884, 9.1441, -14.0929, -18.3328],
}


def a_tune():
    n = torch.arange(20_000, dtype=torch.float64)
    slow, fast = 0.3 * torch.sin(n * 0.05), 0.2 * torch.sin(n * 0.31 + torch.sin(n * 0.001) * 4)
    return (slow + fast + 0.05 * torch.sin(n * n * 1e-5)).float()


def test_the_coefficients_are_librosas():
    found = Cepstrum()(a_tune()[None])[0]
    assert found.shape == (10, 40)
    for step, wanted in LIBROSA.items():
        torch.testing.assert_close(found[:, step], torch.tensor(wanted), rtol=1e-4, atol=2e-3)


def test_the_published_clip_of_3_6_seconds_has_156_steps():
    assert Cepstrum()(window_of(torch.randn(1, 100_000))).shape == (1, 10, 156)


def test_a_quiet_clip_beside_a_loud_one_keeps_its_own_floor():
    hear, tune = Cepstrum(), a_tune()
    together = hear(torch.stack([tune * 0.001, tune]))
    torch.testing.assert_close(together[:1], hear(tune[None] * 0.001))
    assert not torch.allclose(together[0], together[1], atol=1)


@pytest.mark.parametrize("samples", [0, 1000, 79_380, 79_381, 200_000])
def test_a_window_is_the_middle_of_a_longer_clip_and_a_shorter_one_with_zeros_after(samples):
    sound = torch.arange(1.0, samples + 1)[None]
    window = window_of(sound)
    assert window.shape == (1, 79_380)
    if samples < 79_380:
        assert torch.equal(window[:, :samples], sound)
        assert not window[:, samples:].any()
    else:
        assert window[0, 0] - 1 in ((samples - 79_380) // 2, (samples - 79_380 + 1) // 2)
