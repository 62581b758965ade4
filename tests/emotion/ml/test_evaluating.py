"""A checkpoint is tested on people it does not know, or its figures say that they prove nothing."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from emotion.ml import checkpoint
from emotion.ml.__main__ import main
from emotion.ml.checkpoint import Checkpoint
from emotion.ml.datasets.clips import Clip, CorpusError
from emotion.ml.datasets.corpora import CORPORA
from emotion.ml.datasets.picture_transforms import blurred, darkened
from emotion.ml.errors import WrongCheckpoint
from emotion.ml.labels import LABELS
from emotion.ml.packs import WEIGHTS
from emotion.ml.training.comparing import compare
from emotion.ml.training.config import TrainingConfig
from emotion.ml.training.contamination import Contaminated, reasons, unknown_to
from emotion.ml.training.data import Examples, data_for
from emotion.ml.training.evaluating import CONDITIONS, Choice, Evaluation, Material, Spoilt, evaluate, material_for
from emotion.ml.training.lineage import learned_by, lineage_of
from emotion.ml.training.readers import reader_for
from emotion.ml.training.run import run
from emotion.ml.training.systems import rebuild
from tests.emotion.ml import corpus_folders

MADE = CORPORA["made"]
CONFIG = {
    "corpus": {"actors": 8},
    "net": {"width": 0.05, "side": 32},
    "batch_size": 16,
    "epochs": 2,
    "learning_rate": 5e-3,
    "device": "cpu",
    "modality_dropout": "none",
}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A small net of both channels, taught on the made corpus: two actors are its test."""
    config = TrainingConfig.checked(CONFIG)
    folder = tmp_path_factory.mktemp("run")
    run(config, data_for(config), folder)
    return folder / "best.safetensors"


@pytest.fixture(scope="module")
def saved(trained) -> Checkpoint:
    return checkpoint.load(trained)


@pytest.fixture(scope="module")
def material(saved) -> Material:
    return material_for(reader_for(saved), MADE, actors=8)


@pytest.fixture(scope="module")
def report(saved, material) -> Evaluation:
    return evaluate(saved, material)


def with_card(saved: Checkpoint, **changed) -> Checkpoint:
    return replace(saved, card=replace(saved.card, **changed))


# What is tested


def test_left_to_itself_it_tests_everybody_whom_the_net_does_not_know(report, saved):
    tested = set(report.predictions["speakers"])
    assert tested == {"01", "02"}
    assert not tested & set(saved.card.seen["made"]["speakers"])
    assert (report.contaminated, report.tested) == ((), "everybody whom it does not know")
    assert (report.clips, report.speakers) == (32, 2)


def test_its_figures_are_those_that_the_run_itself_found_on_its_test(report, saved):
    for row in ("both", "voice only", "face only"):
        for name in ("UAR", "WAR", "NLL", "ECE"):
            assert report.rows[row][name] == pytest.approx(saved.card.metrics["test"][row][name]), (row, name)
    assert report.predictions["guesses"]["both"] == saved.card.metrics["predictions"]["guesses"]["both"]


def test_a_corpus_that_it_has_not_learned_from_is_tested_whole(saved, material):
    stranger = with_card(saved, corpora=("RAVDESS",), seen={"RAVDESS": {"speakers": ["01"], "groups": ["01"]}})
    told = evaluate(stranger, material, Choice(rough=False))
    assert (told.tested, told.clips, told.contaminated) == ("every clip", 128, ())


def test_a_fold_whose_people_it_has_learned_from_is_refused_and_they_are_named(saved, material):
    with pytest.raises(Contaminated, match="learned from, or was chosen by, 04, 05"):
        evaluate(saved, material, Choice(fold=4))
    assert evaluate(saved, material, Choice(fold=1, rough=False)).contaminated == ()


def test_where_it_is_allowed_every_figure_is_labelled_contaminated(saved, material, report):
    told = evaluate(saved, material, Choice(fold=4, contaminated=True, rough=False))
    assert len(told.contaminated) == 1
    assert all(figures["contaminated"] is True for figures in told.rows.values())
    assert all(figures["contaminated"] is False for figures in report.rows.values())


def test_a_card_that_does_not_say_from_whom_it_learned_is_trusted_with_nobody(saved, material):
    silent = with_card(saved, seen={})
    with pytest.raises(Contaminated, match="does not say from whom"):
        evaluate(silent, material)


def test_a_start_from_weights_that_learned_from_the_corpus_contaminates_it(saved, tmp_path):
    encoder = "ehcalabres/wav2vec2-lg-xlsr-en-speech-emotion-recognition"
    begun = with_card(saved, config={**saved.card.config, "net": {**saved.card.config["net"], "encoder": encoder}})
    reader = reader_for(saved)
    source = corpus_folders.ravdess(tmp_path / "corpus", video=False, actors=("01", "11"))
    material = material_for(reader, CORPORA["ravdess"], source, tmp_path / "cache")
    with pytest.raises(Contaminated, match="started from ehcalabres"):
        evaluate(begun, material)


def test_a_start_from_weights_whose_people_nobody_can_name_leaves_nobody_to_be_tested(saved, tmp_path):
    """Though the run itself says from whom it learned."""
    voice = TrainingConfig.checked(CONFIG | {"net": {"name": "voice-small", "width": 0.05}, "epochs": 1})
    data = data_for(voice)
    run(voice, data, tmp_path)
    path = tmp_path / "best.safetensors"
    begun = checkpoint.load(path)
    checkpoint.save(path, rebuild(begun), replace(begun.card, seen={}))
    net = {**CONFIG["net"], "voice_weights": path}
    found = lineage_of(TrainingConfig.checked(CONFIG | {"net": net}), data)
    assert (found.corpora, found.seen) == (("made",), {})
    assert found.contaminated


def test_a_published_encoder_is_known_by_the_name_of_its_folder():
    assert learned_by("/models/wav2vec2-lg-xlsr-en-speech-emotion-recognition/") == ("RAVDESS",)
    assert learned_by("facebook/wav2vec2-base") == ()


def test_a_net_that_heard_every_sentence_has_none_left_to_be_tested_on(saved, material):
    with pytest.raises(CorpusError, match="every sentence that is tested here"):
        evaluate(saved, material, Choice(new_sentences=True))


def test_a_net_that_was_taught_without_a_sentence_is_tested_on_that_one_alone(tmp_path):
    config = TrainingConfig.checked(CONFIG | {"corpus": {"actors": 8, "left_out": "2"}, "epochs": 1})
    saved = run(config, data_for(config), tmp_path)
    told = evaluate(saved, material_for(reader_for(saved), MADE, actors=8), Choice(new_sentences=True, rough=False))
    assert {name[-1] for name in told.predictions["clips"]} == {"2"}
    assert set(told.predictions["speakers"]) == {"01", "02"}
    assert "new sentences alone (2)" in told.tested


def test_only_the_classes_asked_for_are_tested_and_offered(saved, material):
    told = evaluate(saved, material, Choice(classes=("happy", "neutral"), rough=False))
    assert told.classes == ("neutral", "happy")
    places = {LABELS.index(label) for label in told.classes}
    assert set(told.predictions["labels"]) | set(told.predictions["guesses"]["both"]) <= places
    assert np.shape(told.rows["both"]["confusion"]) == (2, 2)
    assert np.allclose(np.sum(told.predictions["probabilities"]["both"], axis=1), 1, atol=1e-3)
    with pytest.raises(CorpusError, match="has no bored"):
        evaluate(saved, material, Choice(classes=("bored",)))


@pytest.mark.parametrize(
    ("corpus", "speaker", "group", "is_known"),
    [
        ("iemocap", "1M", "1", True),  # another voice of a session that was learned from
        ("iemocap", "1F", "9", True),  # a voice that was learned from, in another session
        ("iemocap", "2F", "2", False),
        ("meld", "Ross", "train-0", True),
        ("meld", "Ross", "test-0", False),  # published with the same people on every side: dialogues tell them apart
    ],
)
def test_whoever_shares_a_person_or_a_session_with_the_training_is_known(saved, corpus, speaker, group, is_known):
    title = CORPORA[corpus].title
    seen = {title: {"speakers": ["1F", "Ross"], "groups": ["1", "train-0"], "sentences": []}}
    card = replace(saved.card, corpora=(title,), seen=seen)
    clip = Clip(title, "a", "happy", speaker, group, "a")
    assert bool(reasons(card, CORPORA[corpus], [clip])) == is_known
    assert unknown_to(card, CORPORA[corpus], [clip]) == ([] if is_known else [clip])


# Rows and figures


def test_each_channel_has_its_rows_clean_and_rough(report):
    rough = {"noise 20 dB", "noise 10 dB", "noise 0 dB", "opus 32 kbit/s"}
    seen = {"out of focus", "dark"}
    expected = {"both", "voice only", "face only"}
    expected |= {f"{row}, {name}" for row in ("both", "voice only") for name in rough}
    expected |= {f"{row}, {name}" for row in ("both", "face only") for name in seen}
    assert set(report.rows) == expected


def test_a_row_has_every_figure_and_every_speaker(report):
    figures = report.rows["both"]
    for name in ("WAR", "UAR", "macro-F1", "NLL", "Brier", "ECE", "risk area"):
        assert np.isfinite(figures[name]), name
    low, high = figures["intervals"]["UAR"]
    assert low <= figures["UAR"] <= high
    assert set(figures["speakers"]) == {"01", "02"}
    assert sum(one["clips"] for one in figures["speakers"].values()) == report.clips
    assert figures["risk at coverage"]["1.0"] == pytest.approx(1 - figures["WAR"])
    assert len(figures["recalls"]) == len(figures["confusion"]) == len(report.classes) == 8


class Recording:
    """A reader that keeps what it was asked, and knows everything that it can see and hear."""

    rows = {"both": "", "voice only": "face", "face only": "voice"}
    channels = frozenset({"face", "voice"})
    frames = None
    temperature = 1.0

    def __init__(self) -> None:
        self.asked: list[tuple[str, float, float]] = []

    def logits(self, examples, samples, missing=""):
        shown = list(examples)
        light, power = (
            np.mean([float(part.float().square().mean()) for part in parts])
            for parts in zip(*((example.faces, example.sound) for example in shown), strict=True)
        )
        self.asked.append((missing, light, power))
        return 9.0 * np.eye(8)[[example.label for example in shown]]


def test_every_row_is_asked_with_its_own_channel_missing_and_its_own_condition(saved, material):
    reader = Recording()
    told = evaluate(saved, material, reader=reader)
    asked = dict(zip(told.rows, reader.asked, strict=True))
    assert {row: asked[row][0] for row in Recording.rows} == Recording.rows
    _, light, power = asked["both"]
    assert asked["both, noise 0 dB"] == ("", light, pytest.approx(2 * power, rel=0.1))
    assert asked["voice only, noise 0 dB"][0] == "face"
    assert asked["face only, dark"] == ("voice", pytest.approx(light / 16, rel=0.1), power)
    assert told.rows["both"]["UAR"] == 1.0


def test_without_its_voice_the_net_says_something_else_and_noise_changes_it(report):
    said = report.predictions["probabilities"]
    assert said["both"] != said["face only"]
    assert said["voice only"] != said["voice only, noise 0 dB"]


def test_the_temperature_is_the_run_s_own_and_changes_no_guess(saved, material, report):
    assert report.temperature == saved.card.metrics["temperature"]
    hot = with_card(saved, metrics={**saved.card.metrics, "temperature": 5.0})
    told = evaluate(hot, material, Choice(rough=False))
    assert told.predictions["guesses"]["both"] == report.predictions["guesses"]["both"]
    assert told.rows["both"]["NLL"] != report.rows["both"]["NLL"]


def test_two_reports_can_be_compared(saved, material, report):
    other = evaluate(with_card(saved), material, Choice(rough=False))
    told = compare(report.predictions, other.predictions)
    assert (told.difference, told.clips, told.left_out) == (0, 32, 0)


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_spoils_its_own_channel_alone_and_the_same_each_time(name, material):
    examples = Examples(material.windows, list(material.windows.clips)[:2])
    condition = CONDITIONS[name]
    once, again = (Spoilt(examples, name, condition.spoil)[1] for _ in range(2))
    clean = examples[1]
    assert torch.equal(once.faces, again.faces)
    assert torch.equal(once.sound, again.sound)
    assert torch.equal(once.faces, clean.faces) == (condition.channel == "voice")
    assert torch.equal(once.sound, clean.sound) == (condition.channel == "face")
    assert once.sound.shape == clean.sound.shape
    assert once.name == ""  # what is remembered of the clean clip does not hold


def test_where_there_is_no_face_darkness_makes_none(material):
    example = Examples(material.windows, list(material.windows.clips)[:1])[0]
    nobody = example._replace(faces=torch.zeros_like(example.faces), has_face=torch.zeros_like(example.has_face))
    for name in ("dark", "out of focus"):
        assert not CONDITIONS[name].spoil(nobody, np.random.default_rng(0)).faces.any()


def test_blur_takes_edges_and_darkness_takes_light():
    edge = np.zeros((2, 3, 40, 40), np.uint8)
    edge[..., 20:] = 200
    soft = blurred(edge, 0.1)
    assert soft.shape == edge.shape
    assert np.abs(np.diff(soft[0, 0, 20].astype(int))).max() < 40
    assert soft.mean() == pytest.approx(edge.mean(), rel=0.05)
    assert darkened(edge, 0.25, 0.0, np.random.default_rng(0)).max() == 50


# Other corpora, other nets


class OnlyFaces:
    """A reader of faces that always says the same."""

    rows = {"face only": ""}
    channels = frozenset({"face"})
    frames = 4
    temperature = 1.0

    def logits(self, examples, samples, missing=""):
        return np.tile(np.arange(8.0), (len(examples), 1))


def test_a_net_that_has_nothing_but_faces_is_not_asked_where_there_is_none_and_that_is_said(saved, tmp_path):
    reader = OnlyFaces()
    source = corpus_folders.cremad(tmp_path / "corpus")
    told = evaluate(saved, material_for(reader, CORPORA["cremad"], source, tmp_path / "cache"), reader=reader)
    assert told.clips == 1
    assert "1 clips without a face were left out." in told.remarks
    assert told.predictions["guesses"]["face only"] == [LABELS.index("disgust")]  # surprise is not offered there
    assert told.rows["face only"]["intervals"] == {}


def test_a_net_of_faces_has_nothing_to_read_in_a_corpus_of_voices(saved, tmp_path):
    reader = OnlyFaces()
    source = corpus_folders.ravdess(tmp_path / "corpus", video=False, actors=("01",))
    material = material_for(reader, CORPORA["ravdess-audio"], source, tmp_path / "cache")
    with pytest.raises(CorpusError, match="no videos"):
        evaluate(saved, material, reader=reader)


def test_the_voice_head_that_ships_is_tested_on_another_corpus_and_refused_on_its_own(tmp_path):
    head = checkpoint.load(WEIGHTS / "voice.safetensors")
    reader = reader_for(head)
    source = corpus_folders.cremad(tmp_path / "cremad")
    material = material_for(reader, CORPORA["cremad"], source, tmp_path / "cache")
    told = evaluate(head, material, Choice(rough=False), reader=reader)
    assert (told.clips, told.contaminated, set(told.rows)) == (2, (), {"voice only"})
    own = corpus_folders.ravdess(tmp_path / "ravdess", video=False, actors=("01",))
    with pytest.raises(Contaminated, match="learned from RAVDESS"):
        evaluate(head, material_for(reader, CORPORA["ravdess-audio"], own, tmp_path / "cache"), reader=reader)


def test_a_net_that_reads_no_clips_is_refused(saved):
    with pytest.raises(WrongCheckpoint, match="not of a training run"):
        reader_for(with_card(saved, net="something", config={"net": {"name": "something"}}))


def test_the_command_tests_on_a_published_corpus_and_writes_a_report(trained, tmp_path, capsys):
    source = corpus_folders.ravdess(tmp_path / "RAVDESS", actors=("01", "11"))
    out = tmp_path / "report.json"
    asked = ["evaluate", str(trained), "--corpus", "ravdess", "--folder", str(source), "--clean-only"]
    assert main([*asked, "--out", str(out)]) == 0
    told = json.loads(out.read_text())
    assert (told["corpus"], told["clips"], told["tested"]) == ("RAVDESS", 4, "every clip")
    said = capsys.readouterr().err
    assert "lt on RAVDESS: every clip, 4 clips of 2 people" in said
    assert "voice only" in said
    assert (tmp_path / "RAVDESS-prepared").is_dir()


def test_the_command_refuses_with_a_sentence_and_labels_what_it_was_told_to_allow(trained, capsys):
    asked = ["evaluate", str(trained), "--corpus", "made", "--fold", "4", "--clean-only"]
    assert main(asked) == 1
    assert "proves nothing" in capsys.readouterr().err
    assert main([*asked, "--allow-contaminated"]) == 0
    said = capsys.readouterr()
    assert "CONTAMINATED: It has learned from" in said.err
    assert json.loads(said.out)["rows"]["both"]["contaminated"] is True


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--corpus", "ravdess"], "name its folder"),
        (["--corpus", "made", "--fold", "40"], "no fold 40"),
        (["--corpus", "made", "--classes", "bored"], "has no bored"),
        (["--corpus", "other"], "There is no corpus other"),
    ],
)
def test_what_cannot_be_evaluated_is_a_sentence(given, says, trained, capsys):
    assert main(["evaluate", str(trained), *given]) == 1
    assert says in capsys.readouterr().err
