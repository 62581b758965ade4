"""Face and voice together: what one may say for the other, and that neither is made surer than it is."""

from statistics import fmean

import pytest

from emotion.ml.fusing import FusionConfig, believed, fuse, pooled
from emotion.ml.labels import LABELS
from emotion.ml.readings import Gap, Point, leading
from tests.emotion.ml.recordings import feat

CONFIG = FusionConfig()


def shares(**named: float) -> tuple[float, ...]:
    """Probabilities over LABELS; what is not named shares the rest, "calm" being left out."""
    others = [name for name in LABELS if name not in named and name != "calm"]
    rest = (1 - sum(named.values())) / len(others)
    return tuple(named.get(name, rest if name != "calm" else 0.0) for name in LABELS)


def test_nothing_is_named_where_neither_channel_has_evidence():
    [point] = fuse([Point(at=0, face_gap=Gap.NO_FACE, voice_gap=Gap.SILENCE)], CONFIG)
    assert point.fused is None


def test_a_channel_alone_speaks_for_both():
    voice = shares(angry=0.6)
    assert pooled(None, voice, CONFIG) == voice
    face = pooled(shares(sad=0.9), None, CONFIG)
    assert leading(face) == "sad"
    assert sum(face) == pytest.approx(1)


def test_a_face_is_believed_no_further_than_it_was_right():
    # Sure with .915 on average, right on .548 of the hard stills.
    assert max(believed(shares(happy=0.915), CONFIG.face_trust)) == pytest.approx(0.548, abs=0.002)
    assert sum(believed(shares(happy=0.915), CONFIG.face_trust)) == pytest.approx(1)


def test_the_faces_trust_follows_from_how_sure_the_net_is(recogniser):
    clips = ("WolfgangLanger_Pexels.mp4", "face_noface.mov", "noface_face.mov", "single_face.mp4")
    faces = [point.face for clip in clips for point in recogniser.read(feat(clip)).points if point.face]
    sure = fmean(map(max, faces))
    assert len(faces) > 130
    assert CONFIG.face_trust == pytest.approx((0.548 - 1 / 7) / (sure - 1 / 7), abs=0.01)


def test_where_both_agree_the_result_is_no_surer_than_the_surer_of_them():
    face, voice = shares(sad=0.9), shares(sad=0.7)
    both = pooled(face, voice, CONFIG)
    assert leading(both) == "sad"
    assert max(both) <= max(*believed(face, CONFIG.face_trust), *voice) + 0.02


def test_where_they_disagree_neither_wins_by_much():
    both = pooled(shares(happy=0.9), shares(sad=0.6), CONFIG)
    assert {LABELS[label] for label in sorted(range(8), key=both.__getitem__)[-2:]} == {"happy", "sad"}
    assert max(both) < 0.5


def test_calm_is_told_from_neutral_by_the_voice_alone():
    face = shares(neutral=0.95)
    calm = pooled(face, (0.1, 0.7, *[0.2 / 6] * 6), CONFIG)
    neutral = pooled(face, (0.7, 0.1, *[0.2 / 6] * 6), CONFIG)
    assert (leading(calm), leading(neutral)) == ("calm", "neutral")
    assert pooled(face, None, CONFIG)[LABELS.index("calm")] == 0


@pytest.mark.parametrize("label", ["fearful", "disgust"])
def test_a_face_that_cannot_tell_a_label_does_not_veto_it(label):
    voice = shares(**{label: 0.7})
    blank = pooled(shares(**dict.fromkeys(("neutral", "happy", "sad", "angry", "surprised"), 0.2)), voice, CONFIG)
    assert leading(blank) == label
    said = pooled(shares(**{label: 0.9}), shares(sad=0.4), CONFIG)
    assert leading(said) == "sad"  # nor does its word for it count


def test_a_face_is_averaged_over_its_neighbours_and_not_over_gaps():
    points = [Point(at=at / 5, face=shares(happy=0.9) if at != 5 else shares(sad=0.9)) for at in range(11)]
    assert leading(fuse(points, CONFIG)[5].fused) == "happy"  # one picture is no expression
    [_, alone] = fuse([Point(at=0, face=shares(happy=0.9)), Point(at=0.2, face_gap=Gap.NO_FACE)], CONFIG)
    assert alone.fused is None
