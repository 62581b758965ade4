"""What can go wrong with a language model. Each kind has a state to be stored, and a sentence in the reader's language.

No text here holds anything of what was asked or answered: both hold a patient's words.
"""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class LanguageModelError(Exception):
    """The text may be shown to a person."""

    state = "failed"
    sentence: str | Promise = _("The language model failed.")


class NotReachable(LanguageModelError):
    state = "down"
    sentence = _("The language model's server cannot be reached.")


class BrokeOff(NotReachable):
    """It had begun to answer."""

    state = "broke off"
    sentence = _("The language model's server went away while it was writing.")


class ModelUnknown(LanguageModelError):
    state = "model missing"
    sentence = _("The language model's server does not have the model that is set up.")


class PromptTooLong(LanguageModelError):
    state = "too long"
    sentence = _("The answers are too long for the language model to be read at once.")


class BadReply(LanguageModelError):
    """Twice the reply could not be used. `complaint`: what the model is told about the first."""

    complaint = ""
    state = "unusable"
    sentence = _("The language model's reply could not be used.")


class EmptyReply(BadReply):
    state = "empty"
    sentence = _("The language model answered with nothing.")


class TruncatedReply(BadReply):
    state = "cut off"
    sentence = _("The language model's reply was cut off before its end.")


class InvalidReply(BadReply):
    """No JSON, or not the JSON that was asked for."""

    state = "invalid"
    sentence = _("The language model's reply did not have the form that was asked for.")


class WrongLanguage(BadReply):
    state = "wrong language"
    sentence = _("The language model answered in another language than the one that was asked for.")


KINDS: tuple[type[LanguageModelError], ...] = (
    LanguageModelError,
    NotReachable,
    BrokeOff,
    ModelUnknown,
    PromptTooLong,
    BadReply,
    EmptyReply,
    TruncatedReply,
    InvalidReply,
    WrongLanguage,
)


def sentence_for(state: str) -> str:
    """What a stored state says, in the language of whoever reads it now; empty for none."""
    return next((str(kind.sentence) for kind in KINDS if kind.state == state), "")
