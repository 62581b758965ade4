"""A small HTTP server that speaks Ollama's wire protocol: what its official client meets, without a model behind it."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE = 120  # seconds
SIZE = 2_019_393_189  # bytes
DIGEST = "a80c4f17acd55265feec403c7aef86be0c25983ab279d83f3bcd3abbcb5b8b72"
MANNERS = {
    "ok": "as it should",
    "hang": "never answers",
    "hang chat": "lists its models and never answers a chat",
    "break": "goes away in the middle of a stream",
    "break later": "ends the stream properly, but without its last line",
    "fail": "says inside the stream that it failed",
    "cut": "stops the reply at its longest",
    "error": "refuses each chat",
    "redirect": "sends elsewhere",
    "html": "is no Ollama",
}
Reply = str | Callable[[dict[str, Any]], str]  # the reply's text, or how to make it from the request


class OllamaServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self,
        *replies: Reply,
        models: tuple[str, ...] = ("llama3.2:3b",),
        manner: str = "ok",
        pace: float = 0,
        pause: str = "",
    ):
        """
        replies  one for each chat, the last one again and again
        manner   see MANNERS
        pace     seconds for each few letters
        pause    having written this, it goes on when `more` is set
        """
        assert manner in MANNERS
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies, self.models, self.manner, self.pace = list(replies), models, manner, pace
        self.pause, self.more = pause, threading.Event()
        self.asked: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def next_reply(self, request: dict[str, Any]) -> str:
        self.asked.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return reply(request) if callable(reply) else reply


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: OllamaServer

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        if self.server.manner == "hang":
            self.server.over.wait()
        elif self.server.manner == "html":
            self._send(200, b"<html>Welcome to the router</html>", "text/html")
        elif self.server.manner == "redirect":
            self._redirect()
        elif self.path == "/api/version":
            self._json(200, {"version": "0.14.2"})
        elif self.path == "/api/tags":
            listed = [{"name": name, "model": name, "digest": DIGEST, "size": SIZE} for name in self.server.models]
            self._json(200, {"models": listed})
        else:
            self._json(404, {"error": "page not found"})

    def do_POST(self) -> None:
        self.server.paths.append(self.path)
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/api/show":
            about = {"general.architecture": "llama", "llama.context_length": 131072}
            self._json(200, {"details": {"quantization_level": "Q4_K_M"}, "model_info": about})
        elif self.path != "/api/chat":
            self._json(404, {"error": "page not found"})
        elif request["model"] not in self.server.models:
            self._json(404, {"error": f"model '{request['model']}' not found"})
        elif self.server.manner == "error":
            self._json(500, {"error": "llama runner process has terminated"})
        elif self.server.manner == "hang chat":
            self.server.over.wait()
        else:
            self._stream(self.server.next_reply(request), request["model"])

    def _stream(self, text: str, model: str) -> None:
        """NDJSON, a line for each few letters and a last one that says so, in HTTP chunks as Ollama sends them."""
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(0, len(text), 40):
            self.server.over.wait(self.server.pace)
            self._line({"model": model, "message": {"role": "assistant", "content": text[at : at + 40]}, "done": False})
            if self.server.pause and self.server.pause in text[: at + 40]:
                self.server.more.wait(PATIENCE)
        if self.server.manner == "break":
            self.close_connection = True
            return
        if self.server.manner == "fail":
            self._line({"error": "llama runner process no longer running"})
        elif self.server.manner != "break later":
            reason = "length" if self.server.manner == "cut" else "stop"
            last = {"role": "assistant", "content": ""}
            self._line({"model": model, "message": last, "done": True, "done_reason": reason})
        self.wfile.write(b"0\r\n\r\n")

    def _line(self, data: dict[str, Any]) -> None:
        line = json.dumps(data).encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))

    def _redirect(self) -> None:
        self.send_response(307)
        self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _json(self, status: int, data: dict[str, Any]) -> None:
        self._send(status, json.dumps(data).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:  # whoever asked has heard enough
            return

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(*replies: Reply, **options: Any) -> Iterator[OllamaServer]:
    server = OllamaServer(*replies, **options)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
