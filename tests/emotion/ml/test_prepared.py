"""Published corpora, in small, are decoded once into windows; a preparation may be killed at any moment."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emotion.ml.__main__ import main
from emotion.ml.datasets import made
from emotion.ml.datasets.clips import Clip, CorpusError
from emotion.ml.datasets.corpora import CORPORA
from emotion.ml.datasets.prepared import Prepared, prepare
from emotion.ml.datasets.windows import MadeWindows, WindowConfig, cut_window, load_cascade
from emotion.ml.faces import Face
from emotion.ml.media import SAMPLE_RATE
from tests.emotion.ml import corpus_folders
from tests.emotion.ml.recordings import PICTURE, SOUND, write

SMALL = WindowConfig(seconds=0.6, frames=4, side=48)
TWO = ("01", "11")


@pytest.fixture(scope="module")
def ravdess(tmp_path_factory) -> Path:
    """Two actors, two clips each, with video and sound."""
    return corpus_folders.ravdess(tmp_path_factory.mktemp("ravdess"), actors=TWO)


@pytest.fixture(scope="module")
def cascade():
    return load_cascade()


@pytest.fixture
def folder(ravdess, tmp_path) -> Path:
    """A copy that may be damaged."""
    return Path(shutil.copytree(ravdess, tmp_path / "corpus"))


def prepared(name: str, folder: Path, cache: Path, config: WindowConfig = SMALL, **given) -> Prepared:
    return prepare(CORPORA[name], folder, cache, config, **given)


# What a window shows


def test_a_window_is_the_faces_and_the_sound_of_the_same_seconds(ravdess, tmp_path):
    made = prepared("ravdess", ravdess, tmp_path)
    assert len(made.clips) == 4
    for clip in made.clips:
        window = made.window(clip.name)
        assert (window.faces.shape, window.faces.dtype) == ((4, 3, 48, 48), np.uint8)
        assert (window.sound.shape, window.sound.dtype) == ((round(0.6 * SAMPLE_RATE),), np.float32)
        assert window.has_face.all()
        assert window.faces.std() > 20
        assert window.sound.std() > 0.1
    assert (made.damaged, made.without_face) == ({}, ())


def test_sound_alone_is_prepared_too_and_its_faces_are_zeros(tmp_path):
    source = corpus_folders.ravdess(tmp_path / "corpus", video=False, actors=TWO)
    made = prepared("ravdess-audio", source, tmp_path)
    window = made.window(made.clips[0].name)
    assert window.faces.shape == (4, 3, 48, 48)
    assert not window.faces.any()
    assert not window.has_face.any()
    assert window.sound.std() > 0.1
    assert made.without_face == ()  # nobody looked for one


def test_a_video_that_shows_nobody_is_kept_flagged_and_counted(tmp_path):
    made = prepared("cremad", corpus_folders.cremad(tmp_path / "corpus"), tmp_path)
    assert made.without_face == ("1001_IEO_SAD_LO",)
    assert made.window("1001_DFA_ANG_XX").has_face.all()
    assert not made.window("1001_IEO_SAD_LO").has_face.any()


def test_each_of_two_people_in_one_picture_is_looked_for_in_their_own_half(tmp_path):
    made = prepared("iemocap", corpus_folders.iemocap(tmp_path / "corpus"), tmp_path)
    she, he = (made.window(f"Ses01F_impro01_{turn}") for turn in ("F000", "M000"))
    assert she.has_face.all()
    assert not he.has_face.any()
    assert (she.text, he.text) == ("It is good.", "It is not.")
    assert she.sound.std() > 0.1


def test_meld_s_windows_carry_their_words(tmp_path):
    made = prepared("meld", corpus_folders.meld(tmp_path), tmp_path / "cache")
    assert [made.window(clip.name).text for clip in made.clips] == ["Oh, dev.", "Oh, test.", "Oh, train."]
    assert all(made.window(clip.name).has_face.all() for clip in made.clips)


def test_a_clip_shorter_than_the_window_is_shown_whole(ravdess, cascade):
    clip = CORPORA["ravdess"].read(ravdess)[0]
    window = cut_window(clip, WindowConfig(seconds=3.6, frames=4, side=48), cascade)
    assert len(window.sound) / SAMPLE_RATE == pytest.approx(corpus_folders.SECONDS, abs=0.05)
    assert window.has_face.all()


def flash_and_beep(path: Path, moment: float, seconds: float, codecs: tuple[str, str], late: float = 0.0) -> Path:
    """From `moment` on it is bright and loud. The pictures begin `late` seconds after the sound."""
    dark = (corpus_folders.face() * 0.6).astype(np.uint8)

    def pictures():
        for number in range(round((seconds - late) * PICTURE)):
            at = late + number / PICTURE
            yield at, corpus_folders.face() if at >= moment else dark

    sound = np.zeros(round(seconds * SOUND), np.float32)
    start = round(moment * SOUND)
    sound[start:] = 0.5 * np.sin(np.arange(len(sound) - start) / 20)
    return write(path, pictures(), sound, codecs=codecs)


@pytest.mark.parametrize(
    ("name", "codecs", "late", "part"),
    [
        ("clip.mp4", ("libx264", "aac"), 0.4, None),
        ("clip.flv", ("flv1", "libmp3lame"), 0.0, None),
        ("dialogue.avi", ("mpeg4", "pcm_s16le"), 0.0, (7.0, 11.0)),
        ("dialogue.mp4", ("libx264", "aac"), 0.3, (7.0, 11.0)),
    ],
)
def test_what_is_seen_and_heard_at_once_lies_at_one_place_of_the_window(tmp_path, cascade, name, codecs, late, part):
    start, end = part or (0.0, 4.0)
    path = flash_and_beep(
        tmp_path / name, moment=start + 2.3, seconds=end + 1 if part else 4.0, codecs=codecs, late=late
    )
    clip = Clip("x", "x", "happy", "1", "1", "x", video=path, sound=path)
    if part:
        clip = replace(clip, start=start, end=end)
    config = WindowConfig(seconds=2.0, frames=25, side=32)
    window = cut_window(clip, config, cascade)
    bright = window.faces.mean(axis=(1, 2, 3))
    flash = int(np.argmax(bright > (bright.min() + bright.max()) / 2))
    loud = np.abs(window.sound) > 0.2
    beep = int(np.argmax(loud)) / SAMPLE_RATE
    assert beep == pytest.approx(1.3, abs=0.04)  # the window begins one second into these four
    step = config.seconds / config.frames
    assert -1 / PICTURE <= (flash + 0.5) * step - beep <= step + 1 / PICTURE


class OneBox:
    """A face finder that finds one box wherever it looks."""

    def __init__(self, *box: float) -> None:
        points = np.array([[100, 100], [140, 100], [120, 120], [105, 140], [135, 140]], np.float32)
        self.face = Face(np.array(box, np.float32), 1.0, points)

    def search(self, pictures):
        return [[self.face] for _ in pictures]

    def look_again(self, pictures, boxes):
        return self.search(pictures)


def test_a_box_that_reaches_over_the_edge_is_cut_off_there(ravdess):
    clip = CORPORA["ravdess"].read(ravdess)[0]
    over, inside = (cut_window(clip, SMALL, OneBox(*box)) for box in ((-80, -40, 160, 200), (0, 0, 160, 200)))
    assert over.has_face.all()
    assert np.array_equal(over.faces, inside.faces)


def test_a_box_beside_the_picture_is_no_face(ravdess):
    clip = CORPORA["ravdess"].read(ravdess)[0]
    assert not cut_window(clip, SMALL, OneBox(400, 20, 500, 140)).has_face.any()


# What is kept, and what is not


def test_preparing_again_makes_nothing_and_says_so(ravdess, tmp_path):
    told = []
    first = prepared("ravdess", ravdess, tmp_path, on_progress=lambda done, count: told.append((done, count)))
    assert told == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    told.clear()
    again = prepared("ravdess", ravdess, tmp_path, on_progress=lambda done, count: told.append((done, count)))
    assert told == [(4, 4)]
    assert again == first


def test_another_config_gets_another_folder(ravdess, tmp_path):
    one = prepared("ravdess", ravdess, tmp_path)
    other = prepared("ravdess", ravdess, tmp_path, replace(SMALL, side=32))
    assert one.folder != other.folder
    assert one.digest != other.digest
    assert Prepared.open(one.folder) == one


def test_a_prepared_corpus_can_be_moved(ravdess, tmp_path):
    made = prepared("ravdess", ravdess, tmp_path / "here")
    there = made.folder.rename(tmp_path / "there")
    moved = Prepared.open(there)
    assert moved.digest == made.digest
    assert moved.window(moved.clips[0].name).has_face.all()


def test_damaged_clips_are_listed_with_reasons_and_stop_nothing(folder, tmp_path):
    broken, mute = sorted(folder.glob("Actor_01/*.wav"))
    broken.write_bytes(b"not a sound")
    mute.write_bytes(mute.read_bytes()[:44])  # the head of a file, and nothing after it
    made = prepared("ravdess", folder, tmp_path)
    assert len(made.clips) == 2
    assert set(made.damaged) == {path.stem.removeprefix("03-") for path in (broken, mute)}
    assert "not a video or sound recording" in made.damaged[broken.stem.removeprefix("03-")]
    assert all(made.damaged.values())


def test_a_clip_that_was_repaired_is_made_again_and_the_others_are_not(folder, tmp_path):
    broken = sorted(folder.glob("Actor_01/*.wav"))[0]
    whole = broken.read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])
    first = prepared("ravdess", folder, tmp_path)
    broken.write_bytes(whole)
    told = []
    second = prepared("ravdess", folder, tmp_path, on_progress=lambda done, count: told.append(done))
    assert told == [3, 4]
    assert second.folder == first.folder
    assert second.digest != first.digest
    assert second.digest == prepared("ravdess", folder, tmp_path / "anew").digest


def test_a_corpus_of_which_nothing_can_be_read_is_refused_with_a_reason(folder, tmp_path):
    for path in folder.glob("Actor_*/*"):
        path.write_bytes(b"")
    with pytest.raises(CorpusError, match="not one clip of 4 can be read"):
        prepared("ravdess", folder, tmp_path)


def test_what_is_not_prepared_or_damaged_is_refused_with_what_to_do(ravdess, tmp_path):
    with pytest.raises(CorpusError, match="Run “prepare” again"):
        Prepared.open(tmp_path)
    made = prepared("ravdess", ravdess, tmp_path)
    name = made.clips[0].name
    (made.folder / "clips" / f"{name}.safetensors").write_bytes(b"half")
    with pytest.raises(CorpusError, match=f"{name} is damaged"):
        made.window(name)
    assert prepared("ravdess", ravdess, tmp_path).window(name).has_face.all()
    (made.folder / "index.json").write_text("{}")
    with pytest.raises(CorpusError, match="damaged"):
        Prepared.open(made.folder)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(true, seconds: float = 240.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.002)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="the processes are looked for in /proc")
def test_a_preparation_killed_half_way_goes_on_and_comes_to_the_same_end(tmp_path):
    source = corpus_folders.ravdess(tmp_path / "corpus")
    command = [sys.executable, "-m", "emotion.ml", "prepare", "--corpus", "ravdess", "--folder", str(source)]
    command += ["--cache", str(tmp_path / "killed"), "--processes", "2"]
    command += ["--seconds", "0.6", "--frames", "4", "--side", "48"]
    with (tmp_path / "said").open("w") as said:
        running = subprocess.Popen(command, stdout=said, stderr=said)
    until(lambda: len(list(tmp_path.glob("killed/*/clips/*.safetensors"))) >= 3 or running.poll() is not None)
    workers = children(running.pid)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    assert len(workers) >= 2
    until(lambda: not any(is_running(worker) for worker in workers))
    (kept,) = tmp_path.glob("killed/*")
    count = len(list(kept.glob("clips/*.safetensors")))
    assert 3 <= count < 24
    with pytest.raises(CorpusError, match="prepared to its end"):
        Prepared.open(kept)

    told = []
    resumed = prepared("ravdess", source, tmp_path / "killed", on_progress=lambda done, count: told.append(done))
    assert told[0] == count
    assert resumed.digest == prepared("ravdess", source, tmp_path / "unbroken").digest
    assert not list(kept.glob("clips/*.part"))


def test_the_command_prints_where_it_is_and_what_is_wrong_with_it(folder, tmp_path, capsys):
    sorted(folder.glob("Actor_01/*.wav"))[0].write_bytes(b"")
    small = ["--cache", str(tmp_path), "--frames", "4", "--side", "48", "--seconds", "0.6"]
    assert main(["prepare", "--corpus", "ravdess", "--folder", str(folder), *small]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["clips"], len(said["damaged"]), said["without_face"]) == (3, 1, 0)
    assert Prepared.open(Path(said["folder"])).digest == said["digest"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--corpus", "ravdes"], "There is no corpus ravdes; there are made, ravdess"),
        (["--corpus", "made"], "nothing to prepare"),
        (["--corpus", "ravdess"], "there is no folder"),
        (["--corpus", "ravdess", "--frames", "0"], "--frames must be more than 0"),
    ],
)
def test_what_cannot_be_prepared_is_a_sentence(given, says, tmp_path, capsys):
    assert main(["prepare", *given, "--folder", str(tmp_path / "absent"), "--cache", str(tmp_path)]) == 1
    assert says in capsys.readouterr().err


def test_the_made_corpus_is_shown_the_same_way_without_being_prepared():
    clips = made.make(made.MadeConfig(actors=2, takes=1))
    windows = MadeWindows(clips)
    window = windows.window(windows.clips[3].name)
    assert np.array_equal(window.faces, clips[3].faces)
    assert np.array_equal(window.sound, clips[3].sound)
    assert window.has_face.all()
    assert windows.digest == MadeWindows(made.make(made.MadeConfig(actors=2, takes=1))).digest
    assert windows.digest != MadeWindows(made.make(made.MadeConfig(actors=2, takes=1, seed=1))).digest
