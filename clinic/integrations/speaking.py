"""Speaking: a question's text → sound, kept by (text, language, voice, engine) so that no text is spoken twice.

The offline voice is the default. gTTS sends the text to its maker's service, so it is asked only where
SPEAK_ONLINE says so, and only for questions: never for anything a patient said.
"""

from __future__ import annotations

import hashlib
import io
import os
import queue
import subprocess
import sys
import threading
import unicodedata
import wave
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.utils.translation import gettext as _

FOLDER = "questions"  # under MEDIA_ROOT
SAMPLE_RATE = 16_000  # Hz, what Pico makes
PACE = 0.9  # a little slower than the voice's own: questions are listened to once, by somebody who may be tired
MOST_CHARACTERS = 2_000
MOST_LETTERS = 60  # a longer "word" keeps Pico busy for minutes
ONLINE_SECONDS = 3.0  # gTTS blocks for ever on a silent peer
PATIENCE = 3  # failures after which a voice is left alone for the rest of a set: each may cost ONLINE_SECONDS
ESPEAK_SECONDS = 30.0
ESPEAK = Path(__file__).with_name("espeak.py")


class SpeakingError(Exception):
    """The text may be shown to a person."""


class VoiceMissing(SpeakingError):
    """No installed voice speaks this language: the question is shown, and not spoken."""


@dataclass(frozen=True)
class Spoken:
    audio: bytes
    mime: str
    voice: str  # which voice it is, in the end
    name: str  # the file's name under MEDIA_ROOT
    note: str = ""  # why another voice than the wanted one spoke


class Speaking(Protocol):
    def speak(self, text: str, again: bool = False) -> Spoken:
        """again: made anew even where it is kept. Raises SpeakingError."""
        ...


class Voice(Protocol):
    name: str  # never changes its sound under the same name and engine
    engine: str  # the program that speaks, with its version
    language: str
    mime: str
    suffix: str

    def say(self, text: str) -> bytes:
        """A whole sound file. Raises SpeakingError."""
        ...


def voice_for(language: str) -> Speaking:
    """The voices of a language, the best first. Raises VoiceMissing, with a sentence that says what would help.

    What it speaks may leave this machine: questions only, never a patient's words.
    """
    voices = voices_for(language)
    if not voices:
        raise VoiceMissing(
            _("No voice for the language “%(language)s” is installed; its questions are shown as text only.")
            % {"language": language}
        )
    return KeepingVoice(voices)


def wanted_voice(language: str) -> str:
    """The name of the voice that should speak this language here; empty where none does."""
    return next((voice.name for voice in voices_for(language)), "")


def voice_title(name: str) -> str:
    """What people call a voice: its maker's name for it."""
    return {"gtts": "Google (gTTS)", "pico": "SVOX Pico", "espeak-ng": "eSpeak NG"}.get(name.split(" ")[0], name)


def voices_for(language: str) -> list[Voice]:
    spoken = language.split("-")[0].split("_")[0].lower()
    return [*([GttsVoice(spoken)] if settings.SPEAK_ONLINE else []), *offline_voices(spoken)]


def offline_voices(language: str) -> list[Voice]:
    """The best one first; empty where none speaks the language."""
    if language == "en":
        return [PicoVoice()]
    place = espeak_place()
    # Each language that espeak-ng speaks has its dictionary.
    return [EspeakVoice(place, language)] if place and (place / f"espeak-ng-data/{language}_dict").is_file() else []


def espeak_place() -> Path | None:
    """Where the installed package keeps espeak-ng's library and data. The package itself is not imported."""
    spec = find_spec("espeakng_loader")
    places = [Path(place) for place in (spec.submodule_search_locations if spec else None) or ()]
    return next((place for place in places if _library(place) and (place / "espeak-ng-data").is_dir()), None)


class KeepingVoice:
    """The first of several voices that answers, and a file for each thing it ever said."""

    def __init__(self, voices: list[Voice]):
        self._voices = voices
        self._failures: Counter[str] = Counter()

    def speak(self, text: str, again: bool = False) -> Spoken:
        text = speakable(text)
        trouble: list[str] = []
        for voice in self._voices:
            name = file_name(text, voice)
            path = Path(settings.MEDIA_ROOT) / name
            kept = path.read_bytes() if path.is_file() else None
            try:
                audio = kept if kept and not again else _keep(self._say(voice, text), path)
            except SpeakingError as error:
                trouble.append(str(error))
                if kept is None:
                    continue
                audio = kept  # the wanted voice, spoken earlier, is better than another one now
            return Spoken(audio, voice.mime, voice.name, name, " ".join(trouble))
        raise SpeakingError(" ".join(trouble))

    def _say(self, voice: Voice, text: str) -> bytes:
        if self._failures[voice.name] >= PATIENCE:
            raise SpeakingError(
                _("%(voice)s failed %(count)d times in a row and was not asked again.")
                % {"voice": voice.name, "count": PATIENCE}
            )
        try:
            audio = voice.say(text)
        except SpeakingError:
            self._failures[voice.name] += 1
            raise
        self._failures[voice.name] = 0
        return audio


class PicoVoice:
    """SVOX Pico from the py-nanotts package: English, offline, some 20 ms a question."""

    name = f"pico en-GB x{PACE}"
    language = "en"
    mime, suffix = "audio/wav", ".wav"

    def __init__(self) -> None:
        self.engine = version_of("py-nanotts")

    def say(self, text: str) -> bytes:
        from py_nanotts import NanoTTS

        # Pico reads <…> as commands to itself.
        pcm = NanoTTS().speak(text.replace("<", " ").replace(">", " "), voice="en-GB", speed=PACE)
        if not pcm:
            raise SpeakingError(_("The offline voice found nothing in this question that it can say."))
        return wav(pcm, SAMPLE_RATE)


class EspeakVoice:
    """espeak-ng from the espeakng-loader package: many languages, Arabic among them; some 100 ms a question."""

    mime, suffix = "audio/wav", ".wav"

    def __init__(self, place: Path, language: str):
        self._place, self.language = place, language
        self.name, self.engine = f"espeak-ng {language}", version_of("espeakng-loader")

    def say(self, text: str) -> bytes:
        data = self._place / "espeak-ng-data"
        program = [sys.executable, "-I", "-S", str(ESPEAK)]
        command = [*program, str(_library(self._place)), str(data), self.language]
        try:
            ended = subprocess.run(command, input=text.encode(), capture_output=True, timeout=ESPEAK_SECONDS)
        except (subprocess.SubprocessError, OSError) as error:
            raise SpeakingError(
                _("The offline voice did not answer (%(name)s).") % {"name": type(error).__name__}
            ) from error
        rate, _line, samples = ended.stdout.partition(b"\n")
        if ended.returncode or not samples:
            reason = ended.stderr.decode(errors="replace").strip().rpartition("\n")[2] or ended.returncode
            raise SpeakingError(_("The offline voice could not say this question: %(reason)s.") % {"reason": reason})
        return wav(samples, int(rate))


class GttsVoice:
    """gTTS: a better voice, from a service on the internet."""

    mime, suffix = "audio/mpeg", ".mp3"

    def __init__(self, language: str):
        self.language, self.name = language, f"gtts {language}"
        self.engine = version_of("gTTS")

    def say(self, text: str) -> bytes:
        return _within(ONLINE_SECONDS, lambda: self._fetch(text))

    def _fetch(self, text: str) -> bytes:
        from gtts import gTTS, gTTSError

        audio = io.BytesIO()  # in memory first: gTTS leaves an empty file behind when its service fails
        try:
            gTTS(text, lang=self.language, timeout=ONLINE_SECONDS, lang_check=False).write_to_fp(audio)
        except (gTTSError, ValueError, AssertionError, OSError) as error:
            raise SpeakingError(_("gTTS did not answer: %(reason)s.") % {"reason": error}) from error
        if not audio.getvalue():
            raise SpeakingError(_("gTTS answered without any sound."))
        return audio.getvalue()


def speakable(text: str) -> str:
    """One line without control characters, no endless words. Raises SpeakingError on what cannot be said."""
    clean = "".join(" " if unicodedata.category(letter) in ("Cc", "Cf") else letter for letter in text)
    words = [word[at : at + MOST_LETTERS] for word in clean.split() for at in range(0, max(len(word), 1), MOST_LETTERS)]
    line = " ".join(words)
    if not any(letter.isalnum() for letter in line):
        raise SpeakingError(_("There is nothing to say in an empty question."))
    if len(line) > MOST_CHARACTERS:
        raise SpeakingError(
            _("A question of more than %(most)d characters is too long to be spoken.") % {"most": MOST_CHARACTERS}
        )
    return line


def file_name(text: str, voice: Voice) -> str:
    digest = hashlib.sha256("\0".join((text, voice.language, voice.name, voice.engine)).encode()).hexdigest()
    return f"{FOLDER}/{digest[:32]}{voice.suffix}"


def wav(pcm: bytes, rate: int) -> bytes:
    """16-bit mono samples as a WAV file."""
    whole = io.BytesIO()
    with wave.open(whole, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm)
    return whole.getvalue()


def _keep(audio: bytes, path: Path) -> bytes:
    """Written beside and moved into place, so that a crash leaves no half file under this name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
    beside.write_bytes(audio)
    beside.replace(path)
    return audio


def _within(seconds: float, work: Callable[[], bytes]) -> bytes:
    """Whatever the work gives or raises, or a SpeakingError when the time is over.

    gTTS's own timeout is for each read: a service that sends a byte now and then would hold us for ever.
    """
    ended: queue.Queue[bytes | BaseException] = queue.Queue()

    def run() -> None:
        try:
            ended.put(work())
        except BaseException as error:
            ended.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        result = ended.get(timeout=seconds)
    except queue.Empty:
        raise SpeakingError(_("gTTS did not answer within %(seconds)g seconds.") % {"seconds": seconds}) from None
    if isinstance(result, BaseException):
        raise result
    return result


@lru_cache
def version_of(package: str) -> str:
    """The package with its version: another one may sound otherwise."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return package


def _library(place: Path) -> Path | None:
    names = ("libespeak-ng.so", "libespeak-ng.dylib", "espeak-ng.dll")
    return next((place / name for name in names if (place / name).is_file()), None)
