"""The offline voices for real; gTTS's own code against a stand-in for its service, reached as a proxy."""

import base64
import datetime
import http.server
import io
import json
import shutil
import socket
import ssl
import threading
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from clinic.integrations import speaking
from clinic.integrations.hearing import hearing_for
from clinic.integrations.speaking import SpeakingError, VoiceMissing, voice_for
from tests.clinic.test_hearing import error_rate

QUESTION = "What does a normal day look like for you at the moment?"


def opened(audio: bytes) -> wave.Wave_read:
    return wave.open(io.BytesIO(audio))


def test_a_question_becomes_a_sound_file_every_browser_plays():
    spoken = voice_for("en").speak(QUESTION)
    assert spoken.mime == "audio/wav"
    with opened(spoken.audio) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (16_000, 1, 2)
        assert 2 < sound.getnframes() / 16_000 < 8


def test_what_the_voice_says_is_the_question():
    with opened(voice_for("en-US").speak(QUESTION).audio) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(np.float32) / 32768
    assert error_rate(hearing_for("en").hear(samples).text, QUESTION.lower().replace("?", "")) <= 0.1


def test_the_same_text_is_spoken_once(monkeypatch, settings):
    first = voice_for("en").speak(QUESTION)
    assert (Path(settings.MEDIA_ROOT) / first.name).read_bytes() == first.audio
    monkeypatch.setattr(speaking.PicoVoice, "say", lambda *_: pytest.fail("spoken twice"))
    assert voice_for("en").speak(f"  {QUESTION}\n") == first


def test_another_text_gets_another_file():
    assert voice_for("en").speak("What helps?").name != voice_for("en").speak("Who helps?").name


def test_a_failed_voice_leaves_no_file_behind(monkeypatch, settings):
    def silent(*_):
        raise SpeakingError("No.")

    monkeypatch.setattr(speaking.PicoVoice, "say", silent)
    with pytest.raises(SpeakingError, match=r"No\."):
        voice_for("en").speak(QUESTION)
    assert not list(Path(settings.MEDIA_ROOT).rglob("*.*"))


@pytest.mark.parametrize("text", ["", "  \n", "\x00", "…?!", "😀"])
def test_nothing_to_say_is_refused_in_a_sentence(text):
    with pytest.raises(SpeakingError, match="nothing to say"):
        voice_for("en").speak(text)


def test_a_text_of_five_thousand_letters_is_refused_not_tried():
    with pytest.raises(SpeakingError, match="too long"):
        voice_for("en").speak("a" * 5_000)


@pytest.mark.timeout(30)
def test_an_endless_word_and_commands_to_the_voice_are_said_not_obeyed():
    assert voice_for("en").speak("a" * 400).audio
    assert voice_for("en").speak('<volume level="0">How are you</volume> &amp; <').audio


def test_a_language_without_a_voice_is_refused_in_a_sentence(monkeypatch):
    monkeypatch.setattr(speaking.shutil, "which", lambda name: None)
    with pytest.raises(VoiceMissing, match="shown as text only"):
        voice_for("ar")


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="this machine has no espeak-ng")
def test_arabic_is_spoken_where_espeak_ng_is_installed():
    spoken = voice_for("ar").speak("كيف حالك اليوم؟")
    assert spoken.voice == "espeak-ng ar"
    with opened(spoken.audio) as sound:
        assert 0.5 < sound.getnframes() / sound.getframerate() < 6


def test_a_language_that_espeak_ng_does_not_know_has_no_voice(monkeypatch):
    with pytest.raises(VoiceMissing):
        voice_for("xx")


def test_gtts_is_not_asked_unless_a_setting_says_so(monkeypatch):
    monkeypatch.setattr(speaking.GttsVoice, "say", lambda *_: pytest.fail("asked the internet"))
    assert voice_for("en").speak(QUESTION).voice.startswith("pico")


class StandIn(http.server.BaseHTTPRequestHandler):
    """gTTS's service as gTTS sees it: a proxy asked to CONNECT, then TLS, then one POST."""

    protocol_version = "HTTP/1.1"
    manner = "ok"
    asked: list[str] = []

    def do_CONNECT(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()
        try:
            self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        except OSError:
            return
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
        self.handle_one_request()
        self.close_connection = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.manner == "hang":
            return self.server.over.wait()
        if self.manner == "drip":
            self.send_response(200)
            self.end_headers()
            while not self.server.over.wait(0.3):
                self.wfile.write(b" ")
            return None
        inner = json.dumps([base64.b64encode(b"ID3 sound").decode()])
        line = json.dumps([["wrb.fr", "jQ1olc", inner]], separators=(",", ":"))
        body = {"ok": line, "empty": '[["wrb.fr","jQ1olc",null]]'}.get(self.manner, "slow down").encode()
        self.send_response(429 if self.manner == "429" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service(tmp_path, monkeypatch, settings):
    """Tells the stand-in how to answer: service("hang")."""
    settings.SPEAK_ONLINE = True
    monkeypatch.setattr(speaking, "ONLINE_SECONDS", 1.0)
    monkeypatch.setattr(StandIn, "asked", [])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    server.daemon_threads, server.over, server.tls = True, threading.Event(), tls(tmp_path)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{server.server_port}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield lambda manner: monkeypatch.setattr(StandIn, "manner", manner)
    server.over.set()
    server.shutdown()
    server.server_close()


def tls(folder: Path) -> ssl.SSLContext:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file = folder / "stand-in.pem"
    file.write_bytes(pem + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_gtts_speaks_when_its_service_answers(service):
    service("ok")
    spoken = voice_for("en").speak(QUESTION)
    assert (spoken.voice, spoken.mime, spoken.audio, spoken.note) == ("gtts en", "audio/mpeg", b"ID3 sound", "")
    assert StandIn.asked == ["translate.google.com:443"]
    voice_for("en").speak(QUESTION)
    assert len(StandIn.asked) == 1


@pytest.mark.parametrize("manner", ["429", "empty", "hang", "drip"])
def test_the_offline_voice_speaks_when_the_service_does_not_and_says_so(service, manner):
    service(manner)
    began = time.monotonic()
    spoken = voice_for("en").speak(QUESTION)
    assert time.monotonic() - began < 5
    assert spoken.voice.startswith("pico")
    assert spoken.note.startswith("gTTS")
    with opened(spoken.audio) as sound:
        assert sound.getnframes() > 16_000


def test_the_offline_voice_speaks_when_nothing_listens(service, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{taken.getsockname()[1]}")
        assert voice_for("en").speak(QUESTION).voice.startswith("pico")
