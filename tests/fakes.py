"""Outside services that say what a test tells them to, and remember what they were asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from pydantic import BaseModel

from clinic.integrations.hearing import Heard, Sound, Word
from clinic.integrations.language import Told


@dataclass
class ScriptedHearing:
    """Hears the same text in every sound: a word each half second."""

    text: str = ""
    heard: list[np.ndarray] = field(default_factory=list)

    def hear(self, sound: np.ndarray | Sound, on_progress: Callable[[float], None] | None = None) -> Heard:
        self.heard.append(np.concatenate(list(sound.stretches)) if isinstance(sound, Sound) else sound)
        if on_progress:
            on_progress(0.5)
        return Heard(self.text, tuple(self._words(self.text.split())), "scripted", "0" * 64, "en")

    def _words(self, words: Sequence[str]) -> list[Word]:
        return [Word(word, index / 2, index / 2 + 0.4, 0.9) for index, word in enumerate(words)]


@dataclass
class ScriptedModel:
    """Answers every question alike: with this value, by raising this error, or with what a function makes of it."""

    answer: BaseModel | Exception | Callable[[type[BaseModel], str], BaseModel]
    asked: list[tuple[str, str]] = field(default_factory=list)
    engine: str = "scripted"

    def check(self) -> str:
        return "d" * 64

    def ask(
        self,
        system: str,
        prompt: str,
        shape: type[BaseModel],
        on_progress: Callable[[float], None] | None = None,
        *,
        seed: int = 1,
        temperature: float = 0,
        examples: Sequence[tuple[str, str]] = (),
        language: str = "",
        most_tokens: int = 0,
        on_text: Callable[[str], None] | None = None,
        on_wait: Callable[[str], None] | None = None,
    ) -> Told:
        self.asked.append((system, prompt))
        if isinstance(self.answer, Exception):
            raise self.answer
        answer = self.answer if isinstance(self.answer, BaseModel) else self.answer(shape, prompt)
        if on_progress:
            on_progress(0.5)
        if on_text:
            text = answer.model_dump_json()
            for end in range(10, len(text) + 10, 10):
                on_text(text[:end])
        return Told(shape.model_validate(answer.model_dump()), self.engine, self.check(), 1)
