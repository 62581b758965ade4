"""What may happen to a voice on its way, and that a clip's features are the same each time they are asked for."""

import wave

import numpy as np
import pytest
import torch

from emotion.ml.datasets.clips import Clip
from emotion.ml.datasets.sound_transforms import at_level, faster, in_room, through_opus, with_noise
from emotion.ml.errors import NoSound
from emotion.ml.nets.whisper_encoder import WhisperEncoder, WhisperEncoderConfig
from emotion.ml.training.voice_examples import CLEAN, CONDITIONS, VARIED, hear
from emotion.ml.voice_features import VoiceFeatures, VoiceFeaturesConfig

RATE = 16_000


def tone(seconds: float = 2.0, pitch: float = 200.0) -> np.ndarray:
    at = np.arange(int(seconds * RATE)) / RATE
    return (0.1 * np.sin(2 * np.pi * pitch * at)).astype(np.float32)


def loudness(sound: np.ndarray) -> float:
    return 20 * np.log10(np.sqrt(np.mean(sound**2)))


def strongest(sound: np.ndarray) -> float:
    return np.abs(np.fft.rfft(sound)).argmax() * RATE / len(sound)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_level_is_reached_and_silence_stays_silent():
    assert loudness(at_level(tone(), -26)) == pytest.approx(-26, abs=0.01)
    assert not at_level(np.zeros(100, np.float32), -26).any()


def test_faster_is_shorter_and_higher():
    quick = faster(tone(), 1.25)
    assert len(quick) == pytest.approx(2.0 * RATE / 1.25, abs=1)
    assert strongest(quick) == pytest.approx(250, abs=1)
    assert loudness(quick) == pytest.approx(loudness(tone()), abs=0.1)


@pytest.mark.parametrize("decibels", [20, 0])
def test_noise_is_as_loud_as_asked_for(rng, decibels):
    noise = with_noise(tone(), decibels, rng) - tone()
    assert loudness(tone()) - loudness(noise) == pytest.approx(decibels, abs=0.1)


def test_a_room_adds_an_echo_after_the_sound_and_nothing_before_it(rng):
    click = np.zeros(RATE, np.float32)
    click[4000] = 1.0
    heard = in_room(click, 0.3, rng, distance=0.5)
    assert np.abs(heard[:4000]).max() < 1e-6
    assert np.sum(heard[4001:] ** 2) == pytest.approx(0.5, rel=0.05)


def test_opus_keeps_length_and_place():
    coded = through_opus(tone())
    assert coded.shape == tone().shape
    assert np.corrcoef(coded[RATE // 2 : RATE], tone()[RATE // 2 : RATE])[0, 1] > 0.95


# Features of a corpus


@pytest.fixture
def clip(tmp_path) -> Clip:
    path = tmp_path / "03-01-01-01-01-01-01.wav"
    sound = np.concatenate([np.zeros(RATE // 2, np.float32), tone(2.5) * np.linspace(0.2, 1, 40_000, dtype=np.float32)])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((sound * 32_767).astype(np.int16).tobytes())
    return Clip("RAVDESS", "01", "neutral", "01", "01", "01", sound=path)


@pytest.fixture
def features():
    torch.manual_seed(0)
    encoder = WhisperEncoder(WhisperEncoderConfig(width=16, heads=2, layers=1, longest=400)).eval()
    return VoiceFeatures(encoder, VoiceFeaturesConfig(layers=(1,)))


@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_condition_can_be_heard(condition, clip, features, tmp_path):
    heard = hear([clip], condition, features, tmp_path / "cache")
    assert len(heard.features) == len(heard.clips) >= 1
    assert np.isfinite(heard.features).all()


def test_a_varied_clip_is_the_same_each_time_and_another_in_each_copy(clip, features, tmp_path):
    first = hear([clip], VARIED[0], features, tmp_path / "a").features
    assert np.array_equal(first, hear([clip], VARIED[0], features, tmp_path / "b").features)
    assert not np.array_equal(first, hear([clip], VARIED[1], features, tmp_path / "a").features)


def test_what_was_heard_is_not_heard_again(clip, features, tmp_path):
    hear([clip], CLEAN, features, tmp_path)
    clip.sound.unlink()
    assert len(hear([clip], CLEAN, features, tmp_path).features) == 1


def test_windows_are_cut_where_somebody_speaks(clip, features, tmp_path):
    heard = hear([clip], "1 s windows", features, tmp_path)
    assert len(heard.features) == 5  # every half second from 0 to 2 s, the first of them half silent


def test_a_clip_without_sound_is_refused(features, tmp_path):
    mute = Clip("RAVDESS", "02", "neutral", "01", "01", "02")
    with pytest.raises(NoSound):
        hear([mute], CLEAN, features, tmp_path)
