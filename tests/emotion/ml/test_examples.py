import pytest
import torch

from emotion.ml.training.examples import resample


@pytest.mark.parametrize("source", [16_000, 44_100])
def test_resampling_keeps_the_pitch(source):
    tone = torch.sin(2 * torch.pi * 440 * torch.arange(source) / source)
    spectrum = torch.fft.rfft(resample(tone, source, 22_050)).abs()
    assert int(spectrum.argmax()) == 440
