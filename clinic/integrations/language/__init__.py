"""A language model on the clinic's own machines: Llama through Ollama's client. Optional: everything works without.

What it writes is held against a schema. A reply that does not fit is sent back once, with the reason; then the
caller gets a clear failure. Nothing here logs or repeats what was asked or answered: both hold a patient's words.
"""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext as _

from clinic.integrations.language.errors import (
    BadReply,
    BrokeOff,
    EmptyReply,
    InvalidReply,
    LanguageModelError,
    ModelUnknown,
    NotReachable,
    PromptTooLong,
    TruncatedReply,
    WrongLanguage,
    sentence_for,
)
from clinic.integrations.language.model import MOST_TOKENS, Answering, LanguageModel, Progress, Told, Wait, Writing
from clinic.integrations.language.ollama_model import CHECK_SECONDS, TRIES, OllamaModel

__all__ = [
    "CHECK_SECONDS",
    "MOST_TOKENS",
    "TRIES",
    "Answering",
    "BadReply",
    "BrokeOff",
    "EmptyReply",
    "InvalidReply",
    "LanguageModel",
    "LanguageModelError",
    "ModelUnknown",
    "NotReachable",
    "OllamaModel",
    "Progress",
    "PromptTooLong",
    "Told",
    "TruncatedReply",
    "Wait",
    "Writing",
    "WrongLanguage",
    "available",
    "language_model",
    "sentence_for",
    "trouble",
]


def language_model(name: str = "") -> OllamaModel | None:
    """The model of this name, or the one the settings name; None when they name no host. Asks nobody: see `trouble`."""
    if not settings.OLLAMA_HOST:
        return None
    return OllamaModel(
        settings.OLLAMA_HOST,
        name or settings.OLLAMA_MODEL,
        settings.OLLAMA_TIMEOUT,
        longest=settings.OLLAMA_LONGEST,
        keep_alive=settings.OLLAMA_KEEP_ALIVE,
        context=settings.OLLAMA_CONTEXT,
        at_once=settings.OLLAMA_PARALLEL,
    )


def available() -> bool:
    return trouble() == ""


def trouble() -> str:
    """Why no language model would answer now, in a sentence; empty when one would. Takes a second at most."""
    model = language_model()
    if model is None:
        return _("No language model is set up (OLLAMA_HOST is empty).")
    try:
        model.check()
    except LanguageModelError as error:
        return str(error)
    return ""
