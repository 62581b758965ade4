"""A transcript as passages, and as captions."""

from clinic.integrations.hearing import Word
from interviews.passages import LONGEST, PAUSE, passages, webvtt


def spoken(*words: str, start: float = 0.0, pace: float = 0.4) -> list[Word]:
    return [Word(word, start + at * pace, start + at * pace + 0.3, 0.9) for at, word in enumerate(words)]


def test_a_pause_begins_a_new_passage():
    first, second = spoken("I", "slept"), spoken("badly", start=10.0)
    assert [len(passage.words) for passage in passages([*first, *second])] == [2, 1]


def test_a_short_breath_does_not():
    first = spoken("I", "slept")
    second = spoken("badly", start=first[-1].end + PAUSE - 0.1)
    assert len(passages([*first, *second])) == 1


def test_a_long_speech_is_parted_at_the_end_of_a_sentence():
    words = spoken(*["word"] * LONGEST, "end.", "Next", "one")
    assert [len(passage.words) for passage in passages(words)] == [LONGEST + 1, 2]


def test_silence_has_no_passages():
    assert passages([]) == []


def test_captions_carry_the_times_and_cannot_carry_markup():
    told = webvtt(spoken("<b>so</b>", "&", "on", start=59.9996))
    assert told.startswith("WEBVTT\n\n00:01:00.000 --> 00:01:01.100\n")
    assert "&lt;b&gt;so&lt;/b&gt; &amp; on" in told


def test_no_caption_is_longer_than_a_screen():
    told = webvtt(spoken(*["word"] * 25))
    assert [cue.count("word") for cue in told.split("\n\n")[1:]] == [10, 10, 5]
