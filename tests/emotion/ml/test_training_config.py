from typing import get_args

import pytest

from emotion.ml.datasets.corpora import CORPORA
from emotion.ml.training.config import ConfigRefused, PhaseConfig, Schedule, TrainingConfig
from emotion.ml.training.kinds import WITHOUT_FACES, WITHOUT_TEXT, CorpusName, NetName


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
        ("net.name = 'resnet'", "net.name", "'lt', 'it', 'ia'"),
        ("corpus.name = 'internet'", "corpus.name", "'made'"),
        ("corpus.name = 'ravdess'", "corpus.folder", "Say where RAVDESS, face and voice lies"),
        ("corpus.name = 'meld'\ncorpus.folder = 'meld'\ncorpus.fold = 2", "corpus.fold", "MELD has 1 fold."),
        ("corpus.name = 'ravdess-audio'\ncorpus.folder = 'x'", "net.name", "voice only has no faces"),
        ("corpus.name = 'cremad'\ncorpus.folder = 'x'\nnet.name = 'mmer'", "net.name", "CREMA-D has no transcripts"),
        ("net.side = 50", "net.side", "multiple of 16"),
        ("net.face_weights = 'face.pth'\nnet.width = 0.5", "net.face_weights", "published width of 1 only"),
        ("net.name = 'wav2vec2'\nnet.face_weights = 'face.pth'", "net.face_weights", "sees no faces"),
        ("net.name = 'temporal'\nnet.voice_weights = 'v.safetensors'", "net.voice_weights", "takes no trained voice"),
        ("net.name = 'temporal'\nmodality_dropout = 'noise'", "modality_dropout", "both face and voice"),
        ("net.name = 'wav2vec2'\nloss = 'soft_label'", "loss", "Soft labels come from faces"),
        ("[[phases]]\nnumber = 2", "phases.0.number", "Late transformer has 1 phase."),
        (
            "net.name = 'mmer'\n[[phases]]\n[phases.corpus]\nname = 'ravdess'\nfolder = 'x'",
            "phases.0.corpus.name",
            "RAVDESS, face and voice has no transcripts",
        ),
        ("schedule.at = [4, 2]", "schedule.at", "the earliest first"),
        ("processes = 2", "processes", "the device cpu or cuda:all"),
        ("device = 'cpu'\nprocesses = 8", "processes", "at least two clips"),
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


def test_the_line_falls_to_nothing():
    schedule = Schedule(kind="linear")
    assert [schedule.rate(epoch, 4) for epoch in range(4)] == [1, 0.75, 0.5, 0.25]


def test_a_config_survives_being_written_down():
    for name in get_args(NetName):
        config = TrainingConfig.checked({"net": {"name": name, "encoder": "tiny"}})
        assert TrainingConfig.checked(config.model_dump(mode="json")) == config


def test_a_net_of_one_channel_has_no_modality_dropout_unless_it_is_asked_for():
    assert TrainingConfig.from_toml("").modality_dropout == "softhard"
    assert TrainingConfig.from_toml("net.name = 'temporal'").modality_dropout == "none"


def test_phases_left_out_are_the_net_s_own_and_take_what_they_leave_out_from_the_run():
    enhanced = TrainingConfig.checked({"net": {"name": "enhanced"}, "epochs": 4})
    assert [(phase.number, phase.epochs) for phase in enhanced.stages] == [(1, 4), (2, 4), (3, 4)]
    other = {"name": "iemocap", "folder": "IEMOCAP"}
    given = enhanced.model_copy(update={"phases": (PhaseConfig(), PhaseConfig(number=3, epochs=9, corpus=other))})
    assert [phase.corpus.name for phase in given.stages] == ["made", "iemocap"]
    assert given.total_epochs == 13


def test_every_setting_has_a_title_and_a_sentence_for_a_form():
    schema = TrainingConfig.model_json_schema()
    for part in (schema, *schema["$defs"].values()):
        for name, field in part["properties"].items():
            assert 1 <= len(field["title"].split()) <= 4, name
            assert field["description"].endswith("."), name


def test_the_corpora_are_those_that_can_be_read_and_what_they_lack_is_known():
    assert set(get_args(CorpusName)) == set(CORPORA)
    assert set(WITHOUT_FACES) == {name for name, corpus in CORPORA.items() if "face" not in corpus.channels}
    assert set(WITHOUT_TEXT) == {name for name, corpus in CORPORA.items() if "text" not in corpus.channels} - {"made"}
