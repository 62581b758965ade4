"""A reply's text → what was asked for, or why not, in words that can be sent back to the model. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from pydantic import ValidationError

from clinic.integrations.language import tongues
from clinic.integrations.language.errors import BadReply, EmptyReply, InvalidReply, TruncatedReply, WrongLanguage
from clinic.integrations.language.model import Shape

AGAIN = "Answer again: JSON of the given form, nothing else."
NAMES = {"en": "English", "ar": "Arabic"}


def read(text: str, is_cut: bool, shape: type[Shape], language: str, model: str) -> Shape:
    """Raises BadReply with `complaint`: what to tell the model, without a word of what it wrote."""
    if not text.strip():
        raise _fault(EmptyReply, _("The language model %(model)s answered with nothing."), model, "was empty")
    try:
        value = shape.model_validate_json(text)
    except ValidationError as error:
        if is_cut or _breaks_off(error):
            sentence = _("The reply of the language model %(model)s was cut off before its end.")
            raise _fault(TruncatedReply, sentence, model, "was too long and was cut off: be shorter") from error
        sentence = _("The language model %(model)s answered in a form that cannot be used.")
        raise _fault(InvalidReply, sentence, model, f"could not be used ({_wrong(error)})") from error
    if not tongues.is_in(" ".join(_texts(value.model_dump())), language):
        sentence = _("The language model %(model)s answered in another language than the one that was asked for.")
        raise _fault(WrongLanguage, sentence, model, f"was not in {NAMES.get(language[:2], language)}")
    return value


def _fault(kind: type[BadReply], sentence: str, model: str, wrong: str) -> BadReply:
    fault = kind(sentence % {"model": model})
    fault.complaint = f"Your reply {wrong}. {AGAIN}"
    return fault


def _breaks_off(error: ValidationError) -> bool:
    return any(one["type"] == "json_invalid" and "EOF" in one["msg"] for one in error.errors(include_input=False))


def _wrong(error: ValidationError) -> str:
    """Places and kinds of what is wrong; values are left out."""
    wrong = [
        f"{'.'.join(map(str, one['loc'])) or 'the reply'}: {one['msg']}"
        for one in error.errors(include_input=False, include_url=False)[:5]
    ]
    return json.dumps(wrong)[:600]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
