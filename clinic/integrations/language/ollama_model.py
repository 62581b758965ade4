"""One model of one Ollama server, through Ollama's own client."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from clinic.integrations.language import replies
from clinic.integrations.language.errors import BadReply, BrokeOff, ModelUnknown, NotReachable, PromptTooLong
from clinic.integrations.language.model import MOST_TOKENS, Answering, Progress, Shape, Told, Wait, Writing
from clinic.integrations.language.slots import Slot, a_slot

if TYPE_CHECKING:
    import ollama

CHECK_SECONDS = 0.5  # to connect, and again to answer: a page may wait for this
PATIENT_CHECK = 30.0  # seconds: a worker may wait for a machine that is busy loading
CONTEXT = 8_192  # tokens; Ollama cuts a longer prompt without a word
BYTES_A_TOKEN = 3  # on the careful side for English, about right for Arabic
SPARE = 256  # tokens, for what the model's own template adds
SENT_BACK = 2_000  # characters of a reply that could not be used, beside the complaint
TRIES = 2
LONGEST = 1_200.0  # seconds for a whole reply that never falls silent


@dataclass(frozen=True)
class Manner:
    """How one reply is made."""

    most_tokens: int
    seed: int
    temperature: float


class OllamaModel:
    """Neither a proxy from the environment nor a redirect is followed: words go to the named host, or nowhere."""

    def __init__(
        self,
        host: str,
        model: str,
        timeout: float,
        *,
        longest: float = LONGEST,
        keep_alive: str = "5m",
        context: int = CONTEXT,
        at_once: int = 1,
    ):
        """
        timeout     seconds of silence after which we stop waiting; loading the model is silence, too
        longest     seconds for a whole reply
        keep_alive  how long the model stays in memory afterwards, as Ollama writes it: 5m, 0s, -1s for ever
        context     tokens at most of prompt and reply together
        at_once     how many may ask, over all processes
        """
        self._host, self._model, self._timeout, self._longest = host, model, timeout, longest
        self._keep_alive, self._context, self._at_once = keep_alive, context, at_once
        self.engine = f"ollama {model}"

    def check(self, patience: float = CHECK_SECONDS) -> str:
        """The model's digest. Raises NotReachable, ModelUnknown."""
        return self._listed(patience).digest or ""

    def describe(self) -> Answering:
        """What answers there. Raises NotReachable, ModelUnknown."""
        listed = self._listed(2.0)
        with _asking(self._host, self._model):
            client = self._client(2.0)
            shown = client.show(self._model)
            version = client._client.get("/api/version").json()["version"]  # the client has no word for it
        about = shown.modelinfo or {}
        context = next((int(value) for name, value in about.items() if name.endswith(".context_length")), None)
        level = (shown.details.quantization_level if shown.details else "") or ""
        size = int(listed.size) if listed.size is not None else None
        return Answering(str(version), self._model, listed.digest or "", size, level, context)

    def ask(
        self,
        system: str,
        prompt: str,
        shape: type[Shape],
        on_progress: Progress | None = None,
        *,
        seed: int = 1,
        temperature: float = 0,
        examples: Sequence[tuple[str, str]] = (),
        language: str = "",
        most_tokens: int = MOST_TOKENS,
        on_text: Writing | None = None,
        on_wait: Wait | None = None,
    ) -> Told[Shape]:
        digest = self.check(min(PATIENT_CHECK, self._timeout))
        asked = [{"role": "system", "content": system}, *_turns(examples), {"role": "user", "content": prompt}]
        messages = asked
        schema = shape.model_json_schema()
        listeners = (on_progress or (lambda share: None), on_text or (lambda text: None))
        manner = Manner(most_tokens, seed, temperature)
        with a_slot(self._at_once, self._timeout + PATIENT_CHECK, on_wait) as slot:
            for attempt in range(1, TRIES + 1):
                reply, is_cut = self._chat(messages, schema, listeners, manner, slot)
                try:
                    value = replies.read(reply, is_cut, shape, language, self._model)
                    return Told(value, self.engine, digest, attempt)
                except BadReply as error:
                    fault = error
                messages = [*asked, *_sent_back(reply, fault)]
        raise fault

    def _chat(
        self,
        messages: list[dict[str, str]],
        schema: dict[str, Any],
        listeners: tuple[Progress, Writing],
        manner: Manner,
        slot: Slot,
    ) -> tuple[str, bool]:
        """The reply, and whether its length was cut."""
        self._must_fit(messages, manner.most_tokens)
        on_progress, on_text = listeners
        began, reply, reason, count = time.monotonic(), "", None, 0
        with _asking(self._host, self._model, lambda: bool(reply)):
            # Streamed, so that a slow machine may take its time as long as words keep coming.
            for part in self._client(self._timeout).chat(
                self._model,
                messages=messages,
                format=schema,
                options=self._options(manner),
                keep_alive=self._keep_alive,
                stream=True,
            ):
                reply, count = reply + (part.message.content or ""), count + 1
                reason = (part.done_reason or "stop") if part.done else None
                slot.renew()
                on_progress(min(1.0, count / manner.most_tokens))
                on_text(reply)
                if time.monotonic() - began > self._longest:
                    raise NotReachable(
                        _("The language model %(model)s did not come to an end.") % {"model": self._model}
                    )
        if reason is None:
            raise BrokeOff(_("The answer of the language model %(model)s broke off.") % {"model": self._model})
        return reply, reason == "length"

    def _options(self, manner: Manner) -> dict[str, float]:
        return {
            "temperature": manner.temperature,
            "seed": manner.seed,
            "num_predict": manner.most_tokens,
            "num_ctx": self._context,  # always the same: for another number Ollama loads the model anew
        }

    def _must_fit(self, messages: list[dict[str, str]], most_tokens: int) -> None:
        size = sum(len(message["content"].encode()) for message in messages) // BYTES_A_TOKEN
        if size + most_tokens + SPARE > self._context:
            raise PromptTooLong(_("These answers are too long for the language model to be read at once."))

    def _listed(self, patience: float) -> ollama.ListResponse.Model:
        with _asking(self._host, self._model):
            listed = self._client(patience).list()
        wanted = {self._model, f"{self._model}:latest"}
        for model in listed.models:
            if model.model in wanted:
                return model
        raise _unknown(self._model)

    def _client(self, timeout: float) -> ollama.Client:
        import ollama

        return ollama.Client(self._host, timeout=timeout, follow_redirects=False, trust_env=False)


@contextmanager
def _asking(host: str, model: str, has_begun: Any = lambda: False) -> Iterator[None]:
    """Turns what may go wrong on the way to Ollama into our own errors. has_begun: whether words had come already."""
    import httpx
    import ollama

    try:
        yield
    except ollama.ResponseError as error:
        if error.status_code == 404:
            raise _unknown(model) from error
        if has_begun():  # an error inside the stream has no status
            raise BrokeOff(_("Ollama at %(host)s failed while it was writing.") % {"host": host}) from error
        status = {"host": host, "status": error.status_code}
        raise NotReachable(_("Ollama at %(host)s refused (status %(status)s).") % status) from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        if has_begun():
            raise BrokeOff(_("Ollama at %(host)s went away while it was writing.") % {"host": host}) from error
        if isinstance(error, httpx.TimeoutException):
            raise NotReachable(_("Ollama at %(host)s did not answer in time.") % {"host": host}) from error
        raise NotReachable(_("Ollama at %(host)s cannot be reached.") % {"host": host}) from error
    except (ValueError, TypeError, AttributeError, KeyError) as error:  # no JSON, or not the fields one builds on
        sentence = _("What answers at %(host)s is not Ollama, or its answer broke off.") % {"host": host}
        raise (BrokeOff if has_begun() else NotReachable)(sentence) from error


def _unknown(model: str) -> ModelUnknown:
    return ModelUnknown(_("Ollama has no model “%(model)s”. Fetch it with: ollama pull %(model)s") % {"model": model})


def _turns(examples: Sequence[tuple[str, str]]) -> Iterator[dict[str, str]]:
    for prompt, reply in examples:
        yield {"role": "user", "content": prompt}
        yield {"role": "assistant", "content": reply}


def _sent_back(reply: str, fault: BadReply) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": reply[:SENT_BACK]}, {"role": "user", "content": fault.complaint}]
