"""Many requests at the same moment, on the real server with a real database: rows and files agree afterwards."""

import json
import os
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from uuid import uuid4

import pytest

from tests.interviews.uploads import digest_of

SIGN_IN = """
from importlib import import_module
from django.conf import settings
from django.contrib.auth import SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY
from clinic.services import record_consent
from interviews.models import Interview
patient = Interview.objects.get(pk=interview).patient
record_consent(patient)
session = import_module(settings.SESSION_ENGINE).SessionStore()
session[SESSION_KEY] = str(patient.user.pk)
session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
session[HASH_SESSION_KEY] = patient.user.get_session_auth_hash()
session.create()
answer = session.session_key
"""

HELD = """
from hashlib import sha256
from interviews.chunks import read_chunk
from interviews.models import Recording
take = Recording.objects.get(pk=take)
key = take.answer.interview.key
answer = {
    "state": take.state,
    "rows": [[chunk.seq, chunk.sha256] for chunk in take.chunks.all()],
    "files": [[chunk.seq, sha256(read_chunk(chunk, key)).hexdigest()] for chunk in take.chunks.all()],
    "receipts": [take.answer.receipt],
}
"""


class Sender:
    """A patient's browser without a browser."""

    def __init__(self, site, made: dict):
        self.url, self.session = site.url, site.run(SIGN_IN, interview=made["interview"])
        self.take = str(uuid4())
        asked = {"id": self.take, "mime_type": "video/webm"}
        assert self.send("POST", f"/api/answers/{made['answers'][0]}/recordings/", asked)[0] == 201

    def put(self, seq: int, body: bytes) -> tuple[int, dict]:
        return self.send("PUT", f"/api/recordings/{self.take}/chunks/{seq}", body)

    def complete(self, chunks: int) -> tuple[int, dict]:
        return self.send("POST", f"/api/recordings/{self.take}/complete", {"chunks": chunks})

    def send(self, method: str, path: str, body: bytes | dict) -> tuple[int, dict]:
        is_raw = isinstance(body, bytes)
        data = body if is_raw else json.dumps(body).encode()
        token = "a" * 32
        headers = {
            "Cookie": f"sessionid={self.session}; csrftoken={token}",
            "X-CSRFToken": token,
            "Content-Type": "application/octet-stream" if is_raw else "application/json",
            "Content-Digest": digest_of(data),
        }
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


@pytest.fixture
def sender(site) -> Sender:
    return Sender(site, site.invite())


def at_once(*calls):
    with ThreadPoolExecutor(len(calls)) as pool:
        return [waiting.result() for waiting in [pool.submit(call) for call in calls]]


def held(site, sender: Sender) -> dict:
    return site.run(HELD, take=sender.take)


def test_the_same_part_sent_eight_times_at_once_is_kept_once(site, sender):
    body = os.urandom(50_000)
    codes = [code for code, _ in at_once(*[lambda: sender.put(0, body)] * 8)]
    assert sorted(codes) == [200] * 7 + [201]
    row = [[0, sha256(body).hexdigest()]]
    assert held(site, sender) == {"state": "open", "rows": row, "files": row, "receipts": [""]}


def test_of_different_bytes_for_one_number_one_wins_and_its_file_is_its_own(site, sender):
    bodies = [os.urandom(50_000) for _ in range(8)]
    codes = [code for code, _ in at_once(*[lambda body=body: sender.put(0, body) for body in bodies])]
    assert sorted(codes) == [201] + [409] * 7
    winner = sha256(bodies[codes.index(201)]).hexdigest()
    kept = held(site, sender)
    assert kept["rows"] == kept["files"] == [[0, winner]]


def test_many_parts_and_an_impatient_completion_lose_nothing(site, sender):
    bodies = {seq: os.urandom(20_000) for seq in range(24)}
    calls = [lambda seq=seq: sender.put(seq, bodies[seq]) for seq in bodies]
    at_once(*calls[:8], lambda: sender.complete(24), *calls[8:16], lambda: sender.complete(24), *calls[16:])
    first, second = at_once(lambda: sender.complete(24), lambda: sender.complete(24))
    assert (first[0], second[0]) == (200, 200)
    assert first[1]["receipt"] == second[1]["receipt"]
    kept = held(site, sender)
    assert kept["state"] == "kept"
    assert kept["rows"] == kept["files"] == [[seq, sha256(body).hexdigest()] for seq, body in bodies.items()]
