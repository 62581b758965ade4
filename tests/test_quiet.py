"""Nothing phones home: a process that loads every model of the starter pack and reads a clip calls no host."""

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.emotion.ml.recordings import speech

READ = """
import sys, time
from pathlib import Path
from emotion.ml.inference import Recogniser
from faster_whisper.vad import get_speech_timestamps
from emotion.ml import media
reading = Recogniser.load().read(Path(sys.argv[1]))
get_speech_timestamps(media.sound(Path(sys.argv[1])))
assert reading.points
time.sleep(6)  # an uploader works in the background
"""


class Listener:
    """Everybody's proxy: it answers nothing and remembers who was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.server.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(2)
                self.asked.append(connection.recv(2000).decode(errors="replace").partition("\r\n")[0])


@pytest.fixture
def listener():
    listener = Listener()
    yield listener
    listener.server.close()


def quiet_environment(listener: Listener) -> dict[str, str]:
    """As on a clinic's server: some libraries are silent only where CI is set."""
    loud = {"CI", "ORT_DISABLE_TELEMETRY", "HF_HUB_OFFLINE", "NO_PROXY", "no_proxy"}
    kept = {name: value for name, value in os.environ.items() if name not in loud}
    proxies = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy"), listener.address)
    return {**kept, **proxies, "PYTHONPATH": str(Path(__file__).parents[1])}


def test_reading_a_clip_calls_no_host(listener):
    clip = str(speech("beckett.wav"))
    subprocess.run([sys.executable, "-c", READ, clip], env=quiet_environment(listener), check=True, timeout=120)
    assert listener.asked == []


def test_a_call_would_be_noticed(listener):
    call = "import urllib.request; urllib.request.urlopen('http://somewhere.example/')"
    subprocess.run([sys.executable, "-c", call], env=quiet_environment(listener), check=False, capture_output=True)
    deadline = time.monotonic() + 5
    while not listener.asked and time.monotonic() < deadline:
        time.sleep(0.05)
    assert listener.asked == ["GET http://somewhere.example/ HTTP/1.1"]
