"""What the language model is asked to fill in. Headings and order are ours.

A sentence's anchors come before its text: while a reply is still being written, it is known what a sentence points at
before its first word is shown. Lengths are bounded by the schema, and the tokens of a reply by the schema's bounds.
"""

from __future__ import annotations

from pydantic import BaseModel, Field

LONGEST_SENTENCE = 240  # characters
TOKENS_A_SENTENCE = 200  # of that length in Arabic, with its anchors
SUMMARY, EXPRESSION, ANALYSIS = "answer_summary", "expression", "analysis"
CONCLUSION, TO_ASK = "conclusion", "to_ask"


class Sentence(BaseModel):
    """-1 and -1 where it points at a measurement instead of words."""

    answer: int
    from_word: int
    to_word: int
    seconds: float
    text: str = Field(min_length=1, max_length=LONGEST_SENTENCE)


class ScaleSentence(Sentence):
    """In a conclusion a sentence may point at a questionnaire's result instead."""

    instrument: str = Field(default="", max_length=20)


class WordsNotes(BaseModel):
    """On one answer, of which the model knows the words only."""

    answer_summary: list[Sentence] = Field(max_length=3)
    analysis: list[Sentence] = Field(max_length=2)


class AnswerNotes(BaseModel):
    """On one answer: its words, and what was read of face and voice."""

    answer_summary: list[Sentence] = Field(max_length=3)
    expression: list[Sentence] = Field(max_length=2)
    analysis: list[Sentence] = Field(max_length=2)


class Conclusion(BaseModel):
    conclusion: list[ScaleSentence] = Field(max_length=4)
    to_ask: list[ScaleSentence] = Field(max_length=3)


MOST_TOKENS: dict[type[BaseModel], int] = {
    WordsNotes: 5 * TOKENS_A_SENTENCE,
    AnswerNotes: 7 * TOKENS_A_SENTENCE,
    Conclusion: 7 * TOKENS_A_SENTENCE,
}
