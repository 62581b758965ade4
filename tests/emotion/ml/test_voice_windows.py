"""Which windows of a recording the voice net is shown, and what it says at which moment."""

import numpy as np
import pytest

from emotion.ml.voice_windows import ReadWindow, VoiceWindows, WindowConfig, around

RATE, STEP = 1000, 100  # samples a second; samples of one judgement of speech
CONFIG = WindowConfig(seconds=3.0, every=1.0, shortest=2.0, at_once=2)


class CountingNet:
    """Its feature of a window is the sound's first sample, which the tests set to the time in seconds."""

    def __init__(self):
        self.batches = []

    def hear(self, windows):
        self.batches.append(windows.shape)
        return windows[:, :1]

    def tell(self, features):
        return np.repeat(features, 8, axis=1)


def clocked(seconds: float) -> np.ndarray:
    """Sound whose every sample is its own time in seconds."""
    return (np.arange(int(seconds * RATE)) / RATE).astype(np.float32)


def speech(seconds: float, silent: tuple[float, float] = (0, 0)) -> list[np.ndarray]:
    at = np.arange(int(seconds * RATE / STEP)) * STEP / RATE
    return [np.where((at >= silent[0]) & (at < silent[1]), 0.1, 0.9).astype(np.float32)]


def read(seconds: float, silent=(0, 0), piece: int = 700) -> tuple[list[ReadWindow], CountingNet]:
    net, sound, judged = CountingNet(), clocked(seconds), speech(seconds, silent)
    windows = VoiceWindows(net, CONFIG, RATE, STEP, 0.5)
    for start in range(0, len(sound), piece):
        windows.take(sound[start : start + piece], judged if start > len(sound) / 2 else [])
    return windows.rest(judged), net


def test_windows_follow_each_other_and_hold_the_sound_of_their_seconds():
    windows, _ = read(8)
    assert [(window.start, window.end) for window in windows] == [(s, s + 3) for s in range(6)]
    assert [window.probabilities[0] for window in windows] == pytest.approx([0, 1, 2, 3, 4, 5], abs=1e-3)


@pytest.mark.parametrize("piece", [1, 333, 5000])
def test_it_does_not_matter_in_which_pieces_the_sound_comes(piece):
    assert read(7.3, piece=piece)[0] == read(7.3)[0]


def test_the_end_of_the_recording_has_a_window_of_its_own():
    windows, _ = read(8.6)
    assert windows[-1].end == pytest.approx(8.6)
    assert windows[-1].probabilities[0] == pytest.approx(5.6, abs=1e-3)


def test_a_window_with_too_little_speech_is_not_read():
    windows, _ = read(12, silent=(4, 9))
    starts = [window.start for window in windows]
    assert starts == [0, 1, 2, 8, 9]  # at most half of the window is silent


def test_a_short_recording_is_one_window_and_a_shorter_one_none():
    assert [(window.start, window.end) for window in read(2.5)[0]] == [(0, 2.5)]
    assert read(1.9)[0] == []


def test_silence_is_never_shown_to_the_net():
    windows, net = read(10, silent=(0, 10))
    assert (windows, net.batches) == ([], [])


def test_sound_is_let_go_once_it_was_heard():
    windows, judged = VoiceWindows(CountingNet(), CONFIG, RATE, STEP, 0.5), []
    for second in range(60):
        judged += speech(1)
        windows.take(np.full(RATE, second, np.float32), judged)
    assert windows._sound.nbytes <= 5 * RATE * 4


def test_a_moment_is_told_by_the_window_around_it():
    windows = [ReadWindow(start, start + 3, (float(start),)) for start in (0, 1, 2, 8)]
    assert around(windows, 0.2) == windows[0]
    assert around(windows, 2.6) == windows[1]
    assert around(windows, 4.9) == windows[2]
    assert around(windows, 5.5) is None
    assert around(windows, 10.9) == windows[3]
