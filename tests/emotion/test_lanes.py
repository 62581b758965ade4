"""A timeline as lanes and as a table: nothing guessed, nothing smoothed away."""

import pytest

from emotion import lanes
from emotion.ml.labels import LABELS
from emotion.ml.readings import Gap, Point


def a_face(label: str, share: float = 0.8) -> tuple[float, ...]:
    rest = (1 - share) / (len(LABELS) - 1)
    return tuple(share if name == label else rest for name in LABELS)


HAPPY = Point(at=0.0, face=a_face("happy"), speech=0.9, pitch=20.0, arousal=1.0)
SAD = Point(at=0.2, face=a_face("sad", 0.6), speech=0.1, voice_gap=Gap.SILENCE)
NOBODY = Point(at=0.4, face_gap=Gap.NO_FACE, speech=0.8, pitch=24.0, arousal=-1.0)


def test_columns_keep_gaps_as_gaps_with_their_reason():
    columns = lanes.columns([HAPPY, SAD, NOBODY])
    happy = columns["face"][LABELS.index("happy")]
    assert happy[0] == 0.8
    assert happy[2] is None
    assert columns["face_gap"] == [None, None, "no face in the picture"]
    assert columns["voice_gap"] == [None, "silence", None]


def test_pitch_is_told_against_the_speakers_own_median():
    assert lanes.columns([HAPPY, SAD, NOBODY])["pitch"] == [-2.0, None, 2.0]


def test_a_row_averages_what_was_read_and_says_how_much_was_not():
    (row,) = lanes.table([HAPPY, HAPPY, SAD, NOBODY])
    assert (str(row.label), row.probability_percent) == ("happy", round(100 * (0.8 + 0.8 + 0.4 / 7) / 3))
    assert (row.missing_percent, row.face_gaps) == (25, "no face in the picture")
    assert row.speaking_percent == 75
    assert row.arousal == pytest.approx(1 / 3)


def test_a_row_without_any_face_has_no_expression():
    (row,) = lanes.table([NOBODY])
    assert row.label is None
    assert row.missing_percent == 100


def test_a_recording_without_sound_says_nothing_about_speaking():
    (row,) = lanes.table([Point(at=0.0, face=a_face("sad"), voice_gap=Gap.NO_SOUND)])
    assert (row.speaking, row.pitch, row.arousal) == (None, None, None)


def test_rows_cover_five_seconds_each():
    rows = lanes.table([Point(at=at, face_gap=Gap.NO_FACE) for at in (0.0, 4.9, 5.0, 17.0)])
    assert [(row.start, row.end) for row in rows] == [(0, 5), (5, 10), (15, 20)]


def test_shares_count_moments_that_could_be_read():
    assert lanes.shares([HAPPY, HAPPY, SAD, NOBODY]) == [("happy", 67), ("sad", 33)]
    assert lanes.gaps([HAPPY, HAPPY, SAD, NOBODY]) == [("no face in the picture", 25)]


def test_nothing_read_is_nothing_to_share():
    assert lanes.shares([NOBODY]) == []
    assert lanes.table([]) == []
    assert lanes.columns([])["at"] == []


def test_every_reason_for_a_gap_has_words():
    assert set(lanes.GAP_WORDS) == set(Gap)
    assert set(lanes.LABEL_WORDS) == set(LABELS)


def test_voice_and_both_have_columns_and_a_row_of_their_own():
    briefly = Point(
        at=0.2, speech=0.9, pitch=21.0, voice_gap=Gap.LITTLE_SPEECH, face=a_face("sad"), fused=a_face("sad")
    )
    points = [Point(at=0.0, voice=a_face("calm", 0.7), speech=0.9, fused=a_face("calm", 0.7)), briefly]
    columns = lanes.columns(points)
    assert [row[0] for row in columns["voice"]] == [round(share, 4) for share in a_face("calm", 0.7)]
    assert {row[1] for row in columns["voice"]} == {None}
    assert columns["both"][LABELS.index("sad")][1] == 0.8
    assert columns["voice_gap"] == [None, "too little speech"]
    assert columns["sound_gap"] == [None, None]  # its pitch is there
    (row,) = lanes.table(points)
    assert (str(row.voice_label), row.voice_percent) == ("calm", 70)
    assert str(row.both_label) in ("calm", "sad")
