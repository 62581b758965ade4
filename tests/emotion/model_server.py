"""A server of model files over loopback that can be slow, cut the line, forget ranges or hand out something else."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PIECE = 64 * 1024


@dataclass
class ModelServer:
    """
    files     what is served, by path
    cut_at    bytes of one answer after which the line is cut; taken away once it was cut
    status    answered in place of 200 or 206
    slowness  seconds before each piece
    ranges    whether a Range is honoured; tags: whether files have an ETag
    asked     each request's path and Range
    """

    files: dict[str, bytes] = field(default_factory=dict)
    cut_at: int | None = None
    status: int | None = None
    slowness: float = 0.0
    ranges: bool = True
    tags: bool = True
    elsewhere: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(server: ModelServer) -> Iterator[ModelServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            server.asked.append((self.path, asked))
            if self.path in server.elsewhere:
                return self._begin(302, 0, {"Location": server.elsewhere[self.path]})
            if server.status or self.path not in server.files:
                return self._begin(server.status or 404, 0)
            return self._send(server.files[self.path], asked)

        def _send(self, body: bytes, asked: str | None) -> None:
            tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            found = re.fullmatch(r"bytes=(\d+)-", asked or "")
            same = self.headers.get("If-Range") in (None, tag)
            start = int(found[1]) if found and server.ranges and same else 0
            headers = {"ETag": tag} if server.tags else {}
            if start >= len(body):
                return self._begin(416, 0, headers)
            if start:
                headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            self._begin(206 if start else 200, len(body) - start, headers)
            self._stream(body[start:])

        def _stream(self, body: bytes) -> None:
            sent = 0
            while sent < len(body):
                time.sleep(server.slowness)
                piece = body[sent : sent + PIECE]
                if server.cut_at is not None and sent + len(piece) > server.cut_at:
                    self.wfile.write(piece[: server.cut_at - sent])
                    server.cut_at, self.close_connection = None, True
                    self.wfile.flush()
                    self.connection.shutdown(2)
                    return
                self.wfile.write(piece)
                sent += len(piece)

        def _begin(self, status: int, length: int, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(length), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        server.url = f"http://127.0.0.1:{running.server_port}"
        yield server
        running.shutdown()
        thread.join()
