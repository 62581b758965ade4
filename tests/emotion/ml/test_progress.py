import numpy as np

from emotion.ml.training.metrics import scores
from emotion.ml.training.progress import Progress, turned

LABELS = np.arange(8).repeat(2)


def guessed(*classes):
    """Scores of a net that guesses right, but for these classes, which it takes for the first."""
    guesses = np.where(np.isin(LABELS, classes), 0, LABELS)
    return scores(LABELS, np.eye(8)[guesses])


def test_a_class_that_is_not_guessed_for_three_epochs_is_a_warning_until_it_is():
    progress = Progress()
    for _ in range(2):
        progress.note(1.0, 1.0, guessed(3))
    assert progress.warnings() == ()
    progress.note(1.0, 1.0, guessed(3))
    (warning,) = progress.warnings()
    assert warning.kind == "never predicted"
    assert "sad" in warning.text
    progress.note(1.0, 1.0, guessed())
    assert progress.warnings() == ()


def test_validation_turns_when_its_loss_rises_three_times_while_training_loss_falls():
    assert turned([[1.0, 1.0], [0.9, 1.1], [0.8, 1.2], [0.7, 1.3]])
    assert not turned([[1.0, 1.0], [0.9, 1.1], [0.8, 1.2]])
    assert not turned([[1.0, 1.0], [0.9, 1.1], [0.8, 1.05], [0.7, 1.3]])
    assert not turned([[1.0, 1.0], [0.9, 1.1], [0.95, 1.2], [0.7, 1.3]])


def test_patience_is_counted_from_the_best_epoch_of_the_phase():
    progress = Progress()
    assert progress.note(1.0, 1.0, guessed(1))
    assert not progress.note(1.0, 1.0, guessed(1, 2))
    assert progress.waited() == 1
    progress.next_phase()
    assert (progress.epoch, progress.place, progress.waited()) == (2, 1, 0)
    assert progress.note(1.0, 1.0, guessed(1, 2, 3))
