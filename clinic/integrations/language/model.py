"""What anybody may ask a language model for, whoever runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel

Shape = TypeVar("Shape", bound=BaseModel)
Progress = Callable[[float], None]  # told the share of the longest possible reply, 0 to 1
Writing = Callable[[str], None]  # told the reply so far: JSON that has no end yet
Wait = Callable[[str], None]  # told why nothing happens yet

MOST_TOKENS = 2_000  # of a reply


@dataclass(frozen=True)
class Told(Generic[Shape]):
    """A reply that fits, and what exactly wrote it."""

    value: Shape
    engine: str
    digest: str  # of the model's files, as Ollama names it
    tries: int


@dataclass(frozen=True)
class Answering:
    """What answers at the address of the language model."""

    version: str  # of the server
    model: str
    digest: str
    bytes: int | None
    quantization: str
    context: int | None  # tokens that the model was made for


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
        examples: Sequence[tuple[str, str]] = (),
        language: str = "",
        most_tokens: int = MOST_TOKENS,
        on_text: Writing | None = None,
        on_wait: Wait | None = None,
    ) -> Told[Shape]:
        """
        seed         which of the possible replies; it matters only at a temperature above 0
        examples     prompts with the reply each should have had, shown to the model as turns before this one
        language     that the reply must be in; empty for any
        most_tokens  of the reply: what the schema's bounds allow, and no more
        on_text      from the start again when a reply is asked for a second time

        Raises LanguageModelError.
        """
        ...
