"""A model's sentences held against the evidence: only those that point at what is there, in words a report may use.

A sentence names words by their number. What is quoted beside it is taken from the transcript, never from the model.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext_lazy as _

from clinic.integrations.hearing import Word
from reports import wording
from reports.evidence import AnswerEvidence, Evidence
from reports.marking import anchor, plain, quoted
from reports.shapes import ScaleSentence, Sentence

NEAR = 1.5  # seconds by which a sentence may miss what it points at
MOST_WORDS = 60  # that one sentence may rest on
MARKUP = re.compile(r"<\s*[/!a-z]|https?:|www\.|\]\s*\(|[`{}]|!\[|^\s*#|&\w+;|\w\.(com|org|net|example)\b", re.I)
INNER = re.compile(r"[“\"«„]([^”\"»“]+)[”\"»“]?")

NO_ANSWER = _("points at no answer")
EMPTY = _("is empty")
MARKED_UP = _("carries markup or an address")
TOO_MUCH = _("says more than was measured")
MIXED = _("mixes alphabets within a word")
NOT_SAID = _("quotes what was not said")
NO_WORDS = _("points at words that are not there")
OTHER_SECOND = _("names a second at which this was not said")
NOTHING_MEASURED = _("points at nothing measured")
OTHER_SCORE = _("does not give a questionnaire's result as it is")


class Struck(Exception):
    """Why a sentence does not stand."""


@dataclass(frozen=True)
class Standing:
    """A sentence that stands, and its line in the report."""

    sentence: Sentence
    line: str  # markdown with its anchor


@dataclass
class Held:
    """What stands in which section, in order, and how many were struck for which reason."""

    evidence: Evidence
    struck: Counter[str] = field(default_factory=Counter)

    def standing(self, sentences: Iterable[Sentence], position: int | None = None) -> list[Standing]:
        """position: of the answer they must be about."""
        found: dict[str, Standing] = {}
        for sentence in sentences:
            try:
                one = hold(sentence, self.evidence, position)
            except Struck as reason:
                self.struck[str(reason)] += 1
            else:
                found.setdefault(one.line, one)
        return list(found.values())


def hold(sentence: Sentence, evidence: Evidence, position: int | None = None) -> Standing:
    """Raises Struck."""
    _hold_words(sentence.text)
    if isinstance(sentence, ScaleSentence) and sentence.instrument.strip():
        return Standing(sentence, f"{plain(sentence.text)} ({_scale(sentence, evidence)})")
    answer = evidence.answer(sentence.answer)
    if answer is None or not answer.is_recorded or position not in (None, sentence.answer):
        raise Struck(NO_ANSWER)
    words = words_of(answer)
    for inner in INNER.findall(sentence.text):
        if not _was_said(inner, words):
            raise Struck(NOT_SAID)
    if sentence.from_word < 0 and sentence.to_word < 0:
        seconds = _measured(sentence.seconds, answer)
        return Standing(sentence, f"{plain(sentence.text)} {anchor(answer.position, seconds)}")
    span = _span(sentence, answer, words)
    said = quoted(" ".join(word.word for word in span))
    return Standing(sentence, f"{plain(sentence.text)} {said} {anchor(answer.position, span[0].start)}")


def words_of(answer: AnswerEvidence) -> Sequence[Word]:
    """The words of an answer; of a written one all at second 0."""
    return answer.words or tuple(Word(word, 0.0, 0.0, 1.0) for word in answer.text.split())


def _hold_words(text: str) -> None:
    """Raises Struck where a text may not stand in a report, whatever it points at."""
    if not text.strip():
        raise Struck(EMPTY)
    if MARKUP.search(wording.visible(text)):
        raise Struck(MARKED_UP)
    if wording.mixes_alphabets(text):
        raise Struck(MIXED)
    if wording.faults(text):
        raise Struck(TOO_MUCH)


def _span(sentence: Sentence, answer: AnswerEvidence, words: Sequence[Word]) -> Sequence[Word]:
    first, last = sentence.from_word, sentence.to_word
    if not 0 <= first <= last < len(words) or last - first >= MOST_WORDS:
        raise Struck(NO_WORDS)
    span = words[first : last + 1]
    if answer.words and not span[0].start - NEAR <= sentence.seconds <= span[-1].end + NEAR:
        raise Struck(OTHER_SECOND)
    return span


def _measured(seconds: float, answer: AnswerEvidence) -> float:
    if any(start - NEAR <= seconds <= end + NEAR for start, end in answer.moments()):
        return seconds
    raise Struck(NOTHING_MEASURED)


def _scale(sentence: ScaleSentence, evidence: Evidence) -> str:
    named = sentence.instrument.strip().casefold()
    scale = next((one for one in evidence.scales if one.name.casefold() == named), None)
    if scale is None or scale.score is None:
        raise Struck(OTHER_SCORE)
    numbers = set(re.findall(r"\d+", sentence.text))
    if not numbers <= {str(scale.score), str(scale.most), *re.findall(r"\d+", scale.name)}:
        raise Struck(OTHER_SCORE)
    return plain(scale.told)


def _was_said(quote: str, words: Sequence[Word]) -> bool:
    said, wanted = [token for word in words for token in _tokens(word.word)], _tokens(quote)
    return any(said[at : at + len(wanted)] == wanted for at in range(len(said) - len(wanted) + 1))


def _tokens(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower().replace("’", "'").replace("'", ""))
