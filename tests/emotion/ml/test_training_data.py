"""From a config to examples: the made corpus, and published ones that are prepared first."""

from pathlib import Path

import pytest
import torch

from emotion.ml.datasets.clips import CorpusError
from emotion.ml.datasets.prepared import Prepared
from emotion.ml.training.data import beside, data_for, usable
from emotion.ml.training.run import run
from tests.emotion.ml import corpus_folders
from tests.emotion.ml.training_runs import collating, made, tiny


@pytest.fixture(scope="module")
def voices(tmp_path_factory):
    """Twelve actors of RAVDESS, sound only."""
    return corpus_folders.ravdess(tmp_path_factory.mktemp("corpora") / "ravdess", video=False)


def on(corpus, folder, name="voice-small", **more):
    return tiny(name, corpus={"name": corpus, "folder": str(folder), **more}, epochs=1)


def test_a_published_corpus_is_prepared_beside_its_folder_once_and_trained_on(voices, tmp_path):
    config, told = on("ravdess-audio", voices), []
    data = data_for(config, lambda *done: told.append(done), processes=1)
    assert told[-1] == (24, 24)
    assert beside(voices).is_dir()
    assert {part: len(clips) for part, clips in data.split.parts().items()} == {"train": 8, "validation": 8, "test": 8}
    again = []
    assert data_for(config, lambda *done: again.append(done), processes=1).digest == data.digest
    assert again == [(24, 24)]
    card = run(config, data, tmp_path).card
    assert card.corpora == ("RAVDESS",)
    assert card.data == {"RAVDESS fold 1": data.digest}
    assert "CC BY-NC-SA" in card.licence


def test_another_fold_is_other_data_of_the_same_preparation(voices):
    first, second = (data_for(on("ravdess-audio", voices, fold=fold), processes=1) for fold in (1, 2))
    assert first.digest != second.digest
    assert {clip.speaker for clip in first.validation.clips} == {clip.speaker for clip in second.test.clips}


def test_shorter_sounds_get_silence_after_them_so_that_each_cepstrum_is_of_one_length(voices):
    data = data_for(on("ravdess-audio", voices), processes=1)
    assert data.samples == round(3.6 * 16_000)
    assert len(data.train[0].sound) < data.samples
    collate = collating(tiny("voice-small"))
    collate.samples = data.samples
    assert collate(data.train[:2]).cepstrum.shape == (2, 10, 156)


def test_a_corpus_without_faces_is_refused_for_a_net_that_needs_them(voices):
    with pytest.raises(CorpusError, match=r"no clip in .* has a video, and this net needs faces"):
        data_for(on("ravdess", voices, "lt"), processes=1)


def test_faces_and_words_are_read_from_a_corpus_that_has_them(tmp_path):
    config = on("meld", corpus_folders.meld(tmp_path), "mmer", cache=str(tmp_path / "cache"))
    data = data_for(config, processes=1)
    example = data.test[0]
    assert example.text == "Oh, test."
    assert example.faces.shape == (15, 3, 224, 224)
    assert example.has_face.all()
    assert example.faces.float().std() > 10


@pytest.mark.parametrize(("name", "kept"), [("temporal", 7), ("lt", 8), ("voice-small", 8)])
def test_a_clip_without_any_face_is_left_out_for_a_net_that_has_nothing_else(name, kept):
    clips = made().split.test[:8]
    found = Prepared(Path(), "ravdess", {}, clips, "", {}, without_face=(clips[3].name,))
    assert len(usable(found, tiny(name).net)) == kept


def test_a_corpus_without_words_is_refused_for_a_net_that_needs_them():
    with pytest.raises(CorpusError, match="no transcripts were found"):
        usable(Prepared(Path(), "meld", {}, made().split.test, "", {}, ()), tiny("mmer").net)


def test_phases_of_one_corpus_share_its_data():
    second = {"corpus": {"actors": 3}}
    data = data_for(tiny("lt", phases=[{}, second, {"corpus": {"actors": 4}}]))
    assert data.of(0) is data.of(1) is data
    assert len(data.of(2).train) == 32


def test_examples_are_read_when_they_are_asked_for_and_can_be_sliced():
    some = made().train[2:5]
    assert len(some) == 3
    assert some[0].name == made().train[2].name
    assert some[0].sound.dtype == torch.float32
    assert some[0].text
