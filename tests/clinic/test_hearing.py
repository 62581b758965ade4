"""Hearing on real human speech from an installed package, and on sounds that are no speech."""

import importlib.util
import json
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from clinic.integrations import hearing
from clinic.integrations.hearing import ModelMissing, Sound, VoskHearing, hearing_for
from tests.bench.words import OPENING, error_rate, words_of

SECOND = hearing.SAMPLE_RATE


@pytest.fixture(scope="module")
def two_cities() -> np.ndarray:
    [place] = importlib.util.find_spec("moonshine_voice").submodule_search_locations
    with wave.open(str(Path(place) / "assets" / "two_cities.wav")) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
        rate = file.getframerate()
    if rate == SECOND:
        return sound
    at = np.arange(0, len(sound), rate / SECOND)
    smooth = np.convolve(sound, np.ones(rate // SECOND) / (rate // SECOND), mode="same")
    return np.interp(at, np.arange(len(sound)), smooth).astype(np.float32)


@pytest.fixture(scope="module")
def heard(two_cities):
    shares: list[float] = []
    return hearing_for("en").hear(two_cities, shares.append), shares


def test_human_speech_is_heard_with_few_errors(heard):
    opening = " ".join(words_of(heard[0].text)[: len(OPENING.split())])
    assert error_rate(opening, OPENING) <= 0.06


def test_the_error_rate_can_be_bad():
    assert error_rate("we had nothing", OPENING) > 0.9
    assert error_rate(OPENING, OPENING) == 0


def test_word_times_go_forward_and_stay_inside_the_recording(heard, two_cities):
    times = [time for word in heard[0].words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= len(two_cities) / SECOND


def test_words_lie_where_they_are_spoken(heard, two_cities):
    best = next(word for word in heard[0].words if "best" in word.word)
    assert 1.3 < best.start < 2.3  # heard by ear at 1.8 s
    spoken = np.abs(two_cities[int(best.start * SECOND) : int(best.end * SECOND)]).max()
    assert spoken > 5 * np.abs(two_cities[: SECOND // 4]).max()


def test_progress_grows_to_the_whole(heard):
    shares = heard[1]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) > 3  # by segment, not at the end only


def test_a_transcript_says_which_engine_and_model_wrote_it(heard):
    assert heard[0].engine.startswith("whisper-tiny.en")
    assert heard[0].model_sha256 == hearing.engine_for("en").model_sha256
    assert heard[0].language == "en"


def made_sounds() -> dict[str, np.ndarray]:
    draw, at = np.random.default_rng(7), np.arange(12 * SECOND) / SECOND
    noise = draw.standard_normal(len(at))
    clicks = np.zeros(len(at))
    clicks[draw.integers(0, len(at), 60)] = 0.9
    return {
        "silence": np.zeros(len(at)),
        "noise": 0.2 * noise,
        "hum": 0.05 * np.sin(2 * np.pi * 50 * at) + 0.01 * noise,
        "tone": 0.3 * np.sin(2 * np.pi * 220 * at),
        "clicks": clicks,
        "a blink": np.zeros(100),
        "nothing at all": np.zeros(0),
    }


@pytest.mark.parametrize("name", made_sounds())
def test_what_is_no_speech_gives_no_words(name):
    heard = hearing_for("en").hear(made_sounds()[name].astype(np.float32))
    assert heard.text == ""
    assert heard.words == ()


def test_silence_before_speech_moves_the_words_not_the_text(two_cities):
    sentence = two_cities[: 5 * SECOND]
    late = np.concatenate([np.zeros(8 * SECOND, np.float32), sentence])
    heard = hearing_for("en").hear(late)
    assert error_rate(heard.text, "it was the best of times it was the worst of times") <= 0.1
    assert heard.words[0].start > 8


def test_a_long_answer_is_heard_in_pieces_on_one_clock(two_cities, monkeypatch):
    monkeypatch.setattr(hearing, "pieces", lambda stretches: (piece for piece in stretches))
    parts = [two_cities[: 20 * SECOND], two_cities[20 * SECOND :]]
    heard = hearing_for("en").hear(Sound(len(two_cities) / SECOND, iter(parts)))
    opening = " ".join(words_of(heard.text)[: len(OPENING.split())])
    assert error_rate(opening, OPENING) <= 0.1
    times = [time for word in heard.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert times[-1] > 40


@pytest.mark.parametrize("step", [700 * SECOND, 7_777, SECOND], ids=["at once", "in scraps", "second by second"])
def test_a_long_sound_is_cut_into_bounded_pieces_where_it_is_quiet(step):
    sound = np.random.default_rng(1).uniform(-0.3, 0.3, 700 * SECOND).astype(np.float32)
    quiet_at = 290 * SECOND
    sound[quiet_at : quiet_at + SECOND] *= 0.01
    parts = list(hearing.pieces(sound[at : at + step] for at in range(0, len(sound), step)))
    assert max(map(len, parts)) <= hearing.PIECE_SECONDS * SECOND
    assert quiet_at <= len(parts[0]) <= quiet_at + SECOND
    assert np.array_equal(np.concatenate(parts), sound)


def test_a_sound_of_exactly_one_piece_is_one_piece():
    sound = np.ones(hearing.PIECE_SECONDS * SECOND, np.float32)
    assert [len(part) for part in hearing.pieces([sound, sound[:0]])] == [len(sound)]
    assert list(hearing.pieces([])) == []


def test_the_model_is_loaded_once_a_process():
    assert hearing_for("en") is hearing_for("en-GB")


def test_a_language_without_a_model_is_refused_in_a_sentence():
    with pytest.raises(ModelMissing, match="No speech model for the language “ar”"):
        hearing_for("ar")


def test_a_missing_model_package_is_refused_in_a_sentence(monkeypatch):
    monkeypatch.setattr(hearing, "WHISPER_PACKAGE", "no_such_package_here")
    with pytest.raises(ModelMissing, match="try again once the model is there"):
        hearing_for("en")


def test_vosk_is_chosen_where_its_model_lies_and_a_broken_model_is_named(settings, tmp_path):
    settings.VOSK_MODELS = tmp_path
    (tmp_path / "en" / "am").mkdir(parents=True)
    (tmp_path / "en" / "am" / "final.mdl").write_bytes(b"not a model")
    with pytest.raises(ModelMissing, match="holds no usable Vosk model"):
        hearing_for("en")


def test_a_setting_says_which_engine_is_asked_first(settings, tmp_path):
    settings.VOSK_MODELS = tmp_path
    for language in ("en", "ar"):
        (tmp_path / language / "am").mkdir(parents=True)
    chosen = {}
    for order in ("auto", "vosk", "whisper"):
        settings.HEARING_ENGINE = order
        chosen[order] = [hearing.engine_for(language).kind for language in ("en", "ar-EG")]
    assert chosen == {"auto": ["vosk", "vosk"], "vosk": ["vosk", "vosk"], "whisper": ["whisper", "vosk"]}
    settings.HEARING_ENGINE, settings.VOSK_MODELS = "vosk", tmp_path / "none"
    with pytest.raises(ModelMissing, match="“en”"):
        hearing_for("en")


def test_a_model_of_ones_own_hears_the_languages_it_was_trained_on(settings, tmp_path):
    settings.WHISPER_MODEL = tmp_path
    (tmp_path / "model.bin").write_bytes(b"weights")
    (tmp_path / "vocabulary.txt").write_text("word\n" * 51_864)
    assert hearing.engine_for("en").folder == tmp_path
    with pytest.raises(ModelMissing):
        hearing.engine_for("ar")
    (tmp_path / "vocabulary.txt").write_text("word\n" * 51_865)
    assert hearing.engine_for("ar").kind == "whisper"
    with pytest.raises(ModelMissing, match="cannot be loaded"):
        hearing_for("ar")


class ScriptedRecogniser:
    """Speaks Vosk's interface: JSON per utterance, then a last one."""

    def __init__(self, results: list[dict]):
        self.results, self.heard_bytes, self.wants_words = results, 0, False

    def SetWords(self, wanted: bool) -> None:
        self.wants_words = wanted

    def AcceptWaveform(self, pcm: bytes) -> bool:
        self.heard_bytes += len(pcm)
        return len(self.results) > 1 and self.heard_bytes > SECOND

    def Result(self) -> str:
        return json.dumps(self.results.pop(0))

    FinalResult = Result


def test_vosk_words_come_with_times_and_confidence(two_cities, tmp_path):
    recogniser = ScriptedRecogniser(
        [
            {"text": "it was", "result": [vosk_word("it", 0.8, 1.4, 0.6), vosk_word("was", 1.35, 1.6, 1)]},
            {"text": "[noise]", "result": [vosk_word("[noise]", 1.7, 2.0, 1), vosk_word("<unk>", 2.0, 2.1, 1)]},
            {"text": "times", "result": [vosk_word("times", 2.3, 2.9, 0.9)]},
        ]
    )
    heard = VoskHearing(tmp_path, "en", lambda: recogniser).hear(two_cities[: 4 * SECOND])
    assert heard.text == "it was times"
    assert [(word.start, word.end) for word in heard.words] == [(0.8, 1.4), (1.4, 1.6), (2.3, 2.9)]
    assert [word.confidence for word in heard.words] == [0.6, 1.0, 0.9]
    assert recogniser.wants_words
    assert recogniser.heard_bytes == 4 * SECOND * 2


def vosk_word(word: str, start: float, end: float, conf: float) -> dict:
    return {"word": word, "start": start, "end": end, "conf": conf}


def test_vosk_is_not_asked_about_silence(tmp_path):
    def nobody():
        raise AssertionError("Vosk was asked")

    assert VoskHearing(tmp_path, "en", nobody).hear(np.zeros(5 * SECOND, np.float32)).text == ""


def test_naming_the_engine_loads_nothing_heavy():
    code = (
        "import sys, os; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'\n"
        "import clinic.integrations.hearing, clinic.integrations.speaking, clinic.integrations.language\n"
        "heavy = {'numpy', 'faster_whisper', 'ctranslate2', 'onnxruntime', 'vosk', 'torch', 'gtts', 'py_nanotts'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    root = Path(__file__).parent.parent.parent
    ended = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
