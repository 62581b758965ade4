"""Two nets are compared clip by clip, and a difference that other actors could turn round is called noise."""

import subprocess
import sys

import numpy as np
import pytest

from emotion.ml.training.comparing import NotComparable, compare


def predictions(right: float, *, seed: int, clips: int = 200, actors: int = 10, row: str = "both") -> dict:
    rng = np.random.default_rng(seed)
    labels = np.arange(clips) % 4
    guesses = np.where(rng.uniform(size=clips) < right, labels, (labels + 1) % 4)
    return {
        "clips": [f"clip-{number}" for number in range(clips)],
        "speakers": [f"{number % actors:02d}" for number in range(clips)],
        "labels": labels.tolist(),
        "guesses": {row: guesses.tolist()},
    }


def test_a_large_difference_is_one_and_says_which_way():
    told = compare(predictions(0.5, seed=1), predictions(0.8, seed=2))
    assert not told.is_noise
    assert 0 < told.low < told.difference < told.high
    assert told.difference == pytest.approx(told.second - told.first)
    assert told.sentence.startswith("The second one is better by")
    assert (told.clips, told.actors, told.left_out) == (200, 10, 0)


def test_a_small_difference_is_inside_the_noise():
    told = compare(predictions(0.6, seed=1), predictions(0.62, seed=4))
    assert told.is_noise
    assert "inside the noise" in told.sentence


def test_equal_guesses_differ_by_nothing_whatever_actors_are_drawn():
    told = compare(predictions(0.6, seed=1), predictions(0.6, seed=1))
    assert (told.difference, told.low, told.high) == (0, 0, 0)
    assert told.is_noise


def test_pairing_makes_it_surer_than_two_separate_intervals():
    """The second net is right wherever the first is, and on a tenth of the rest besides."""
    first = predictions(0.6, seed=1, clips=400)
    better = np.array(first["guesses"]["both"])
    wrong = np.flatnonzero(better != np.array(first["labels"]))
    better[wrong[::10]] = np.array(first["labels"])[wrong[::10]]
    told = compare(first, first | {"guesses": {"both": better.tolist()}})
    assert told.difference < 0.05
    assert not told.is_noise


def test_the_order_of_the_clips_does_not_matter_and_only_shared_ones_count():
    first = predictions(0.7, seed=1)
    turned = {key: value[::-1] for key, value in first.items() if key != "guesses"}
    turned["guesses"] = {"both": first["guesses"]["both"][::-1]}
    assert compare(first, turned).difference == 0
    fewer = {key: value[:150] for key, value in first.items() if key != "guesses"}
    fewer["guesses"] = {"both": first["guesses"]["both"][:150]}
    told = compare(first, fewer)
    assert (told.clips, told.left_out) == (150, 50)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (predictions(0.7, seed=1) | {"clips": [f"other-{number}" for number in range(200)]}, "different clips"),
        (predictions(0.7, seed=1) | {"labels": [0] * 200}, "other labels"),
        (predictions(0.7, seed=1, row="voice only"), "no row “both”; there are voice only"),
        ({}, "does not say what was guessed"),
        (predictions(0.7, seed=1) | {"labels": [0]}, "does not say what was guessed"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(other, says):
    with pytest.raises(NotComparable, match=says):
        compare(predictions(0.7, seed=1), other)


def test_one_person_is_not_enough_to_say_anything():
    with pytest.raises(NotComparable, match="one person"):
        compare(predictions(0.7, seed=1, actors=1), predictions(0.9, seed=1, actors=1))


def test_a_page_can_compare_without_loading_torch():
    code = "import sys, emotion.ml.training.comparing; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
