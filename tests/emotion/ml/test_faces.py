"""Faces are found where facenet-pytorch finds them, followed between searches, and left alone when unclear."""

import numpy as np
import pytest
import torch
from PIL import Image

from emotion.ml import media
from emotion.ml.faces import Cascade, CascadeConfig, ChoiceConfig, Face, Follower, Look, choose, cut_level
from emotion.ml.readings import Gap
from tests.emotion.ml.facenet import load_search
from tests.emotion.ml.recordings import feat

CLIPS = ("WolfgangLanger_Pexels.mp4", "single_face.mp4", "face_noface.mov")


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    common = (high - low).clip(min=0).prod()
    return common / ((one[2:] - one[:2]).prod() + (other[2:] - other[:2]).prod() - common)


@pytest.fixture(scope="module")
def cascade(recogniser) -> Cascade:
    return recogniser.cascade


@pytest.fixture(scope="module")
def weeping() -> list[media.Picture]:
    return list(media.pictures(feat("WolfgangLanger_Pexels.mp4")))[:60]  # a hand covers the face from point 12 on


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return next(media.pictures(feat("single_face.mp4"))).pixels  # (360, 640, 3), one face in the middle


def found(cascade: Cascade, *pictures: np.ndarray) -> list[list[Face]]:
    return cascade.search([torch.from_numpy(pixels.copy()) for pixels in pictures])


def follow(cascade: Cascade, pictures: list[media.Picture], **settings) -> list[Look]:
    follower = Follower(cascade, ChoiceConfig(), **settings)
    return [*(look for picture in pictures for look in follower.take(picture)), *follower.rest()]


@pytest.mark.parametrize("name", CLIPS)
def test_boxes_lie_where_facenet_pytorch_puts_them(cascade, name):
    pictures = [picture.pixels for picture in media.pictures(feat(name), lines=10_000)][::12]
    search = load_search()
    as_wide_as_theirs = Cascade(CascadeConfig(min_face=20 / pictures[0].shape[0], lines=10_000, factor=0.709))
    as_wide_as_theirs.load_state_dict(cascade.state_dict())
    same, ours, theirs = [], [], 0
    for pixels in pictures:
        boxes, _ = search.detect(pixels)
        for searcher, overlaps in ((as_wide_as_theirs.eval(), same), (cascade, ours)):
            faces = found(searcher, pixels)[0]
            assert bool(faces) == (boxes is not None)
            if faces:
                overlaps.append(overlap(faces[0].box, boxes[0]))
        theirs += boxes is not None
    assert len(same) == len(ours) == theirs > 0
    assert np.mean(same) > 0.87
    assert np.mean(ours) > 0.85
    assert min(ours) > 0.75


def test_the_points_are_eyes_above_nose_above_mouth(cascade, portrait):
    (face,) = found(cascade, portrait)[0]
    left_eye, right_eye, nose, left_mouth, right_mouth = face.points
    assert left_eye[0] < nose[0] < right_eye[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
    assert (face.points > face.box[:2]).all()
    assert (face.points < face.box[2:]).all()


def test_a_picture_gets_the_same_faces_alone_and_among_others(cascade, weeping):
    pictures = [picture.pixels for picture in weeping[::15]]
    for together, pixels in zip(found(cascade, *pictures), pictures, strict=True):
        alone = found(cascade, pixels)[0]
        assert len(alone) == len(together)
        for one, other in zip(alone, together, strict=True):
            assert np.abs(one.box - other.box).max() < 0.01
            assert np.abs(one.points - other.points).max() < 0.01


def test_following_sees_what_searching_every_picture_sees(cascade, weeping):
    few = weeping[:41]
    followed, searched = follow(cascade, few), follow(cascade, few, every=1)
    assert [look.point for look in followed] == [picture.point for picture in few]
    overlaps = [overlap(one.face.box, other.face.box) for one, other in zip(followed, searched, strict=True)]
    assert np.mean(overlaps) > 0.85
    assert min(overlaps) > 0.6


def test_following_searches_one_picture_in_five_while_the_face_stays(cascade, weeping, monkeypatch):
    searched, most = [], 0
    search = cascade.search
    monkeypatch.setattr(cascade, "search", lambda pictures: searched.extend(pictures) or search(pictures))
    follower = Follower(cascade, ChoiceConfig())
    for picture in weeping:
        list(follower.take(picture))
        most = max(most, len(follower.held))
    list(follower.rest())
    assert len(weeping) / 5 <= len(searched) <= len(weeping) / 3
    assert most <= 21  # four seconds and the next search: a long recording is never held whole


def test_how_many_pictures_are_held_changes_nothing(cascade, weeping):
    few, many = (follow(cascade, weeping[:28], at_once=at_once) for at_once in (1, 6))
    for one, other in zip(few, many, strict=True):
        assert np.abs(one.face.box - other.face.box).max() < 0.01


def test_a_face_that_leaves_is_not_followed_into_the_wall(cascade):
    looks = follow(cascade, list(media.pictures(feat("face_noface.mov")))[:24])
    assert all(isinstance(look.face, Face) for look in looks[:11])
    assert {look.face for look in looks[13:]} == {Gap.NO_FACE}


def test_a_turned_phone_in_mid_recording_is_read_on(cascade, weeping, portrait):
    upright = np.ascontiguousarray(portrait[:, 140:500])
    mixed = weeping[:7] + [media.Picture(point, upright) for point in range(7, 14)]
    looks = follow(cascade, mixed)
    assert [look.point for look in looks] == list(range(14))
    assert all(isinstance(look.face, Face) for look in looks)


def test_two_faces_of_a_size_are_nobodys(cascade, portrait):
    both = np.hstack([portrait[:, 140:500], portrait[:, 140:500]])
    assert choose(both, found(cascade, both)[0], ChoiceConfig()) == Gap.TWO_FACES


def test_a_small_face_behind_the_patient_does_not_silence_her(cascade, portrait):
    picture = portrait.copy()
    small = Image.fromarray(portrait[40:320, 180:460]).resize((90, 90))
    picture[10:100, 10:100] = np.asarray(small)
    faces = found(cascade, picture)[0]
    assert len(faces) == 2
    assert choose(picture, faces, ChoiceConfig()) is faces[0]


def test_a_face_too_far_away_says_so(cascade, portrait):
    far = np.full_like(portrait, 90)
    small = Image.fromarray(portrait).resize((128, 72), Image.Resampling.BOX)
    far[100:172, 200:328] = np.asarray(small)
    faces = found(cascade, far)[0]
    assert len(faces) == 1
    assert choose(far, faces, ChoiceConfig()) == Gap.TOO_SMALL


def test_a_dark_room_says_so_with_and_without_a_face(cascade, portrait):
    dim = (portrait * 0.15).astype(np.uint8)
    assert choose(dim, found(cascade, dim)[0], ChoiceConfig()) == Gap.TOO_DARK
    night = np.zeros_like(portrait)
    assert choose(night, found(cascade, night)[0], ChoiceConfig()) == Gap.TOO_DARK


def test_a_wall_is_no_face(cascade):
    wall = np.full((360, 640, 3), 180, np.uint8)
    assert choose(wall, found(cascade, wall)[0], ChoiceConfig()) == Gap.NO_FACE


@pytest.mark.parametrize("degrees", [-20, 0, 20])
def test_a_tilted_head_is_cut_out_upright(cascade, portrait, degrees):
    tilted = np.asarray(Image.fromarray(portrait).rotate(degrees, Image.Resampling.BILINEAR))
    (face,) = found(cascade, tilted)[0]
    cut = cut_level([torch.from_numpy(tilted.copy())], [face], side=112, margin=1.2)
    assert cut.shape == (1, 3, 112, 112)
    upright = cut[0].permute(1, 2, 0).round().byte().numpy()
    (again,) = found(cascade, np.pad(upright, ((40, 40), (40, 40), (0, 0))))[0]
    assert abs(again.points[0, 1] - again.points[1, 1]) < 4
    assert abs(again.points[:, 0].mean() - 96) < 8


def test_a_face_at_the_edge_is_cut_out_with_what_there_is(portrait):
    face = Face(np.array([-40, -30, 160, 220], np.float32), 0.99, np.array([[30, 60], [90, 60]] * 3, np.float32))
    cut = cut_level([torch.from_numpy(portrait)], [face], side=112, margin=1.2)
    assert torch.isfinite(cut).all()
    assert cut.min() >= 0
    assert cut.max() <= 255
