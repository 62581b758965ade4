"""What makes an Arabic question a doubtful one. Pure."""

import pytest

from interviews.questions import are_alike, faults


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("هل تشعر بالحزن؟", "yes or no"),
        ("فكّر في الأسبوع الماضي. هل كنت حزينا؟", "yes or no"),
        ("كيف تنام وماذا تحلم؟", "two things"),
        ("كيف تنام؟ ماذا تحلم؟", "one question"),
        ("كيف تنام?", "one question"),
        ("حدّثنا عن يومك.", "one question"),
        ("يومك صعب، أليس كذلك؟", "suggests"),
        ("ما الأعراض التي تزعجك؟", "clinical word"),
        ("How do you sleep at night these days?", "another language"),
        (
            "كيف تصف كل ما حدث لك ولأهلك ولأصدقائك في العمل وفي البيت وفي الطريق منذ أن بدأت هذه الأمور كلها قبل سنين؟",
            "hard to read",
        ),
    ],
)
def test_a_doubtful_question_is_found(text, fault):
    assert any(fault in found for found in faults(text, "ar"))


@pytest.mark.parametrize("text", ["كيف كان نومك في الليلة الماضية؟", "ماذا يمنحك لحظة هدوء؟"])
def test_a_plain_open_question_has_no_fault(text):
    assert faults(text, "ar") == []


def test_nearly_the_same_words_ask_the_same():
    assert are_alike("What helps you?", "What helps you most?")
    assert are_alike("كيف كان نومك؟", "كيف كان نومك ؟")
    assert not are_alike("How did you sleep?", "Who helps you at home?")
