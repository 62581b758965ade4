"""Parts of a recording as the browser sends them."""

import base64
import hashlib
from typing import Any

from clinic.services import record_consent
from interviews.models import Answer


def digest_of(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def open_take(client: Any, answer: Answer, mime_type: str = "video/webm;codecs=vp9,opus", **more: Any) -> str:
    """A signed-in, consenting patient's open take: its id."""
    record_consent(answer.interview.patient)
    client.force_login(answer.interview.patient.user)
    path = f"/api/answers/{answer.pk}/recordings/"
    response = client.post(path, {"mime_type": mime_type, **more}, content_type="application/json")
    assert response.status_code in (200, 201), response.content
    return response.json()["id"]


def put(client: Any, take: str, seq: int, body: bytes, digest: str | None = None) -> Any:
    headers = {"Content-Digest": digest_of(body) if digest is None else digest}
    path = f"/api/recordings/{take}/chunks/{seq}"
    return client.put(path, body, content_type="application/octet-stream", headers=headers)


def complete(client: Any, take: str, chunks: int) -> Any:
    return client.post(f"/api/recordings/{take}/complete", {"chunks": chunks}, content_type="application/json")


def discard(client: Any, take: str) -> Any:
    return client.post(f"/api/recordings/{take}/discard", {}, content_type="application/json")
