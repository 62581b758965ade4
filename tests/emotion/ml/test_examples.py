from dataclasses import fields

import pytest
import torch

from emotion.ml.training.examples import ahead, resample
from tests.emotion.ml.training_runs import collating, four, tiny


@pytest.mark.parametrize("source", [16_000, 44_100])
def test_resampling_keeps_the_pitch(source):
    tone = torch.sin(2 * torch.pi * 440 * torch.arange(source) / source)
    spectrum = torch.fft.rfft(resample(tone, source, 22_050)).abs()
    assert int(spectrum.argmax()) == 440


def test_what_is_read_ahead_comes_in_order_and_no_further_than_asked():
    read = []

    def items():
        for number in range(10):
            read.append(number)
            yield number

    found = ahead(items(), count=2)
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    found.close()
    assert max(read) <= 6
    assert list(ahead(iter(range(5)))) == [0, 1, 2, 3, 4]


def test_what_goes_wrong_in_reading_ahead_is_raised_where_it_is_asked_for():
    def broken():
        yield 1
        raise OSError("the disk is gone")

    found = ahead(broken())
    assert next(found) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(found)


def test_a_batch_has_what_the_net_asks_for_and_nothing_else():
    asked = {
        "temporal": {"labels", "faces", "has_face", "heights"},
        "voice-small": {"labels", "cepstrum"},
        "enhanced": {"labels", "faces", "has_face", "heights", "sound", "lengths"},
        "mmer": {"labels", "sound", "lengths"},
    }
    for net, wanted in asked.items():
        batch = collating(tiny(net))(four())
        assert {part.name for part in fields(batch) if torch.is_tensor(getattr(batch, part.name))} == wanted
        assert bool(batch.texts) == (net == "mmer")


def test_the_cepstrum_of_a_clip_is_kept_and_that_of_a_changed_copy_is_its_own():
    collate, clip = collating(tiny("voice-small")), four()[0]
    assert collate.cepstrum(clip) is collate.cepstrum(clip)
    silent = clip._replace(name="", sound=torch.zeros_like(clip.sound))
    assert not torch.equal(collate.cepstrum(silent), collate.cepstrum(clip))
