"""The offline voices for real; gTTS's own code against a stand-in for its service, reached as a proxy."""

import ast
import base64
import datetime
import http.server
import io
import json
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
from tests.bench.words import error_rate

QUESTION = "What does a normal day look like for you at the moment?"


def samples_of(audio: bytes) -> tuple[int, np.ndarray]:
    """Rate and samples, -1 to 1."""
    with opened(audio) as sound:
        return sound.getframerate(), np.frombuffer(sound.readframes(sound.getnframes()), "<i2") / 32768


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
    monkeypatch.setattr(speaking, "find_spec", lambda name: None)
    with pytest.raises(VoiceMissing, match="shown as text only"):
        voice_for("ar")


def test_an_arabic_question_is_spoken_on_a_machine_with_the_packages_alone(monkeypatch):
    monkeypatch.setenv("PATH", "")
    spoken = voice_for("ar").speak("كيف تصف مزاجك خلال الأسبوعين الماضيين؟")
    assert (spoken.voice, spoken.mime, spoken.note) == ("espeak-ng ar", "audio/wav", "")
    rate, samples = samples_of(spoken.audio)
    loud = np.abs(samples.reshape(-1)[: len(samples) // 1000 * 1000].reshape(-1, 1000)).max(axis=1) > 0.02
    assert 1.5 < len(samples) / rate < 8
    assert loud.mean() > 0.5  # it speaks, and not only at one moment


def test_markup_in_an_arabic_question_is_no_command_and_an_endless_word_ends():
    assert len(voice_for("ar").speak('كيف <break time="60s"/> حالك').audio) < 10 * 44_100
    assert voice_for("ar").speak("ك" * 400).audio


def test_a_voice_that_crashes_takes_nothing_with_it(monkeypatch, tmp_path):
    monkeypatch.setattr(speaking, "ESPEAK", tmp_path / "crash.py")
    (tmp_path / "crash.py").write_text("import os; os.abort()")
    with pytest.raises(SpeakingError, match="could not say"):
        voice_for("ar").speak("كيف حالك؟")


def test_a_language_that_espeak_ng_does_not_know_has_no_voice():
    with pytest.raises(VoiceMissing):
        voice_for("xx")


def test_another_version_of_a_voice_gets_another_file(monkeypatch):
    first = voice_for("en").speak(QUESTION)
    monkeypatch.setattr(speaking, "version_of", lambda package: f"{package} 99")
    assert voice_for("en").speak(QUESTION).name != first.name


def test_a_question_can_be_spoken_again_though_it_is_kept(settings):
    first = voice_for("en").speak(QUESTION)
    kept = Path(settings.MEDIA_ROOT) / first.name
    kept.write_bytes(b"damaged")
    assert voice_for("en").speak(QUESTION).audio == b"damaged"
    assert voice_for("en").speak(QUESTION, again=True).audio == kept.read_bytes() == first.audio


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


def test_what_the_service_said_earlier_is_kept_when_it_does_not_say_it_again(service):
    service("ok")
    first = voice_for("en").speak(QUESTION)
    service("429")
    again = voice_for("en").speak(QUESTION, again=True)
    assert (again.voice, again.audio) == ("gtts en", first.audio)
    assert again.note.startswith("gTTS")


def test_a_service_that_failed_three_times_in_a_row_is_left_alone(service):
    service("429")
    voice = voice_for("en")
    spoken = [voice.speak(f"Is this question number {number}?") for number in range(5)]
    assert len(StandIn.asked) == 3
    assert all(one.voice.startswith("pico") for one in spoken)
    assert "not asked again" in spoken[-1].note


def test_the_offline_voice_speaks_when_nothing_listens(service, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{taken.getsockname()[1]}")
        assert voice_for("en").speak(QUESTION).voice.startswith("pico")


def test_only_the_texts_of_questions_are_ever_spoken():
    """Every place that can get a voice, by its syntax: what it has spoken is a question, or an instrument's item."""
    root = Path(speaking.__file__).parents[2]
    spoken = {}
    for room in ("clinic", "interviews", "emotion", "reports"):
        for file in (root / room).rglob("*.py"):
            tree = list(ast.walk(ast.parse(file.read_text())))
            if file != Path(speaking.__file__) and any(map(gets_a_voice, tree)):
                said = {ast.unparse(call.args[0]) for call in tree if is_speaking(call)}
                spoken[file.relative_to(root).as_posix()] = said
    assert spoken == {
        "interviews/services/speaking.py": {"question.text"},
        "interviews/services/instruments.py": {"_said(definition, item)"},
        "clinic/config/management/commands/demo.py": set(),  # hands its voice to speak_questions
    }


def gets_a_voice(node: ast.AST) -> bool:
    names = {"voice_for", "voices_for", "offline_voices", "KeepingVoice", "PicoVoice", "EspeakVoice", "GttsVoice"}
    if isinstance(node, ast.ImportFrom):
        return bool(names & {name.name for name in node.names})
    return isinstance(node, ast.Attribute) and node.attr in names


def is_speaking(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("speak", "say")
        and bool(node.args)
    )
