"""Speaking: a question's text → sound, kept by (text, language, voice) so that no text is spoken twice.

The offline voice is the default. gTTS sends the text to its maker's service, so it is asked only where
SPEAK_ONLINE says so, and only for questions: never for anything a patient said.
"""

from __future__ import annotations

import hashlib
import io
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import unicodedata
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from django.conf import settings

FOLDER = "questions"  # under MEDIA_ROOT
SAMPLE_RATE = 16_000  # Hz, what Pico makes
PACE = 0.9  # a little slower than the voice's own: questions are listened to once, by somebody who may be tired
MOST_CHARACTERS = 2_000
MOST_LETTERS = 60  # a longer "word" keeps Pico busy for minutes
ONLINE_SECONDS = 3.0  # gTTS blocks for ever on a silent peer
ESPEAK_SECONDS = 30.0


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
    def speak(self, text: str) -> Spoken:
        """Raises SpeakingError."""
        ...


class Voice(Protocol):
    name: str
    language: str
    mime: str
    suffix: str

    def say(self, text: str) -> bytes:
        """A whole sound file. Raises SpeakingError."""
        ...


def voice_for(language: str) -> Speaking:
    """Raises VoiceMissing, with a sentence that says what would help."""
    spoken = language.split("-")[0].split("_")[0].lower()
    voices: list[Voice] = [GttsVoice(spoken)] if settings.SPEAK_ONLINE else []
    voices += offline_voices(spoken)
    if not voices:
        raise VoiceMissing(
            f"No voice for the language “{language}” is installed; its questions are shown as text only. "
            "Install espeak-ng to have them spoken."
        )
    return KeepingVoice(voices)


def offline_voices(language: str) -> list[Voice]:
    """The best one first; empty where none speaks the language."""
    if language == "en":
        return [PicoVoice()]
    binary = shutil.which("espeak-ng")
    return [EspeakVoice(binary, language)] if binary and _espeak_knows(binary, language) else []


class KeepingVoice:
    """The first of several voices that answers, and a file for each thing it ever said."""

    def __init__(self, voices: list[Voice]):
        self._voices = voices

    def speak(self, text: str) -> Spoken:
        text = speakable(text)
        trouble: list[str] = []
        for voice in self._voices:
            name = file_name(text, voice)
            path = Path(settings.MEDIA_ROOT) / name
            try:
                audio = path.read_bytes() if path.is_file() else _keep(voice.say(text), path)
            except SpeakingError as error:
                trouble.append(str(error))
                continue
            return Spoken(audio, voice.mime, voice.name, name, " ".join(trouble))
        raise SpeakingError(" ".join(trouble))


class PicoVoice:
    """SVOX Pico from the py-nanotts package: English, offline, some 20 ms a question."""

    name = f"pico en-GB x{PACE}"
    language = "en"
    mime, suffix = "audio/wav", ".wav"

    def say(self, text: str) -> bytes:
        from py_nanotts import NanoTTS

        # Pico reads <…> as commands to itself.
        pcm = NanoTTS().speak(text.replace("<", " ").replace(">", " "), voice="en-GB", speed=PACE)
        if not pcm:
            raise SpeakingError("The offline voice found nothing in this question that it can say.")
        return wav(pcm, SAMPLE_RATE)


class EspeakVoice:
    """The espeak-ng program, where the machine has it: many languages, Arabic among them."""

    mime, suffix = "audio/wav", ".wav"

    def __init__(self, binary: str, language: str):
        self._binary, self.language = binary, language
        self.name = f"espeak-ng {language}"

    def say(self, text: str) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "spoken.wav"  # what espeak-ng pipes out has no length in its header
            command = [self._binary, "-v", self.language, "-s", "140", "-b", "1", "-w", str(file), "--stdin"]
            try:
                subprocess.run(command, input=text.encode(), capture_output=True, timeout=ESPEAK_SECONDS, check=True)
                audio = file.read_bytes()
            except (subprocess.SubprocessError, OSError) as error:
                raise SpeakingError(f"espeak-ng could not say this question: {error}.") from error
        with wave.open(io.BytesIO(audio)) as sound:
            return wav(sound.readframes(sound.getnframes()), sound.getframerate())


class GttsVoice:
    """gTTS: a better voice, from a service on the internet."""

    mime, suffix = "audio/mpeg", ".mp3"

    def __init__(self, language: str):
        self.language, self.name = language, f"gtts {language}"

    def say(self, text: str) -> bytes:
        return _within(ONLINE_SECONDS, lambda: self._fetch(text))

    def _fetch(self, text: str) -> bytes:
        from gtts import gTTS, gTTSError

        audio = io.BytesIO()  # in memory first: gTTS leaves an empty file behind when its service fails
        try:
            gTTS(text, lang=self.language, timeout=ONLINE_SECONDS, lang_check=False).write_to_fp(audio)
        except (gTTSError, ValueError, AssertionError, OSError) as error:
            raise SpeakingError(f"gTTS did not answer: {error}.") from error
        if not audio.getvalue():
            raise SpeakingError("gTTS answered without any sound.")
        return audio.getvalue()


def speakable(text: str) -> str:
    """One line without control characters, no endless words. Raises SpeakingError on what cannot be said."""
    clean = "".join(" " if unicodedata.category(letter) in ("Cc", "Cf") else letter for letter in text)
    words = [word[at : at + MOST_LETTERS] for word in clean.split() for at in range(0, max(len(word), 1), MOST_LETTERS)]
    line = " ".join(words)
    if not any(letter.isalnum() for letter in line):
        raise SpeakingError("There is nothing to say in an empty question.")
    if len(line) > MOST_CHARACTERS:
        raise SpeakingError(f"A question of more than {MOST_CHARACTERS:,} characters is too long to be spoken.")
    return line


def file_name(text: str, voice: Voice) -> str:
    digest = hashlib.sha256("\0".join((text, voice.language, voice.name)).encode()).hexdigest()
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
        raise SpeakingError(f"gTTS did not answer within {seconds:g} seconds.") from None
    if isinstance(result, BaseException):
        raise result
    return result


def _espeak_knows(binary: str, language: str) -> bool:
    try:
        listed = subprocess.run([binary, f"--voices={language}"], capture_output=True, text=True, timeout=5, check=True)
    except (subprocess.SubprocessError, OSError):
        return False
    return any(line.split()[1:2] == [language] for line in listed.stdout.splitlines()[1:])
