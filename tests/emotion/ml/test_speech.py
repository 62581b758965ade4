"""When somebody speaks, how high, and how that compares with the speaker's usual."""

import numpy as np
import pytest

from emotion.ml.media import SAMPLE_RATE, Sound, sound
from emotion.ml.readings import Gap
from emotion.ml.speech import Moment
from tests.emotion.ml.recordings import speech


@pytest.fixture(scope="module")
def cities() -> np.ndarray:
    return sound(speech("two_cities.wav"))[: 16 * SAMPLE_RATE]


@pytest.fixture
def hear(recogniser):
    def hear(samples: np.ndarray, step: int = 7_777, skipped: range = range(0)) -> list[Moment]:
        """What is heard when the samples come `step` at a time, but for those `skipped`."""
        listener = recogniser.listener()
        for start in range(0, len(samples), step):
            if start not in skipped:
                listener.take(Sound(start, samples[start : start + step].astype(np.float32)))
        return listener.moments(int(np.ceil(len(samples) / SAMPLE_RATE * 5)), 5.0)

    return hear


def gaps(moments: list[Moment]) -> set[Gap | None]:
    return {moment.gap for moment in moments}


def known(values) -> np.ndarray:
    return np.array([value for value in values if value is not None])


def higher(samples: np.ndarray, semitones: float) -> np.ndarray:
    """The same voice, higher, as a tape that runs faster."""
    times = np.arange(0, len(samples), 2 ** (semitones / 12))
    return np.interp(times, np.arange(len(samples)), samples).astype(np.float32)


def test_real_speech_is_heard_with_its_pauses(hear, cities):
    moments = hear(cities)
    speaking = np.mean([moment.gap is None for moment in moments])
    assert 0.5 < speaking < 0.95
    assert gaps(moments) == {None, Gap.SILENCE}


def test_a_mans_reading_voice_lies_where_such_voices_lie(hear, cities):
    pitch = known(moment.pitch for moment in hear(cities))
    assert len(pitch) > 30
    assert 90 < 55 * 2 ** (np.median(pitch) / 12) < 150


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(3 * SAMPLE_RATE),
        np.random.default_rng(0).normal(0, 0.1, 3 * SAMPLE_RATE).clip(-0.9, 0.9),
        0.3 * np.sin(2 * np.pi * 220 * np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE),
    ],
    ids=["nothing", "noise", "a tone"],
)
def test_what_is_not_speech_is_silence(hear, samples):
    moments = hear(samples)
    assert gaps(moments) == {Gap.SILENCE}
    assert not any(moment.pitch or moment.arousal for moment in moments)


def test_an_overdriven_microphone_says_so(hear, cities):
    moments = hear((cities * 60).clip(-1, 1))
    assert np.mean([moment.gap == Gap.CLIPPED for moment in moments]) > 0.5
    assert all(moment.pitch is None for moment in moments if moment.gap == Gap.CLIPPED)


def test_a_hole_in_the_sound_is_no_sound_and_not_silence(hear, cities):
    moments = hear(cities, step=SAMPLE_RATE, skipped=range(4 * SAMPLE_RATE, 7 * SAMPLE_RATE))
    assert gaps(moments[21:34]) == {Gap.NO_SOUND}
    assert Gap.NO_SOUND not in gaps(moments[:19]) | gaps(moments[36:])


def test_the_size_of_the_stretches_changes_nothing(hear, cities):
    # 16 s is longer than the blocks that the nets are run on.
    for one, other in zip(hear(cities, step=123), hear(cities, step=len(cities)), strict=True):
        assert one.gap == other.gap
        assert one.speech == pytest.approx(other.speech, abs=1e-4)
        assert (one.pitch is None) == (other.pitch is None)
        assert one.pitch is None or one.pitch == pytest.approx(other.pitch, abs=0.05)


def test_a_voice_raised_by_seven_semitones_is_aroused(hear, cities):
    usual = cities[: 8 * SAMPLE_RATE]
    raised = higher(usual, 7.0)
    moments = hear(np.concatenate([usual, raised]))
    middle = len(usual) * 5 // SAMPLE_RATE
    before = known(moment.arousal for moment in moments[: middle - 3])
    after = known(moment.arousal for moment in moments[middle + 3 :])
    assert len(before) > 10
    assert len(after) > 10
    assert after.mean() - before.mean() > 1.0


def test_arousal_is_relative_to_the_speaker_and_not_to_others(hear, cities):
    low, high = (known(moment.arousal for moment in hear(voice)) for voice in (cities, higher(cities, 7.0)))
    assert abs(low.mean()) < 0.25
    assert abs(high.mean()) < 0.25


def test_too_little_voice_has_no_usual_to_compare_with(hear, cities):
    moments = hear(cities[: int(2.2 * SAMPLE_RATE)])
    assert any(moment.speech > 0.5 for moment in moments)
    assert all(moment.arousal is None for moment in moments)


def test_little_sound_is_held(recogniser, cities):
    listener, most = recogniser.listener(), 0
    for start in range(0, len(cities), 1_600):
        listener.take(Sound(start, cities[start : start + 1_600]))
        most = max(most, len(listener._activity.waiting), len(listener._pitch.waiting))
    assert most < 12 * SAMPLE_RATE
