"""What a scripted model writes about the answer that `SAID` is: sentences with anchors that are right, or wrong."""

from collections.abc import Callable

from pydantic import BaseModel

from reports.shapes import AnswerNotes, Conclusion, Sentence, WordsNotes
from tests.reports.cases import points

SAID = "It has been hard … but my sister visits me"
SEEN = points(("sad", 8), ("happy", 6), arousal={4.0: 2.2})


def about(text: str, first: int, last: int, seconds: float) -> Sentence:
    return Sentence(answer=1, from_word=first, to_word=last, seconds=seconds, text=text)


GOOD = about("The patient speaks about a sister.", 5, 8, 6.0)
BAD = about("The patient speaks about a brother.", 16, 19, 6.0)
READ = about("The face reading leans to sad.", -1, -1, 3.0)


def writing(*sentences: Sentence, conclusion: Sentence | None = None) -> Callable[[type[BaseModel], str], BaseModel]:
    """These sentences as the summary of each answer, one on the readings where they are asked for, and a conclusion."""

    def answer(shape: type[BaseModel], prompt: str) -> BaseModel:
        if shape is Conclusion:
            drawn = [conclusion.model_dump()] if conclusion else []
            return Conclusion(conclusion=drawn, to_ask=[])
        if shape is WordsNotes:
            return WordsNotes(answer_summary=list(sentences), analysis=[])
        return AnswerNotes(answer_summary=list(sentences), expression=[READ], analysis=[])

    return answer


def as_replies(answer: Callable[[type[BaseModel], str], BaseModel]) -> Callable[[dict], str]:
    """The same over the wire."""

    def reply(request: dict) -> str:
        fields = request["format"]["properties"]
        shape = Conclusion if "conclusion" in fields else AnswerNotes if "expression" in fields else WordsNotes
        return answer(shape, request["messages"][1]["content"]).model_dump_json()

    return reply
