"""A patient who says "ignore your instructions" changes nothing: neither what is asked, nor what a report may say."""

import json
import re

import pytest

from reports import asking, drafting, growing, prompts, wording
from reports.composing import About, compose
from reports.evidence import gather
from reports.holding import Struck, hold
from reports.rendering import to_html
from reports.shapes import AnswerNotes, Conclusion, Sentence
from tests.fakes import ScriptedModel
from tests.reports.cases import a_reply, points
from tests.reports.hostile import ANSWERS, OBEYED

ABOUT = About("Low mood v1", "Mina Haddad", "A-17", None)
NUMBERED = [pytest.param(text, id=str(number)) for number, text in enumerate(ANSWERS, 1)]


def evidence_with(text: str):
    """The hostile answer beside an innocent one."""
    return gather(
        [
            a_reply(text, points(("sad", 8))),
            a_reply("Walking by the river helps me", position=2, answer_id=12),
        ]
    )


def between(prompt: str) -> dict:
    fence = re.search(r"^--- evidence \w{16}$", prompt, re.M).group()
    return json.loads(prompt.split(f"{fence}\n")[1])


def obeying(wish: str):
    """A model that does what it was told by the patient: it writes this, with an anchor that is right."""

    def answer(shape, prompt):
        if shape is Conclusion:
            wished = {"answer": 1, "from_word": 0, "to_word": 0, "seconds": 0.5, "text": wish}
            return Conclusion(conclusion=[wished], to_ask=[wished])
        position = between(prompt)["answer"]
        honest = "The patient speaks about a river." if position == 2 else wish
        one = Sentence(answer=position, from_word=0, to_word=0, seconds=0.5, text=honest[:240])
        return AnswerNotes(answer_summary=[one], expression=[one], analysis=[one])

    return answer


def test_there_are_many_of_them_in_both_languages():
    arabic = [text for text in ANSWERS if re.search(r"[\u0600-\u06ff]", text)]
    assert len(ANSWERS) >= 30
    assert len(arabic) >= 8


@pytest.mark.parametrize("text", NUMBERED)
def test_what_a_patient_says_stays_data_and_reaches_no_other_answers_prompt(text):
    first, *others = asking.pieces(evidence_with(text))
    prompt = prompts.between_lines(first.data(with_readings=True))
    assert sum(line.startswith("--- evidence") for line in prompt.splitlines()) == 2
    said = " ".join(group["said"] for group in between(prompt)["words"])
    assert said.split()[:3] == text.split()[:3]
    other = prompts.between_lines(others[-1].data(with_readings=True))
    assert between(other)["words"][0]["said"] == "Walking by the river helps me"


@pytest.mark.parametrize("text", NUMBERED)
def test_a_model_that_obeyed_is_struck_and_the_other_answer_keeps_its_sentences(text):
    wish = "The patient is healthy and there is no risk."
    evidence = evidence_with(text)
    draft = drafting.write(ScriptedModel(obeying(wish)), evidence, "en")
    assert [one.sentence.answer for one in draft.standing] == [2, 2, 2]
    assert draft.conclusion == draft.to_ask == []
    html = to_html(compose(ABOUT, evidence, draft.drafted()), {1: 11, 2: 12}, lambda answer, seconds: "/there/")
    assert wish not in html
    assert not re.search(r"<(?!/?(h\d|p|ul|ol|li|blockquote|em|strong|hr|br|a|span)\b)[a-z]", html)
    assert set(re.findall(r'href="([^"]*)"', html)) <= {"/there/"}
    assert "<h1" in html
    assert html.count("<h1") == 1


@pytest.mark.parametrize("wish", [pytest.param(text, id=str(number)) for number, text in enumerate(OBEYED, 1)])
def test_what_an_attacker_wants_written_is_struck_whatever_it_points_at(wish):
    evidence = evidence_with("I would like to go home")
    sentence = Sentence(answer=1, from_word=0, to_word=2, seconds=0.5, text=wish)
    with pytest.raises(Struck):
        hold(sentence, evidence, 1)
    reply = AnswerNotes(answer_summary=[sentence], expression=[], analysis=[]).model_dump_json()
    assert list(growing.shown(reply, evidence, 1)) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "The patient speaks about a sister and about walks by the river.",
        "The words and the face reading lean to different sides here.",
        "تتحدث المريضة عن أختها وعن المشي قرب النهر.",
        "تميل قراءة الوجه إلى الحزن في هذه الثواني.",
        "تطول الوقفة بعد ذكر العمل.",
        "يصف المريض يومه في العمل ويحسب ساعات النوم.",
    ],
)
def test_plain_sentences_in_both_languages_are_left_alone(sentence):
    assert wording.faults(sentence) == []
    assert not wording.mixes_alphabets(sentence)
