"""A body that nobody may send is stopped before Django keeps it."""

import json

import pytest
from asgiref.testing import ApplicationCommunicator

from clinic.config import settings as site
from clinic.config.asgi import application
from clinic.config.bodies import LimitedBodies

LIMIT = 100


@pytest.fixture(autouse=True)
def limit(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = LIMIT


class Reader:
    """An application that keeps what it is given and answers at its end, or at once where it is hasty."""

    def __init__(self, is_hasty: bool = False) -> None:
        self.kept, self.heard, self.is_hasty = b"", [], is_hasty

    async def __call__(self, scope, receive, send):
        if self.is_hasty:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            message = await receive()
            self.heard.append(message["type"])
            self.kept += message.get("body", b"")
            if not message.get("more_body"):
                break
        if not self.is_hasty:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"thanks"})


def asked(path: str = "/", length: int | None = None) -> dict:
    headers = [(b"host", b"localhost")]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }


async def answer_to(app, scope: dict, *parts: bytes) -> tuple[int, dict[bytes, bytes], bytes]:
    talk = ApplicationCommunicator(app, scope)
    for place, part in enumerate(parts, start=1):
        await talk.send_input({"type": "http.request", "body": part, "more_body": place < len(parts)})
    start = await talk.receive_output(timeout=5)
    body = await talk.receive_output(timeout=5)
    await talk.wait(timeout=5)
    assert talk.output_queue.empty()
    return start["status"], dict(start["headers"]), body["body"]


async def test_a_body_of_the_limit_passes_whole():
    app = Reader()
    status, _, _ = await answer_to(LimitedBodies(app), asked(length=LIMIT), b"x" * 60, b"y" * 40)
    assert (status, app.kept) == (200, b"x" * 60 + b"y" * 40)


async def test_a_body_that_says_it_is_too_large_never_reaches_the_application():
    app = Reader()
    status, headers, body = await answer_to(LimitedBodies(app), asked(length=LIMIT + 1))
    assert (status, headers[b"connection"], app.heard) == (413, b"close", [])
    assert headers[b"content-type"].startswith(b"text/plain")
    assert b"too large" in body


@pytest.mark.parametrize("length", [None, 10], ids=["none", "a false one"])
async def test_a_body_is_counted_whatever_length_it_gives(length):
    app = Reader()
    status, _, body = await answer_to(LimitedBodies(app), asked(length=length), b"x" * 60, b"x" * 60, b"x" * 60)
    assert (status, app.heard) == (413, ["http.request", "http.disconnect"])
    assert len(app.kept) <= LIMIT
    assert b"too large" in body


async def test_an_answer_that_began_before_too_much_came_is_the_only_one():
    app = Reader(is_hasty=True)
    status, _, body = await answer_to(LimitedBodies(app), asked(), b"x" * 60, b"x" * 60, b"x" * 60)
    assert (status, body, app.heard[-1]) == (200, b"thanks", "http.disconnect")


async def test_the_api_refuses_a_large_body_in_the_form_of_its_other_refusals():
    _, headers, body = await answer_to(LimitedBodies(Reader()), asked("/api/answers/1/recordings/", LIMIT + 1))
    told = json.loads(body)
    assert headers[b"content-type"] == b"application/json"
    assert told["code"] == "TooLarge"
    assert "too large" in told["detail"]


@pytest.mark.parametrize("length", [LIMIT + 1, None], ids=["announced", "counted"])
async def test_the_clinic_itself_refuses_a_visitors_large_body(length):
    status, _, _ = await answer_to(application, asked("/accounts/login/", length), b"x" * 60, b"x" * 60)
    assert status == 413


def test_a_part_above_its_own_limit_still_reaches_the_api():
    assert site.DATA_UPLOAD_MAX_MEMORY_SIZE > site.MAX_CHUNK_BYTES
