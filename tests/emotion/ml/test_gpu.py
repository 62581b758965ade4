"""A recording reads the same on any device, on any number of threads, and however much is read at once."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from emotion.ml import clip_reading, media, packs
from emotion.ml.clip_reading import ClipReader
from emotion.ml.datasets import made
from emotion.ml.datasets.windows import MadeWindows, Window
from emotion.ml.inference import Recogniser
from emotion.ml.readings import Reading
from emotion.ml.training.config import NetConfig, TrainingConfig
from emotion.ml.training.learners import learner_for
from emotion.ml.training.systems import build
from emotion.ml.voice_windows import WindowConfig
from tests.emotion.ml.recordings import feat, spoken, write

needs_a_gpu = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="There is no GPU here, so nobody asked whether it reads as the CPU does."
)
CHANNELS = ("face", "voice", "fused", "box")
NUMBERS = ("speech", "pitch", "arousal")


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """Eight seconds: more than one batch of faces (10), of searches (4) and of windows of voice."""
    frames = media.pictures(feat("WolfgangLanger_Pexels.mp4"), rate=25)
    pictures = ((picture.point / 25, picture.pixels) for picture in frames if picture.point < 8 * 25)
    return write(tmp_path_factory.mktemp("gpu") / "answer.webm", pictures, spoken("two_cities.wav", 8))


@pytest.fixture(scope="module")
def on_one_thread(recogniser, clip) -> Reading:
    return recogniser.read(clip)


@pytest.fixture(scope="module")
def windows() -> list[Window]:
    """One of each label."""
    drawn = MadeWindows(made.make(made.MadeConfig(actors=1, takes=1)))
    return [drawn.window(clip.name) for clip in drawn.clips]


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def differences(one: Reading, other: Reading) -> dict[str, float]:
    """The largest of each kind, having checked that both say something at the same moments."""
    found = dict.fromkeys((*CHANNELS, *NUMBERS), 0.0)
    for here, there in zip(one.points, other.points, strict=True):
        assert (here.face_gap, here.voice_gap) == (there.face_gap, there.voice_gap)
        for name in found:
            first, second = getattr(here, name), getattr(there, name)
            assert (first is None) == (second is None)
            if first is not None:
                pairs = zip(first, second, strict=True) if name in CHANNELS else [(first, second)]
                found[name] = max(found[name], *(abs(a - b) for a, b in pairs))
    return found


def test_the_recording_has_all_that_is_compared(on_one_thread):
    for name in (*CHANNELS, *NUMBERS):
        assert sum(getattr(point, name) is not None for point in on_one_thread.points) > 10


def test_the_number_of_threads_does_not_change_a_reading(on_one_thread, clip, threads):
    on_three = Recogniser.load(threads=3).read(clip)
    assert max(differences(on_three, on_one_thread).values()) < 1e-5


@pytest.mark.parametrize("at_once", [1, 3])
def test_how_many_windows_of_voice_are_heard_at_once_does_not_change_a_reading(on_one_thread, clip, threads, at_once):
    pack = packs.starter()
    other = replace(pack, config=replace(pack.config, voice=replace(WindowConfig(), at_once=at_once)))
    assert max(differences(Recogniser(other).read(clip), on_one_thread).values()) < 1e-5


def test_a_face_reads_the_same_alone_and_among_others(recogniser):
    torch.manual_seed(0)
    faces = torch.rand(23, 3, 112, 112) * 255 * torch.linspace(0.2, 1, 23).view(-1, 1, 1, 1)
    together = torch.tensor(recogniser.expressions(faces))
    alone = torch.tensor([recogniser.expressions(face[None])[0] for face in faces])
    assert (together - together[0]).abs().max() > 0.01
    torch.testing.assert_close(alone, together, rtol=0, atol=1e-5)


def test_a_window_of_both_reads_the_same_alone_and_among_others(recogniser, windows):
    reader = a_clip_reader(recogniser, windows, "cpu")
    together = torch.tensor(reader._ask(windows))
    alone = torch.tensor([reader._ask([window])[0] for window in windows])
    assert (together - together[0]).abs().max() > 0.01
    torch.testing.assert_close(alone, together, rtol=0, atol=1e-5)


def a_clip_reader(recogniser: Recogniser, windows: list[Window], device: str) -> ClipReader:
    """A narrow net that has seen the made corpus go by, so that its batch statistics are those of clips."""
    config = TrainingConfig(net=NetConfig(name="lt", width=0.1, side=32))
    torch.manual_seed(0)
    learner = learner_for(build(config.net), config)
    reader = ClipReader(learner, clip_reading.window_of(config), 0.2, recogniser.cascade, "cpu")
    learner.train()
    for _ in range(30):
        learner.logits(learner.prepared(reader.collate([clip_reading.as_example(window) for window in windows])))
    return ClipReader(learner, reader.shown, reader.temperature, recogniser.cascade, device)


@needs_a_gpu
def test_a_gpu_reads_as_the_cpu_does(on_one_thread, clip):
    found = differences(Recogniser.load(device="cuda").read(clip), on_one_thread)
    assert max(found.values()) < 1e-3, found


@needs_a_gpu
def test_a_trained_net_reads_on_a_gpu_as_on_the_cpu(recogniser, windows):
    on_cpu = torch.tensor(a_clip_reader(recogniser, windows, "cpu")._ask(windows))
    on_gpu = torch.tensor(a_clip_reader(recogniser, windows, "cuda")._ask(windows))
    torch.testing.assert_close(on_gpu, on_cpu, rtol=0, atol=1e-3)
