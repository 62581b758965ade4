"""What calls a human at once, and what does not. The sentences are ours; no clinician has labelled them."""

import pytest

from clinic.integrations.hearing import Word
from interviews.risk import DANGER, OTHERS, SELF, Finding, screen


def said(text: str) -> list[Word]:
    """A word every half second."""
    return [Word(word, at / 2, at / 2 + 0.4, 0.9) for at, word in enumerate(text.split())]


def kinds(text: str) -> set[str]:
    return {finding.kind for finding in screen(said(text))}


@pytest.mark.parametrize(
    "text",
    [
        "Sometimes I want to die.",
        "I just want to be dead",
        "I've been thinking about suicide a lot",
        "I feel suicidal most evenings",
        "I'm going to kill myself",
        "I thought of killing myself last week.",
        "I don't want to live anymore",
        "I don't really want to be here anymore",
        "I do not want to wake up tomorrow",
        "I wish I was dead",
        "I wish I were never born",
        "I wish I hadn't been born",
        "Everybody would be better off without me.",
        "They are better off if I were dead",
        "There is no reason to live",
        "There's no point in living like this",
        "I have nothing to live for",
        "my life is not worth living",
        "I took all the pills",
        "I overdosed two years ago",
        "I cut myself when it gets bad",
        "I have been hurting my self again",
        "I self-harm, on my arms",
        "I'd jump off the bridge",
        "I want to end my life",
        "I just want to end it all",
        "I would like to go to sleep and never wake up",
        "I keep thinking about dying",
        "I wrote a goodbye letter",
        "I was slitting my wrists",
        "I do not want to kill myself",
        "أريد أن أموت",
        "أنا أفكر في الانتحار",
        "بدي أموت",
        "أُريدُ أَنْ أَقْتُلَ نَفْسِي",
        "لا أريد أن أعيش",
        "لا معنى للحياة",
        "أتمنى الموت كل ليلة",
        "عايزة أموت",
        "حاولت إنهاء حياتي",
        "أجرح نفسي",
        "ياريتني ميت",
    ],
)
def test_who_speaks_of_dying_or_of_hurting_herself_is_heard(text):
    assert SELF in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "I could kill my husband, I really could stab him",
        "I am afraid that I will hurt my baby",
        "The voices keep telling me to do things",
        "I want to kill him",
        "سوف أقتلها",
        "أصوات في رأسي تأمرني",
    ],
)
def test_who_may_hurt_others_is_heard(text):
    assert OTHERS in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "He beats me when he is drunk",
        "my husband sometimes hits me",
        "I'm scared for my life",
        "I do not feel safe... I am not safe at home",
        "He said he was going to kill me",
        "I was raped at nineteen",
        "زوجي يضربني",
        "هو يهددني كل يوم",
    ],
)
def test_who_is_in_danger_is_heard(text):
    assert DANGER in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "It was the best of times, it was the worst of times",
        "This job is killing me",
        "I could kill for a coffee",
        "I was dead tired after work",
        "I laughed so hard I nearly died",
        "My grandfather died last spring and I miss him",
        "I cut the bread myself",
        "My phone is dead again",
        "I want to live near the sea",
        "I want to dye my hair",
        "The deadline made everything hard",
        "I sleep badly and wake up at four",
        "I hurt my knee when I was running",
        "I take my pills every morning",
        "I jumped at every noise",
        "He hit the ball over the fence",
        "Sometimes I feel sad for no reason at all",
        "مات جدي في الربيع",
        "أنا متعب من العمل",
        "أحب الحياة في المدينة",
        "أنام قليلا وأستيقظ في الرابعة",
    ],
)
def test_everyday_speech_is_left_alone(text):
    assert kinds(text) == set()


def test_a_finding_says_which_words_at_which_second():
    [finding] = screen(said("Well, at night I want to die. Then it passes."))
    assert finding == Finding(SELF, "want to die.", 2.0, 3.4)


def test_the_longest_of_nested_phrases_is_told_once():
    [finding] = screen(said("I would never wake up again and that is fine"))
    assert finding.words == "never wake up"
    [finding] = screen(said("I took all the sleeping pills"))
    assert "pills" in finding.words


def test_two_kinds_in_one_answer_are_two_findings_in_order():
    found = screen(said("he beats me and I want to die"))
    assert [finding.kind for finding in found] == [DANGER, SELF]


def test_a_long_answer_is_screened_quickly_enough_to_run_on_every_answer():
    words = said(" ".join(["and then I went to the shop because she said it would be fine"] * 1500))
    assert screen(words) == []
