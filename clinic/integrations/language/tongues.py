"""Which language a text seems to be in: enough to notice a model that answers in another one. No more than that."""

from __future__ import annotations

import re
import unicodedata

FEW_WORDS = 12  # below, only the script is looked at
SCRIPT_SHARE = 0.6  # of the letters, that must be of the language's script
COMMON_SHARE = 0.12  # of the words, that must be among its most common; running English has about .4
SCRIPTS = {"ar": "ARABIC", "en": "LATIN"}
ENGLISH = """
the a an of to and in is are was were that this it its as at by for from on or with not no be has have had about when
what which who than then there their her his she he they patient i my me you your we so but if after before while during
says said speaks answer
"""
COMMON = {"en": frozenset(ENGLISH.split())}


def is_in(text: str, language: str) -> bool:
    """Whether a text may be in this language; True where there is nothing to tell it by."""
    script = SCRIPTS.get(language[:2])
    letters = [letter for letter in text if letter.isalpha()]
    if script is None or not letters:
        return True
    ours = sum(unicodedata.name(letter, "").startswith(script) for letter in letters)
    return ours >= SCRIPT_SHARE * len(letters) and _has_common_words(text, language[:2])


def _has_common_words(text: str, language: str) -> bool:
    common = COMMON.get(language)
    words = re.findall(r"[^\W\d_]+", text.lower())
    if common is None or len(words) < FEW_WORDS:
        return True
    return sum(word in common for word in words) >= COMMON_SHARE * len(words)
