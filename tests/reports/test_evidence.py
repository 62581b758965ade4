"""What is measured in an answer, on made timelines whose truth is known."""

import time

import pytest

from clinic.models import Job
from emotion.ml.readings import Point
from interviews.queries import Stage
from reports import evidence
from reports.evidence import gather, measure, shares
from tests.reports.cases import RATE, a_reply, face, points, words


def test_a_change_of_expression_is_found_at_its_second():
    found = measure(a_reply(seen=points(("sad", 7), ("happy", 6)))).spells
    assert [spell.label for spell in found] == ["sad", "happy"]
    assert found[0].start == 0
    assert found[0].end == pytest.approx(7, abs=0.5)
    assert found[1].end == pytest.approx(13, abs=0.1)
    [(before, after)] = measure(a_reply(seen=points(("sad", 7), ("happy", 6)))).changes
    assert (before.label, after.label) == ("sad", "happy")


def test_a_flicker_is_no_change():
    found = measure(a_reply(seen=points(("sad", 5), ("angry", 0.6), ("sad", 5)))).spells
    assert [spell.label for spell in found] == ["sad"]


def test_seconds_without_a_face_belong_to_no_expression():
    answer = measure(a_reply(seen=points(("sad", 5), ("no face", 4), ("sad", 5))))
    assert [(round(spell.start), round(spell.end)) for spell in answer.spells] == [(0, 5), (9, 14)]
    [gap] = answer.missing
    assert (gap.what, gap.reason) == ("face", "no face in the picture")
    assert gap.seconds == pytest.approx(4)
    assert gap.share == pytest.approx(4 / 14)


def test_a_moment_without_a_face_is_bridged():
    assert len(measure(a_reply(seen=points(("sad", 5), ("no face", 0.6), ("sad", 5)))).spells) == 1


def test_no_expression_is_named_where_none_leads():
    undecided = [Point(at=index / RATE, face=face("sad", 0.2)) for index in range(50)]
    assert measure(a_reply(seen=undecided)).spells == ()


def test_shares_are_of_the_seconds_that_could_be_named():
    led = dict(shares(measure(a_reply(seen=points(("sad", 6), ("no face", 20), ("happy", 2.4)))).spells))
    assert sum(led.values()) == pytest.approx(1)
    assert led["sad"] > 0.6


def test_the_voice_has_spells_of_its_own():
    seen = [
        Point(at=index / RATE, face=face("sad", 0.9), voice=face("calm" if index < 6 * RATE else "angry", 0.7))
        for index in range(int(12 * RATE))
    ]
    answer = measure(a_reply(seen=seen))
    assert [spell.label for spell in answer.spells] == ["sad"]
    assert [(spell.label, round(spell.start)) for spell in answer.voice_spells] == [("calm", 0), ("angry", 6)]
    assert (0.0, 6.0) in [(round(start, 1), round(end, 1)) for start, end in answer.moments()]


def test_the_voices_peaks_lie_apart_and_carry_their_words():
    seen = points(("neutral", 20), arousal={4.0: 2.5, 4.2: 2.4, 12.0: 1.9, 18.0: 0.5})
    answer = measure(a_reply("one two three four five six seven eight nine ten eleven twelve", seen))
    assert [peak.at for peak in answer.peaks] == [4.0, 12.0]
    assert "nine" in answer.peaks[0].words


def test_long_pauses_are_found_and_do_not_slow_the_speech():
    fluent = measure(a_reply("one two three four five six"))
    halting = measure(a_reply("one two three … four five six"))
    assert fluent.pauses == ()
    [pause] = halting.pauses
    assert pause.seconds == pytest.approx(3.04, abs=0.05)
    assert halting.speaking_rate == pytest.approx(fluent.speaking_rate, rel=0.1)
    assert halting.latency == 0.5


def test_only_the_longest_pauses_are_told_in_their_order():
    answer = measure(a_reply("a … b … c … d … e … f"))
    assert len(answer.pauses) == evidence.MOST_PAUSES
    assert [pause.start for pause in answer.pauses] == sorted(pause.start for pause in answer.pauses)


def test_silence_measures_to_nothing_and_divides_by_nothing():
    answer = measure(a_reply("", [], duration=None))
    assert (answer.speaking_rate, answer.latency, answer.voiced_share) == (None, None, None)
    assert (answer.spells, answer.voice_spells, answer.peaks, answer.pauses) == ((), (), (), ())


def test_one_word_has_no_rate():
    assert measure(a_reply("yes")).speaking_rate is None


def test_what_failed_says_why_and_the_rest_is_still_measured():
    stages = (
        Stage("join", Job.State.DONE, 100),
        Stage("transcribe", Job.State.DONE, 100),
        Stage("faces", Job.State.FAILED, 0, "The model file is damaged."),
        Stage("voice", Job.State.RUNNING, 40),
    )
    answer = measure(a_reply(stages=stages))
    assert [(one.what, one.reason) for one in answer.missing] == [
        ("face", "The model file is damaged."),
        ("voice", "This step had not ended when the report was drafted."),
    ]
    assert answer.speaking_rate


def test_a_question_left_out_has_no_evidence_and_no_excuse():
    answer = measure(a_reply("", state="waiting", stages=()))
    assert not answer.is_recorded
    assert answer.missing == ()
    assert gather([a_reply(state="waiting", stages=())]).recorded == ()


def test_an_hour_of_flicker_is_measured_in_seconds():
    began = time.process_time()
    labels = ("sad", "happy", "angry", "neutral")
    seen = [Point(at=index / RATE, face=face(labels[index % 4])) for index in range(3600 * 5)]
    assert measure(a_reply(seen=seen)).spells == ()
    assert time.process_time() - began < 10


def test_words_are_found_around_a_moment():
    assert evidence.words_around(words("one two three four five six seven eight nine"), 0.5, seconds=0.3) == "one"
