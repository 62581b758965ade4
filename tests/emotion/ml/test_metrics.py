"""Every figure against a case that can be worked out by hand."""

import numpy as np
import pytest

from emotion.ml.training import metrics

LABELS = np.array([0, 0, 0, 0, 1, 1])
GUESSES = np.array([0, 0, 0, 1, 1, 0])


def test_accuracy_counts_clips_and_unweighted_recall_counts_classes():
    assert metrics.accuracy(LABELS, GUESSES) == pytest.approx(4 / 6)
    assert metrics.unweighted_recall(LABELS, GUESSES) == pytest.approx((3 / 4 + 1 / 2) / 2)


def test_a_class_that_does_not_occur_does_not_lower_the_recall():
    assert metrics.unweighted_recall([0, 0, 7], [0, 0, 7]) == 1.0


def test_macro_f1_averages_over_classes():
    assert metrics.macro_f1(LABELS, GUESSES) == pytest.approx((2 * 3 / 8 + 2 * 1 / 4) / 2)


def test_confusion_has_labels_in_rows_and_guesses_in_columns():
    assert metrics.confusion(LABELS, GUESSES, classes=3).tolist() == [[3, 1, 0], [1, 1, 0], [0, 0, 0]]


def test_likelihood_and_brier_of_a_hedged_guess():
    probabilities = np.array([[0.8, 0.2], [0.4, 0.6]])
    assert metrics.negative_log_likelihood([0, 1], probabilities) == pytest.approx(-np.log([0.8, 0.6]).mean())
    assert metrics.brier([0, 1], probabilities) == pytest.approx((2 * 0.2**2 + 2 * 0.4**2) / 2)


def test_a_certain_mistake_has_a_finite_likelihood():
    assert np.isfinite(metrics.negative_log_likelihood([0], np.array([[0.0, 1.0]])))


def test_calibration_error_is_the_gap_between_confidence_and_being_right():
    sure = np.tile([0.9, 0.1], (10, 1))
    assert metrics.calibration_error([0] * 9 + [1], sure) == pytest.approx(0.0, abs=1e-9)
    assert metrics.calibration_error([0] * 5 + [1] * 5, sure) == pytest.approx(0.4)


def test_answering_only_the_surest_clips_lowers_the_risk():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.55, 0.45]])
    curve = metrics.risk_coverage([0, 0, 1, 1], probabilities)
    assert curve.risk.tolist() == pytest.approx([0, 0, 1 / 3, 1 / 2])
    assert (curve.at(0.5), curve.at(1.0)) == (0.0, 0.5)


def test_a_fitted_temperature_makes_overconfident_scores_honest():
    rng = np.random.default_rng(0)
    honest = rng.normal(size=(4000, 4)) * 2
    labels = np.array([rng.choice(4, p=row) for row in metrics.softmax(honest)])
    temperature = metrics.fit_temperature(labels, honest * 3)
    assert temperature == pytest.approx(3.0, rel=0.1)
    before, after = (metrics.calibration_error(labels, metrics.softmax(honest * 3, t)) for t in (1.0, temperature))
    assert after < 0.02 < before


def test_softmax_bears_large_logits():
    assert metrics.softmax([[1000.0, 0.0]]).tolist() == [[1.0, 0.0]]


def test_the_interval_over_actors_is_wider_than_over_clips():
    rng = np.random.default_rng(1)
    actors = np.repeat(np.arange(10), 40)
    labels = np.tile([0, 1], 200)
    good_at = rng.uniform(0.4, 1.0, size=10)[actors]
    guesses = np.where(rng.uniform(size=400) < good_at, labels, 1 - labels)
    by_actor = metrics.bootstrap_interval(labels, guesses, actors, rounds=300)
    by_clip = metrics.bootstrap_interval(labels, guesses, np.arange(400), rounds=300)
    assert by_actor[0] < metrics.unweighted_recall(labels, guesses) < by_actor[1]
    assert by_actor[1] - by_actor[0] > 1.5 * (by_clip[1] - by_clip[0])


def test_all_scores_agree_with_the_single_ones():
    probabilities = metrics.softmax(np.random.default_rng(2).normal(size=(60, 3)))
    labels = np.arange(60) % 2
    told = metrics.scores(labels, probabilities)
    assert told.clips == 60
    assert told.recalls[2] is None
    assert told.unweighted_recall == pytest.approx(np.mean(told.recalls[:2]))
    assert sum(map(sum, told.confusion)) == 60


def test_scores_of_tables_are_those_of_the_clips_they_count():
    guesses = np.array([[0, 0, 0, 1, 1, 0], [1, 1, 0, 1, 1, 1]])
    tables = np.stack([metrics.confusion(LABELS, each, classes=3) for each in guesses]).astype(float)
    assert metrics.recall_of_tables(tables) == pytest.approx([metrics.unweighted_recall(LABELS, g) for g in guesses])
    assert metrics.accuracy_of_tables(tables) == pytest.approx([metrics.accuracy(LABELS, each) for each in guesses])


def test_the_interval_of_another_score_can_be_asked_for():
    actors = np.arange(6) % 3
    low, high = metrics.bootstrap_interval(LABELS, GUESSES, actors, metrics.accuracy_of_tables)
    assert low <= metrics.accuracy(LABELS, GUESSES) <= high


def test_drawn_tables_hold_whole_actors():
    """Each of three actors has two clips: every draw of three actors has six, in steps of two."""
    (drawn,) = metrics.bootstrap_tables(LABELS, [GUESSES], np.array([0, 0, 1, 1, 2, 2]), rounds=50, seed=0)
    assert (drawn.sum(axis=(1, 2)) == 6).all()
    assert (drawn.sum(axis=2)[:, 0] % 2 == 0).all()
    assert len({table.tobytes() for table in drawn}) > 1


def test_a_paired_difference_uses_the_same_actors_for_both():
    rng = np.random.default_rng(3)
    actors = np.repeat(np.arange(8), 20)
    labels = np.tile([0, 1], 80)
    right = rng.uniform(size=160) < rng.uniform(0.2, 1.0, size=8)[actors]
    first = np.where(right, labels, 1 - labels)
    second = np.where(right | (np.arange(160) % 10 == 0), labels, 1 - labels)
    paired = metrics.paired_difference(labels, first, second, actors)
    alone = metrics.bootstrap_interval(labels, first, actors)
    assert paired.high - paired.low < (alone[1] - alone[0]) / 2
    assert paired.low >= 0
    assert paired.size == pytest.approx(paired.second - paired.first)
