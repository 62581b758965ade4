"""A language model on the clinic's own machines: Llama through Ollama's client. Optional: everything works without.

What it writes is held against a schema. A reply that does not fit is sent back once, with the reason; then the
caller gets a clear failure. Nothing here logs or repeats what was asked or answered: both hold a patient's words.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from django.conf import settings
from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    import ollama

Shape = TypeVar("Shape", bound=BaseModel)
Progress = Callable[[float], None]  # told the share of the longest possible reply, 0 to 1

CHECK_SECONDS = 0.5  # to connect, and again to answer: a page may wait for this
MOST_TOKENS = 2_000  # of a reply
LEAST_CONTEXT, MOST_CONTEXT = 4_096, 32_768  # tokens; Ollama cuts a longer prompt without a word
BYTES_A_TOKEN = 3  # on the careful side for English, about right for Arabic
TRIES = 2
LONGEST = 10  # times OLLAMA_TIMEOUT, for a whole reply that never falls silent


class LanguageModelError(Exception):
    """The text may be shown to a person: it holds nothing of what was asked."""


class NotReachable(LanguageModelError):
    pass


class ModelUnknown(LanguageModelError):
    pass


class PromptTooLong(LanguageModelError):
    pass


class BadReply(LanguageModelError):
    """Twice the reply did not have the form that was asked for."""


@dataclass(frozen=True)
class Told(Generic[Shape]):
    """A reply that fits, and what exactly wrote it."""

    value: Shape
    engine: str
    digest: str  # of the model's files, as Ollama names it
    tries: int


class LanguageModel(Protocol):
    engine: str

    def check(self) -> str:
        """The model's digest. Raises LanguageModelError when it would not answer now."""
        ...

    def ask(
        self,
        system: str,
        prompt: str,
        shape: type[Shape],
        on_progress: Progress | None = None,
        *,
        seed: int = 1,
        temperature: float = 0,
    ) -> Told[Shape]:
        """seed: which of the possible replies; it matters only at a temperature above 0. Raises LanguageModelError."""
        ...


def language_model(name: str = "") -> LanguageModel | None:
    """The model of this name, or the one the settings name; None when they name no host. Asks nobody: see `trouble`."""
    if not settings.OLLAMA_HOST:
        return None
    return OllamaModel(settings.OLLAMA_HOST, name or settings.OLLAMA_MODEL, settings.OLLAMA_TIMEOUT)


def available() -> bool:
    return trouble() == ""


def trouble() -> str:
    """Why no language model would answer now, in a sentence; empty when one would. Takes a second at most."""
    model = language_model()
    if model is None:
        return "No language model is set up (OLLAMA_HOST is empty)."
    try:
        model.check()
    except LanguageModelError as error:
        return str(error)
    return ""


class OllamaModel:
    """One model of one Ollama server.

    Neither a proxy from the environment nor a redirect is followed: words go to the named host, or nowhere.
    """

    def __init__(self, host: str, model: str, timeout: float):
        """timeout: seconds of silence after which we stop waiting."""
        self._host, self._model, self._timeout = host, model, timeout
        self.engine = f"ollama {model}"

    def check(self) -> str:
        """The model's digest. Raises NotReachable, ModelUnknown."""
        with _asking(self._host, self._model):
            listed = self._client(CHECK_SECONDS).list()
        wanted = {self._model, f"{self._model}:latest"}
        for model in listed.models:
            if model.model in wanted:
                return model.digest or ""
        raise _unknown(self._model)

    def ask(
        self,
        system: str,
        prompt: str,
        shape: type[Shape],
        on_progress: Progress | None = None,
        *,
        seed: int = 1,
        temperature: float = 0,
    ) -> Told[Shape]:
        digest = self.check()
        messages = [{"role": "system", "content": system}, {"role": "user", "content": prompt}]
        schema = shape.model_json_schema()
        for attempt in range(1, TRIES + 1):
            reply = self._chat(
                messages, schema, on_progress or (lambda share: None), {"temperature": temperature, "seed": seed}
            )
            try:
                return Told(shape.model_validate_json(reply), self.engine, digest, attempt)
            except ValidationError as error:
                messages += [{"role": "assistant", "content": reply}, {"role": "user", "content": _complaint(error)}]
        raise BadReply(f"The language model {self._model} answered {TRIES} times in a form that cannot be used.")

    def _chat(
        self, messages: list[dict[str, str]], schema: dict, on_progress: Progress, sampling: dict[str, float]
    ) -> str:
        options = {**sampling, "num_predict": MOST_TOKENS, "num_ctx": self._context(messages)}
        began, parts, is_done = time.monotonic(), [], False
        with _asking(self._host, self._model):
            # Streamed, so that a slow machine may take its time as long as words keep coming.
            for part in self._client(self._timeout).chat(
                self._model, messages=messages, format=schema, options=options, stream=True
            ):
                parts.append(part.message.content or "")
                is_done = bool(part.done)
                on_progress(min(1.0, len(parts) / MOST_TOKENS))
                if time.monotonic() - began > LONGEST * self._timeout:
                    raise NotReachable(f"The language model {self._model} did not come to an end.")
        if not is_done:
            raise NotReachable(f"The answer of the language model {self._model} broke off.")
        return "".join(parts)

    def _context(self, messages: list[dict[str, str]]) -> int:
        size = sum(len(message["content"].encode()) for message in messages) // BYTES_A_TOKEN
        needed = -(-(size + MOST_TOKENS + 256) // 1024) * 1024
        if needed > MOST_CONTEXT:
            raise PromptTooLong("These answers are too long for the language model to be read at once.")
        return max(LEAST_CONTEXT, needed)

    def _client(self, timeout: float) -> ollama.Client:
        import ollama

        return ollama.Client(self._host, timeout=timeout, follow_redirects=False, trust_env=False)


@contextmanager
def _asking(host: str, model: str) -> Iterator[None]:
    """Turns what may go wrong on the way to Ollama into our own errors."""
    import httpx
    import ollama

    try:
        yield
    except ollama.ResponseError as error:
        if error.status_code == 404:
            raise _unknown(model) from error
        raise NotReachable(f"Ollama at {host} refused (status {error.status_code}).") from error
    except httpx.TimeoutException as error:
        raise NotReachable(f"Ollama at {host} did not answer in time.") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise NotReachable(f"Ollama at {host} cannot be reached.") from error
    except (ValueError, TypeError, AttributeError) as error:  # no JSON, or not the fields the client builds on
        raise NotReachable(f"What answers at {host} is not Ollama, or its answer broke off.") from error


def _unknown(model: str) -> ModelUnknown:
    return ModelUnknown(f"Ollama has no model “{model}”. Fetch it with: ollama pull {model}")


def _complaint(error: ValidationError) -> str:
    wrong = [
        f"{'.'.join(map(str, one['loc'])) or 'the reply'}: {one['msg']}"
        for one in error.errors(include_input=False, include_url=False)[:5]
    ]
    return (
        f"Your reply could not be used ({json.dumps(wrong)[:600]}). Answer again: JSON of the given form, nothing else."
    )
