"""A sentence that a worker wrote in English is read in the language of the page."""

import pytest
from django.utils import translation

from clinic.jobs import AWAY
from clinic.reasons import told


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("The recording has no sound.", "ليس في التسجيل صوت."),
        (AWAY % {"name": "OSError"}, "لم يكن القرص أو قاعدة البيانات أو الذاكرة متاحًا للحظة (OSError)."),
        ("At one place 2.5 seconds of the picture are missing.", "في أحد المواضع تنقص 2.5 من ثواني الصورة."),
        ("3 parts of the recording have not arrived yet.", "لم تصل بعد 3 أجزاء من التسجيل."),
        (
            "Not possible, because the recording could not be put together. The recording is empty.",
            "غير ممكن، لأن التسجيل تعذّر جمعه. التسجيل فارغ.",
        ),
        ("Somebody wrote this.", "Somebody wrote this."),
        ("", ""),
    ],
    ids=["plain", "a name", "a figure", "a plural", "two sentences", "unknown", "nothing"],
)
def test_a_reason_is_told_in_arabic(sentence, expected):
    with translation.override("ar"):
        assert told(sentence) == expected
    assert told(sentence) == sentence


def test_a_percent_sign_does_no_harm():
    with translation.override("ar"):
        assert told("100 % of it") == "100 % of it"
