import numpy as np

from emotion.ml.datasets import made
from emotion.ml.datasets.made import MadeConfig
from emotion.ml.labels import LABELS


def test_every_actor_shows_every_label_the_same_number_of_times():
    clips = made.make(MadeConfig(actors=3, takes=2))
    seen = [(clip.clip.speaker, clip.clip.label) for clip in clips]
    assert len(clips) == 3 * len(LABELS) * 2
    assert {seen.count(pair) for pair in seen} == {2}


def test_shapes_and_ranges_are_what_the_nets_take():
    clip = made.make(MadeConfig(actors=1, takes=1))[0]
    assert clip.faces.shape == (5, 3, 32, 32)
    assert clip.faces.dtype == np.uint8
    assert clip.sound.shape == (16_000,)
    assert np.abs(clip.sound).max() <= 1


def test_a_seed_gives_the_same_corpus_and_another_seed_another():
    one, again, other = (made.make(MadeConfig(actors=1, takes=1, seed=seed)) for seed in (1, 1, 2))
    assert all(
        np.array_equal(a.faces, b.faces) and np.array_equal(a.sound, b.sound) for a, b in zip(one, again, strict=True)
    )
    assert not np.array_equal(one[0].faces, other[0].faces)


def test_either_channel_tells_labels_apart_across_actors_but_not_every_time():
    """A nearest mean over eight actors, asked about four others: well above chance, short of perfect."""
    clips = made.make(MadeConfig(actors=12, takes=2))
    learn = [clip for clip in clips if clip.clip.speaker <= "08"]
    ask = [clip for clip in clips if clip.clip.speaker > "08"]
    for feature in (face_feature, voice_feature):
        means = np.stack([np.mean([feature(c) for c in learn if c.label == label], axis=0) for label in range(8)])
        spread = np.std([feature(clip) for clip in learn], axis=0) + 1e-6
        right = [int(np.argmin((((means - feature(clip)) / spread) ** 2).sum(axis=1))) == clip.label for clip in ask]
        assert 0.6 < np.mean(right) < 1


def face_feature(clip: made.MadeClip) -> np.ndarray:
    return clip.faces[2].mean(axis=0)[4:30:2, 4:28:2].ravel().astype(float)


def voice_feature(clip: made.MadeClip) -> np.ndarray:
    spectrum = np.abs(np.fft.rfft(clip.sound[:16_000]))[60:600]
    envelope = np.abs(np.fft.rfft(np.abs(clip.sound)))[1:12]
    return np.log([np.sqrt((clip.sound**2).mean()), 1 + np.argmax(spectrum), 1 + np.argmax(envelope)])
