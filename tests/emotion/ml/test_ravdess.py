"""RAVDESS is read from a made folder in its published layout; no actor and no performance crosses a split."""

from dataclasses import replace

import pytest

from emotion.ml.datasets import ravdess
from emotion.ml.datasets.clips import CorpusError, check_split
from emotion.ml.labels import LABELS


def touch(folder, *stems, suffix=".wav"):
    for stem in stems:
        path = folder / f"Actor_{stem[-2:]}" / f"{stem}{suffix}"
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return folder


@pytest.fixture
def folder(tmp_path):
    """Two emotions, two sentences and both channels of the five folds' twenty actors."""
    for fold in ravdess.FOLDS[:5]:
        for actor in fold:
            stems = [f"{kind}-0{word}-01-{actor}" for kind in ("03-01-01-01", "03-01-05-02") for word in (1, 2)]
            touch(tmp_path, *stems, f"03-02-05-01-01-01-{actor}")
    return tmp_path


def test_a_file_name_says_label_actor_sentence_and_performance(tmp_path):
    (clip,) = ravdess.read(touch(tmp_path, "03-01-06-02-02-01-12"))
    assert (clip.label, clip.speaker, clip.sentence) == ("fearful", "12", "02")
    assert clip.performance == "01-06-02-02-01-12"


def test_emotion_codes_are_in_the_order_of_the_library_labels():
    assert ravdess.LABELS == LABELS


@pytest.mark.parametrize("stem", ["notes", "03-01-09-01-01-01-01", "03-01-1-01-01-01-01", "04-01-01-01-01-01-01"])
def test_a_name_outside_the_grammar_is_refused_and_named(tmp_path, stem):
    (tmp_path / "Actor_01").mkdir()
    (tmp_path / "Actor_01" / f"{stem}.wav").touch()
    with pytest.raises(CorpusError, match=stem):
        ravdess.read(tmp_path)


def test_song_is_left_out(folder):
    clips = ravdess.read(folder)
    assert len(clips) == 80


def test_a_performance_is_one_clip_however_many_files_show_it(tmp_path):
    touch(tmp_path, "03-01-01-01-01-01-01")
    touch(tmp_path, "01-01-01-01-01-01-01", "02-01-01-01-01-01-01", suffix=".mp4")
    (clip,) = ravdess.read(tmp_path)
    assert clip.sound.suffix == ".wav"
    assert clip.video.name.startswith("01-")


def test_a_sound_that_is_there_twice_is_refused(tmp_path):
    touch(tmp_path, "03-01-01-01-01-01-01")
    touch(tmp_path, "03-01-01-01-01-01-01", suffix=".flac")
    with pytest.raises(CorpusError, match="twice"):
        ravdess.read(tmp_path)


def test_a_folder_that_is_not_the_corpus_is_refused(tmp_path):
    with pytest.raises(CorpusError):
        ravdess.read(tmp_path / "nowhere")
    with pytest.raises(CorpusError):
        ravdess.read(tmp_path)


def test_every_actor_is_tested_once_and_no_split_shares_an_actor(folder):
    clips = ravdess.read(folder)
    splits = [ravdess.fold(clips, number) for number in range(1, 6)]
    assert sorted(clip.name for split in splits for clip in split.test) == sorted(clip.name for clip in clips)
    for split in splits:
        actors = [{clip.speaker for clip in part} for part in split.parts().values()]
        assert [len(part) for part in actors] == [12, 4, 4]
        assert len(set.union(*actors)) == 20


def test_a_fold_whose_actors_are_not_there_is_refused(folder):
    with pytest.raises(CorpusError, match="no fold 6"):
        ravdess.fold(ravdess.read(folder), 6)


def test_an_actor_on_two_sides_stops_the_run(folder):
    split = ravdess.fold(ravdess.read(folder), 1)
    leaky = replace(split, train=split.train + split.test[:1])
    with pytest.raises(CorpusError, match="is in"):
        check_split(leaky)


def test_a_performance_on_two_sides_stops_the_run_even_under_another_actor(folder):
    split = ravdess.fold(ravdess.read(folder), 1)
    again = replace(split.test[0], speaker="99", group="99")
    with pytest.raises(CorpusError, match="performance"):
        check_split(replace(split, train=(*split.train, again)))


def test_a_left_out_sentence_is_in_the_test_alone(folder):
    split = ravdess.without_sentence(ravdess.read(folder), "02", 1)
    assert {clip.sentence for clip in split.test} == {"02"}
    assert {clip.sentence for clip in split.train + split.validation} == {"01"}
