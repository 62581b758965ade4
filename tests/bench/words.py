"""How many words were misheard."""

import re

# What two_cities.wav of moonshine-voice begins with.
OPENING = (
    "it was the best of times it was the worst of times it was the age of wisdom it was the age of foolishness "
    "it was the epoch of belief it was the epoch of incredulity it was the season of light it was the season of "
    "darkness it was the spring of hope it was the winter of despair we had everything before us we had nothing "
    "before us we were all going direct to heaven we were all going direct the other way"
)


def error_rate(said: str, truth: str) -> float:
    """Words to change, add or drop, as a share of the words that were said."""
    said_words, true_words = words_of(said), words_of(truth)
    row = list(range(len(said_words) + 1))
    for i, true in enumerate(true_words, start=1):
        before, row[0] = row[0], i
        for j, word in enumerate(said_words, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != true))
    return row[-1] / len(true_words)


def words_of(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())
