"""The report that no language model wrote: complete, anchored, and careful in its words."""

import re
from datetime import date

import pytest

from reports import composing, wording
from reports.composing import About, compose
from reports.evidence import gather
from tests.reports.cases import a_reply, points

ABOUT = About("Depressive episode v1", "Mina Haddad", "A-17", date(2026, 11, 1))
SEEN = points(("sad", 8), ("happy", 6), ("no face", 3), arousal={4.0: 2.2})


@pytest.fixture
def full() -> str:
    replies = [
        a_reply("It has been hard … but my sister visits me", SEEN),
        a_reply("", state="waiting", stages=(), position=2, question="What helps?", answer_id=12),
    ]
    return compose(ABOUT, gather(replies))


def headings(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("#")]


def test_it_says_that_no_language_model_wrote_it(full):
    assert "No language model wrote any of this report" in full


def test_it_has_a_part_for_each_question_then_one_for_the_clinician_and_the_limits(full):
    assert headings(full) == [
        "# Interview report: Depressive episode v1",
        "## Question 1",
        "## Question 2",
        "## For the clinician",
        "## Limits",
    ]


def test_it_quotes_the_question_and_the_whole_answer(full):
    assert "**Question:** How have you been?" in full
    assert "> “It has been hard but my sister visits me”" in full
    assert "This question was left out." in full


def test_each_observation_points_into_the_recording(full):
    assert re.search(
        r"From \[0:00\]\(#answer-1@0\.0\) to \[0:08\]\(#answer-1@8\.\d\) the face reading leans to sad", full
    )
    assert re.search(r"the face reading changes from sad to happy at \[0:0[78]\]", full)
    assert re.search(r"At \[0:04\]\(#answer-1@4\.0\) the voice was more activated", full)
    assert re.search(r"At \[0:02\]\(#answer-1@2\.\d\) there is a pause of 3\.\d seconds after “It has been hard”", full)


def test_what_could_not_be_measured_is_named_with_its_reason(full):
    assert "Face: no face in the picture during 3.0 seconds (18% of the answer)." in full


def test_an_unreliable_label_says_so_where_it_stands():
    text = compose(ABOUT, gather([a_reply(seen=points(("disgust", 6)))]))
    assert "leans to disgust (mean probability 0.70, a label that is unreliable)" in text


def test_why_there_is_no_model_is_said():
    text = compose(ABOUT, gather([a_reply()]), why_without="Ollama cannot be reached.")
    assert "*Ollama cannot be reached.*" in text


def test_an_answer_without_any_reading_is_still_reported():
    text = compose(ABOUT, gather([a_reply("", [])]))
    assert "No words were heard in this answer." in text
    assert "Nothing could be measured." in text


def test_the_engines_that_heard_and_read_are_named(full):
    assert "Heard by: scripted." in full
    assert "Read by: starter (abababababab)." in full


# --- Wording ---


def own_sentences(text: str) -> list[str]:
    """What the program itself says: without title, names, questions and answers."""
    own = [line for line in text.splitlines() if not line.startswith(("#", ">", "**Question", "Patient:"))]
    return [sentence for line in own for sentence in re.split(r"(?<=[.?!])\s", line) if sentence.strip()]


@pytest.mark.parametrize("label", ["sad", "happy", "angry", "fearful", "disgust", "surprised", "neutral", "calm"])
def test_nothing_composed_is_a_diagnosis_or_a_claim_about_feelings(label):
    seen = points((label, 8), ("happy", 5), ("too dark", 4), arousal={4.0: 2.2})
    replies = [a_reply("I was depressed … it is clearly a disorder", seen), a_reply("", [], position=2, answer_id=12)]
    text = compose(ABOUT, gather(replies))
    assert {one: wording.faults(one) for one in own_sentences(text) if wording.faults(one)} == {}
    assert len(own_sentences(text)) > 15


@pytest.mark.parametrize(
    "sentence",
    [
        "The patient felt sad at 0:07.",
        "She feels better when her sister visits.",
        "He is depressed.",
        "The patient seems to be very anxious here.",
        "This is consistent with a depressive episode.",
        "The answers meet criteria for F32.",
        "She suffers from insomnia.",
        "This suggests the presence of PTSD.",
        "An antidepressant should be considered.",
        "The face clearly shows grief.",
        "The recording proves it.",
    ],
)
def test_wording_that_a_report_may_not_use_is_found(sentence):
    assert wording.faults(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "The face reading leans to sad from 0:00 to 0:07.",
        "The patient says “I am depressed and I felt awful”.",
        "The voice was more activated than in the rest of this answer.",
        "What was the patient speaking about there?",
    ],
)
def test_neutral_wording_is_left_alone(sentence):
    assert wording.faults(sentence) == []


def test_the_fixed_sentences_are_neutral():
    fixed = [composing.NO_MODEL, composing.PURPOSE, *composing.LIMITS]
    assert [wording.faults(sentence) for sentence in fixed] == [[]] * len(fixed)
