"""Which of an item's answers somebody said: plain code, English and Arabic. What is not clear chooses nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from interviews.risk import plain
from interviews.scales import Option

NUMBERS: dict[str, int] = {
    **{word: value for value, word in enumerate(("zero", "one", "two", "three", "four", "five", "six"))},
    **{word: value for value, word in enumerate(("صفر", "واحد", "اثنان", "ثلاثه", "اربعه", "خمسه", "سته"))},
    **{"nought": 0, "واحده": 1, "اثنين": 2, "اثنتان": 2, "ثلاث": 3, "اربع": 4},
    **{word: value for value, word in enumerate("٠١٢٣٤٥٦")},
}
HOMOPHONES = {"won": 1, "to": 2, "too": 2, "for": 4}  # of a number that is said alone
# What people say around their answer. Nothing here changes what an answer means.
AROUND = """
um uh er well i id would say think it its is was probably about like the a an number answer option my that yes ok okay
please so just oh hmm then them those for me have had been
يعني اقول اظن ربما الرقم رقم الجواب جوابي هو هي انا اه نعم طيب والله كان كانت
"""
DENIED = """
not no never dont didnt isnt wasnt hardly
لا ليس ليست مش مو ما غير
"""
FILLERS, NEGATIONS = frozenset(AROUND.split()), frozenset(DENIED.split())
ALIKE = 0.84  # how alike a misheard answer must be to one that is offered


def choice(text: str, options: Sequence[Option]) -> int | None:
    """The points of the one answer that was said; None where none was, or more than one, or it was denied."""
    said = _words(text)
    if not said:
        return None
    found, left = _phrases(said, options)
    if not found:
        number = _number(said, options)
        return _misheard(said, options) if number is None else number
    if len(found) > 1 or NEGATIONS & set(left) or _numbers(left):
        return None
    return found.pop()


def _phrases(said: Sequence[str], options: Sequence[Option]) -> tuple[set[int], list[str]]:
    """The points of the answers whose words were said, longest first, and the words that are left over."""
    phrases = sorted(
        ((tuple(_words(phrase)), option.value) for option in options for phrase in (option.text, *option.spoken)),
        key=lambda pair: -len(pair[0]),
    )
    left, found = list(said), set()
    for words, value in phrases:
        place = _place(left, words) if words else None
        while place is not None:
            left[place : place + len(words)] = ["|"]  # what stood on either side is not one phrase now
            found.add(value)
            place = _place(left, words)
    return found, [word for word in left if word != "|"]


def _place(words: Sequence[str], wanted: Sequence[str]) -> int | None:
    ends = range(len(words) - len(wanted) + 1)
    return next((start for start in ends if tuple(words[start : start + len(wanted)]) == tuple(wanted)), None)


def _number(said: Sequence[str], options: Sequence[Option]) -> int | None:
    """A number and nothing else that matters: "two" is an answer, "two days" is not."""
    rest = [word for word in said if word not in FILLERS]
    values = [HOMOPHONES[said[0]]] if len(said) == 1 and said[0] in HOMOPHONES else _numbers(rest)
    if len(set(values)) != 1 or len(values) != max(1, len(rest)):
        return None
    value = values[0]
    return value if any(option.value == value for option in options) else None


def _numbers(words: Sequence[str]) -> list[int]:
    return [int(word) if word.isdecimal() else NUMBERS[word] for word in words if word.isdecimal() or word in NUMBERS]


def _misheard(said: Sequence[str], options: Sequence[Option]) -> int | None:
    """The one answer that the whole sentence is very like, as a recogniser may have got a letter wrong."""
    rest = " ".join(word for word in said if word not in FILLERS)
    if NEGATIONS & set(said):
        return None
    alike = {
        option.value
        for option in options
        for phrase in (option.text, *option.spoken)
        if phrase and len(rest) > 4 and SequenceMatcher(None, rest, " ".join(_words(phrase))).ratio() >= ALIKE
    }
    return alike.pop() if len(alike) == 1 else None


def _words(text: str) -> list[str]:
    """Without punctuation and vowel marks; an ending that only Arabic grammar asks for is dropped."""
    return [re.sub(r"(?<=\w{3})ا$", "", word) for word in plain(re.sub(r"[,.;:!?،؟؛]", " ", text)).split()]
