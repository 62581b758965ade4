"""A net is never tested on whom its starting weights know, or its card says so."""

from dataclasses import replace

import pytest

from emotion.ml import checkpoint
from emotion.ml.errors import EmotionError
from emotion.ml.training.data import data_for
from emotion.ml.training.lineage import lineage_of
from emotion.ml.training.run import run
from emotion.ml.training.systems import rebuild
from tests.emotion.ml.training_runs import made, tiny


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    folder = tmp_path_factory.mktemp("voice")
    run(tiny("voice-small", epochs=1), made(), folder)
    return folder / "best.safetensors"


def test_what_the_parts_have_learned_from_counts_for_the_whole(voice):
    config = tiny("lt", {"voice_weights": str(voice)})
    found = lineage_of(config, made())
    assert found.corpora == ("made",)
    assert found.seen["made"]["speakers"] == ["02", "03"]
    assert found.contaminated == ()


def test_a_part_that_knows_the_people_of_the_test_is_refused(voice):
    config = tiny("lt", {"voice_weights": str(voice)}, corpus={"actors": 3, "fold": 2})
    with pytest.raises(EmotionError, match=r"has learned from 02, who are the test here\. Train it on the same fold"):
        lineage_of(config, data_for(config))


def test_a_part_that_cannot_say_whom_it_knows_contaminates_the_test(voice, tmp_path):
    saved = checkpoint.load(voice)
    forgetful = replace(saved.card, seen={})
    checkpoint.save(tmp_path / "forgetful.safetensors", rebuild(saved), forgetful)
    config = tiny("lt", {"voice_weights": str(tmp_path / "forgetful.safetensors")})
    (sentence,) = lineage_of(config, made()).contaminated
    assert sentence.startswith("forgetful.safetensors was itself trained on made")


def test_a_published_encoder_that_learned_from_the_corpus_contaminates_it():
    clips = [replace(clip, corpus="RAVDESS") for clip in made().split.test]
    data = replace(made(), split=replace(made().split, test=tuple(clips)))
    voice = "ehcalabres/wav2vec2-lg-xlsr-en-speech-emotion-recognition"
    config = tiny("late-5", {"encoder": voice, "encoder_head": "published"})
    (sentence,) = lineage_of(config, data).contaminated
    assert "was itself trained on RAVDESS" in sentence
    assert lineage_of(config, made()).contaminated == ()
