"""A net that was trained on clips reads a recording: in windows cut as its clips were, only where there is evidence."""

import json
import shutil

import pytest
import torch

from emotion.ml import checkpoint, clip_reading, known, media
from emotion.ml.clip_reading import ReadWindow, beginnings, with_windows
from emotion.ml.errors import WrongCheckpoint
from emotion.ml.readings import Point
from tests.emotion import checkpoints
from tests.emotion.ml.recordings import feat, spoken, write

EIGHTH = (0.125,) * 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A pack with a narrow, untrained late transformer."""
    folder = tmp_path_factory.mktemp("pack")
    checkpoints.a_clip_reader_file(folder / "both.safetensors")
    told = {"name": "tiny", "files": {"multimodal": "both.safetensors"}, "parts": {"multimodal": "lt"}}
    (folder / "pack.json").write_text(json.dumps(told))
    return folder


@pytest.fixture(scope="module")
def reader(folder):
    return clip_reading.load(folder)


def weeping(seconds: float):
    for picture in media.pictures(feat("WolfgangLanger_Pexels.mp4"), rate=10):
        if picture.point / 10 >= seconds:
            return
        yield picture.point / 10, picture.pixels


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write(tmp_path_factory.mktemp("clip") / "both.webm", weeping(3), spoken("two_cities.wav", 3))


def test_a_pack_with_such_a_net_has_a_hash_and_a_version_of_its_own(reader, recogniser):
    assert reader.pack == "tiny"
    assert reader.pack_sha256 != recogniser.pack_sha256
    assert reader.versions["multimodal"] == "lt"


def test_what_both_show_comes_from_the_net_and_all_else_from_the_parts(reader, recogniser, clip):
    read, parts = reader.read(clip), recogniser.read(clip)
    assert [point.face for point in read.points] == [point.face for point in parts.points]
    assert [point.voice for point in read.points] == [point.voice for point in parts.points]
    fused = [point.fused for point in read.points if point.fused]
    assert fused
    assert all(abs(sum(shares) - 1) < 1e-6 for shares in fused)
    assert fused != [point.fused for point in parts.points if point.fused]


def test_a_window_says_what_the_net_says_of_the_same_clip_of_a_corpus(reader, clip):
    """The whole way by hand, from the file to the calibrated probabilities."""
    window = reader.windows._cut(clip, 0.0, 1.0)
    assert window.faces.shape == (5, 3, 224, 224)  # as the made corpus has it
    assert window.has_face.all()
    saved = checkpoint.load(reader.loaded.file("multimodal"))
    net = known.net_of(saved.card)
    saved.into(net).eval()
    batch = reader.windows.collate([clip_reading.as_example(window)]).bright(32)
    with torch.inference_mode():
        by_hand = (net(batch.faces, batch.cepstrum) / 2.0).softmax(dim=1)[0]
    assert next(reader.windows.read(clip, 3.0)).probabilities == pytest.approx(by_hand.tolist(), abs=1e-5)


def test_a_recording_without_sound_keeps_the_fusion_of_the_parts(reader, recogniser, tmp_path):
    mute = write(tmp_path / "mute.webm", weeping(1.5))
    assert [point.fused for point in reader.read(mute).points] == [
        point.fused for point in recogniser.read(mute).points
    ]


def test_windows_begin_half_a_window_apart_and_the_last_ends_with_the_recording():
    assert beginnings(0.4, 1.0) == [0.0]
    assert beginnings(1.0, 1.0) == [0.0]
    assert beginnings(2.0, 1.0) == [0.0, 0.5, 1.0]
    assert beginnings(2.3, 1.0) == pytest.approx([0.0, 0.5, 1.0, 1.3])


def test_a_point_has_the_mean_of_its_windows_and_nothing_without_evidence():
    sure = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    windows = [ReadWindow(0.0, 1.0, EIGHTH), ReadWindow(0.5, 1.5, sure)]
    assert with_windows(Point(at=0.2, face=sure), windows).fused == EIGHTH
    assert with_windows(Point(at=0.6, voice=sure), windows).fused[0] == pytest.approx(0.5625)
    assert with_windows(Point(at=0.6), windows).fused is None


def test_a_net_that_reads_no_recording_is_refused_with_a_sentence(folder, tmp_path):
    from emotion.ml.training.config import NetConfig, TrainingConfig
    from emotion.ml.training.systems import build

    config = TrainingConfig(net=NetConfig(name="voice-small", width=0.1))
    card = checkpoint.Card(net="voice-small", config=config.model_dump(mode="json"))
    shutil.copytree(folder, tmp_path / "pack")
    checkpoint.save(tmp_path / "pack" / "both.safetensors", build(config.net), card)
    with pytest.raises(WrongCheckpoint, match="does not read face and voice"):
        clip_reading.load(tmp_path / "pack")
