"""No body larger than the largest that any page takes: Django keeps one whole before it asks who sent it."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _


class LimitedBodies:
    """An HTTP application that gets at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes a request; more is a 413."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        exchange = _Exchange(scope, receive, send)
        if _announced(scope) > exchange.left:
            await exchange.refuse()
        else:
            await self.app(scope, exchange.receive, exchange.send)


class _Exchange:
    """One request and its answer, which is the app's or, where too much came before it began, a 413."""

    def __init__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope, self._receive, self._send = scope, receive, send
        self.left = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        self.has_begun = False
        self.is_refused = False

    async def receive(self) -> Any:
        if self.left >= 0:
            message = await self._receive()
            self.left -= len(message.get("body", b""))
            if self.left >= 0:
                return message
            if not self.has_begun:
                await self.refuse()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if not self.is_refused:
            self.has_begun = True
            await self._send(message)

    async def refuse(self) -> None:
        self.is_refused = True
        kind, body = _refusal(self.scope["path"])
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),  # the rest of the body is not read
        ]
        await self._send({"type": "http.response.start", "status": 413, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def _announced(scope: Any) -> int:
    """The Content-Length; 0 where there is none to rely on, and the bytes are counted as they come."""
    length = dict(scope["headers"]).get(b"content-length", b"")
    return int(length) if length.isdigit() else 0


def _refusal(path: str) -> tuple[str, bytes]:
    """Type and body; the API's has the form of all its refusals."""
    sentence = _("This is too large: the clinic does not take so much at once.")
    if path.startswith("/api/"):
        return "application/json", json.dumps({"detail": sentence, "code": "TooLarge"}).encode()
    return "text/plain; charset=utf-8", sentence.encode()
