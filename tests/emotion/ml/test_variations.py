"""Clips that are spoilt, said otherwise or turned."""

import pytest
import torch

from emotion.ml.training.examples import Batch, draws
from emotion.ml.training.modality_dropout import dropped, with_degraded, without
from emotion.ml.training.variations import degraded, noisy, said_otherwise, turned
from tests.emotion.ml.training_runs import collating, four, made, tiny


def sharpness(faces):
    return float((faces.float()[..., 1:] - faces.float()[..., :-1]).abs().mean())


def signal_to_noise(clean, heard):
    return float(10 * (clean.square().mean() / (heard - clean).square().mean()).log10())


def test_noise_lies_ten_decibels_under_every_voice_and_every_face_is_a_quarter_as_large():
    for clip in four():
        spoilt = noisy(clip, draws(0))
        assert signal_to_noise(clip.sound, spoilt.sound) == pytest.approx(10, abs=0.1)
        assert spoilt.height == clip.height / 4
        assert spoilt.faces.shape == clip.faces.shape
        assert spoilt.faces.dtype == torch.uint8
        assert not torch.equal(spoilt.faces, clip.faces)


def test_one_channel_is_degraded_and_the_other_left():
    clip = four()[0]
    face, voice = degraded(clip, "face", draws(0)), degraded(clip, "voice", draws(0))
    assert torch.equal(face.sound, clip.sound)
    assert torch.equal(voice.faces, clip.faces)
    assert face.height < clip.height
    assert -5 <= signal_to_noise(clip.sound, voice.sound) <= 20
    assert face.name == voice.name == ""  # a cepstrum that was kept for the clip is not theirs


def test_frames_without_a_face_stay_without():
    clip = four()[0]
    gap = clip._replace(has_face=torch.tensor([True, False, True, True, True]), faces=clip.faces.clone())
    gap.faces[1] = 0
    assert not noisy(gap, draws(0)).faces[1].any()


def test_of_each_clip_there_is_the_whole_one_one_with_a_spoilt_face_and_one_with_a_spoilt_voice():
    clips = list(made().train)
    copies = with_degraded(clips, draws(0))
    assert len(copies) == 3 * len(clips)
    assert copies[: len(clips)] == clips
    faceless = [not copy.has_face.any() for copy in copies[len(clips) : 2 * len(clips)]]
    voiceless = [not copy.sound.any() for copy in copies[2 * len(clips) :]]
    assert 0 < sum(faceless) < len(clips)
    assert 0 < sum(voiceless) < len(clips)


def test_a_twin_has_another_pace_and_no_word_of_its_own():
    clip = four()[1]
    twin = said_otherwise(clip, draws(3))
    assert len(twin.sound) != len(clip.sound)
    assert set(twin.text.split()) <= set(clip.text.split())
    assert twin.text


def test_a_missing_channel_is_missing_in_every_form_in_which_the_net_gets_it():
    batch = collating(tiny("dynamic"))(four()).bright(32)
    deaf, blind = without(batch, "voice", "none", None), without(batch, "face", "none", None)
    assert not deaf.sound.any()
    assert not deaf.cepstrum.any()
    assert torch.equal(deaf.faces, batch.faces)
    assert not blind.faces.any()
    assert not blind.has_face.any()
    assert without(collating(tiny("mmer"))(four()), "text", "none", None).texts == ("",) * 4


def test_copies_of_a_batch_keep_each_clip_s_label_length_and_faces_together():
    batch = collating(tiny("enhanced"))(four()).bright(32)
    copies = dropped(batch, "softhard", torch.Generator().manual_seed(0))
    assert len(copies) == 16
    for clip in range(4):
        mine = copies.labels == batch.labels[clip]
        assert mine.sum() == 4
        assert (copies.lengths[mine] == batch.lengths[clip]).all()
        assert sum(torch.equal(faces, batch.faces[clip]) for faces in copies.faces[mine]) == 2
        assert sum(torch.equal(sound, batch.sound[clip]) for sound in copies.sound[mine]) == 2


def test_about_half_of_the_clips_are_mirrored_all_frames_alike():
    faces = torch.rand(40, 3, 3, 8, 8)
    seen = turned(faces, "flip", torch.Generator().manual_seed(0))
    mirrored = [torch.equal(after, before.flip(-1)) for after, before in zip(seen, faces, strict=True)]
    kept = [torch.equal(after, before) for after, before in zip(seen, faces, strict=True)]
    assert all(one != other for one, other in zip(mirrored, kept, strict=True))
    assert 10 < sum(mirrored) < 30
    assert torch.equal(turned(faces, "none", torch.Generator()), faces)


def test_a_face_is_turned_about_its_middle_by_a_few_degrees():
    faces = torch.zeros(30, 2, 3, 33, 33)
    faces[..., 16, :] = 1  # a line through the middle
    seen = turned(faces, "flip and turn", torch.Generator().manual_seed(0))
    assert torch.equal(seen[:, 0], seen[:, 1])
    assert (seen[..., 16, 16] > 0.9).all()
    ends = seen[:, 0, 0, :, 30].argmax(dim=1)  # where the line meets the right edge
    assert ends.min() >= 13
    assert ends.max() <= 19
    assert len(set(ends.tolist())) > 3


def test_faces_become_bright_once():
    batch = Batch(torch.zeros(1, dtype=torch.long), faces=torch.full((1, 2, 3, 32, 32), 255, dtype=torch.uint8))
    bright = batch.bright(64)
    assert bright.faces.shape == (1, 2, 3, 64, 64)
    assert bright.faces.min() == 1.0
    assert bright.bright(64) is bright
