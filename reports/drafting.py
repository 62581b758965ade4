"""The language model is asked: once for each answer, or each piece of a long one, then for a conclusion.

Everything it writes is held against the evidence. A reply that cannot be used costs its own answer's sentences and no
more; a server that goes away costs the draft, and the report is composed without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from pydantic import BaseModel

from clinic.integrations.language import BadReply, LanguageModel, LanguageModelError, PromptTooLong, Told, sentence_for
from reports import asking, growing, prompts
from reports.composing import Drafted, listed
from reports.evidence import Evidence
from reports.holding import Held, Standing
from reports.shapes import ANALYSIS, EXPRESSION, MOST_TOKENS, SUMMARY, AnswerNotes, Conclusion, WordsNotes

SECTIONS = (SUMMARY, EXPRESSION, ANALYSIS)


class NothingStands(LanguageModelError):
    state = "nothing stands"
    sentence = gettext_lazy("Nothing that the language model wrote pointed at the evidence.")


def told(trouble: str) -> str:
    """A version's trouble as a sentence in the reader's language; empty for none."""
    return str(NothingStands.sentence) if trouble == NothingStands.state else sentence_for(trouble)


@dataclass(frozen=True)
class Watcher:
    """Who hears of a draft while it is written."""

    on_progress: Callable[[float], None] = lambda share: None
    on_growth: Callable[[growing.Growth], None] = lambda growth: None
    on_wait: Callable[[str], None] = lambda why: None


@dataclass
class Draft:
    """What stands of everything the model wrote, and what wrote it."""

    engine: str
    digest: str
    held: Held
    by_answer: dict[int, dict[str, list[Standing]]] = field(default_factory=dict)
    conclusion: list[Standing] = field(default_factory=list)
    to_ask: list[Standing] = field(default_factory=list)
    faults: list[LanguageModelError] = field(default_factory=list)

    @property
    def standing(self) -> list[Standing]:
        return [one for sections in self.by_answer.values() for several in sections.values() for one in several]

    @property
    def trouble(self) -> str:
        """The state of the first reply that could not be used; empty for none."""
        return self.faults[0].state if self.faults else ""

    def drafted(self) -> Drafted:
        return Drafted(
            note=note(self),
            by_answer={
                position: {name: tuple(one.line for one in several) for name, several in sections.items()}
                for position, sections in self.by_answer.items()
            },
            conclusion=tuple(one.line for one in self.conclusion),
            to_ask=tuple(one.line for one in self.to_ask),
        )


def write(
    model: LanguageModel, evidence: Evidence, language: str, with_readings: bool = True, watcher: Watcher | None = None
) -> Draft:
    """Raises LanguageModelError: the server is not there, or nothing of what it wrote can stand."""
    return _Writing(model, evidence, language, with_readings, watcher or Watcher()).whole()


class _Writing:
    def __init__(self, model: LanguageModel, evidence: Evidence, language: str, with_readings: bool, watcher: Watcher):
        self._model, self._evidence, self._language = model, evidence, language
        self._with_readings, self._watcher = with_readings, watcher
        self._draft = Draft(model.engine, model.check(), Held(evidence))
        self._pieces = asking.pieces(evidence)
        self._done = 0  # of the pieces and the conclusion

    def whole(self) -> Draft:
        for piece in self._pieces:
            self._one_piece(piece)
        draft = self._draft
        if draft.standing:
            self._conclusion()
        if draft.standing:
            return draft
        if draft.faults:
            raise draft.faults[0]
        told = {"model": draft.engine, "count": draft.held.struck.total()}
        raise NothingStands(
            _("The language model %(model)s was asked, but none of its %(count)s sentences pointed at the evidence.")
            % told
        )

    def _one_piece(self, piece: asking.Piece) -> None:
        position = piece.answer.position
        shape = AnswerNotes if self._with_readings else WordsNotes
        told = self._ask(prompts.ANSWER, piece.data(self._with_readings), shape, position)
        sections = self._draft.by_answer.setdefault(position, {})
        for name in SECTIONS:
            standing = self._draft.held.standing(getattr(told.value, name, ()) if told else (), position)
            sections[name] = sections.get(name, []) + standing

    def _conclusion(self) -> None:
        data = asking.for_conclusion(self._draft.standing, self._evidence.scales)
        told = self._ask(prompts.CONCLUSION, data, Conclusion, None)
        if told:
            self._draft.conclusion = self._draft.held.standing(told.value.conclusion)
            self._draft.to_ask = self._draft.held.standing(told.value.to_ask)

    def _ask(self, part: str, data: Any, shape: type[BaseModel], position: int | None) -> Told[Any] | None:
        """None where the reply could not be used, or the answer is too long to be read at once."""
        watcher, steps = self._watcher, len(self._pieces) + 1
        grown = growing.Grower(self._evidence, position, watcher.on_growth)
        try:
            told = self._model.ask(
                prompts.system(part, self._language),
                prompts.between_lines(data),
                shape,
                lambda share: watcher.on_progress((self._done + share) / steps),
                language=self._language,
                most_tokens=MOST_TOKENS[shape],
                on_text=grown.take,
                on_wait=watcher.on_wait,
            )
        except (BadReply, PromptTooLong) as fault:
            self._draft.faults.append(fault)
            return None
        finally:
            grown.finish()
            self._done += 1
            watcher.on_progress(self._done / steps)
        self._draft.digest = told.digest
        return told


def note(draft: Draft) -> str:
    """Who wrote it, and what was left out of what it wrote."""
    what = {"engine": draft.engine, "digest": draft.digest[:12], "prompt": prompts.VERSION}
    parts = [
        _(
            "The drafted sentences were written by the language model %(engine)s (digest %(digest)s, prompt "
            "%(prompt)s) and held against the evidence; the rest was composed from the measurements."
        )
        % what
    ]
    if total := draft.held.struck.total():
        reasons = listed(f"{reason}: {count}" for reason, count in draft.held.struck.most_common())
        struck = ngettext(
            "%(count)s of its sentences was struck (%(reasons)s).",
            "%(count)s of its sentences were struck (%(reasons)s).",
            total,
        )
        parts.append(struck % {"count": total, "reasons": reasons})
    if draft.faults:
        unusable = ngettext(
            "%(count)s of its replies could not be used: %(why)s",
            "%(count)s of its replies could not be used, the first because: %(why)s",
            len(draft.faults),
        )
        parts.append(unusable % {"count": len(draft.faults), "why": str(draft.faults[0])})
    return " ".join(parts)
