import pytest

from emotion.ml.training.config import ConfigRefused, Schedule, TrainingConfig


def test_an_empty_config_is_a_run_on_the_made_corpus():
    config = TrainingConfig.from_toml("")
    assert config.corpus.name == "made"
    assert config.net.name == "lt"


@pytest.mark.parametrize(
    ("toml", "field", "sentence"),
    [
        ("epochs = 0", "epochs", "greater than or equal to 1"),
        ("learning_rate = 10", "learning_rate", "less than or equal to 1"),
        ("batch_size = 1", "batch_size", "greater than or equal to 2"),
        ("net.name = 'resnet'", "net.name", "'lt', 'it' or 'ia'"),
        ("corpus.name = 'internet'", "corpus.name", "'made'"),
        ("net.side = 50", "net.side", "multiple of 16"),
        ("net.face_weights = 'face.pth'\nnet.width = 0.5", "net", "published width of 1 only"),
        ("device = 'tpu'", "device", "match pattern"),
        ("colour = 'red'", "colour", "no such setting"),
        ("epochs = ", "config", "not TOML"),
    ],
)
def test_a_senseless_value_is_refused_with_a_sentence_at_its_field(toml, field, sentence):
    with pytest.raises(ConfigRefused) as refused:
        TrainingConfig.from_toml(toml)
    assert sentence in refused.value.fields[field]


def test_every_wrong_field_is_named_at_once():
    with pytest.raises(ConfigRefused) as refused:
        TrainingConfig.from_toml("epochs = 0\nbatch_size = 0")
    assert set(refused.value.fields) == {"epochs", "batch_size"}


def test_steps_multiply_the_rate_at_each_named_epoch():
    schedule = Schedule(kind="steps", at=(2, 4))
    assert [round(schedule.rate(epoch, 6), 4) for epoch in range(6)] == [1, 1, 0.1, 0.1, 0.01, 0.01]


def test_the_cosine_ends_near_nothing_after_warming_up():
    schedule = Schedule(kind="cosine", warm_up=1)
    rates = [schedule.rate(epoch, 11) for epoch in range(11)]
    assert rates[0] == 0.5
    assert rates[1] == 1.0
    assert rates[-1] < 0.05
