"""Each corpus is read from a made folder in the layout its authors publish."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emotion.ml.datasets import cremad, iemocap, meld
from emotion.ml.datasets.clips import Clip, CorpusError, Split, check_split, seen_in
from emotion.ml.datasets.corpora import CORPORA, explain
from emotion.ml.datasets.label_maps import LABEL_MAPS
from emotion.ml.labels import LABELS
from tests.emotion.ml import recordings


def touch(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def a_clip(name: str, **fields) -> Clip:
    given = {"label": "sad", "speaker": name, "group": name, "performance": name, "sentence": "one"} | fields
    return Clip(corpus="made", name=name, **given)


@pytest.fixture
def cremad_folder(tmp_path):
    for actor in cremad.ACTORS:
        touch(tmp_path / "AudioWAV" / f"{actor}_DFA_ANG_XX.wav")
        touch(tmp_path / "VideoFlash" / f"{actor}_DFA_ANG_XX.flv")
    touch(tmp_path / "AudioWAV" / "1076_MTI_SAD_XX.wav")
    return tmp_path


def test_cremad_clips_carry_actor_sentence_and_both_files(cremad_folder):
    clip = cremad.read(cremad_folder)[0]
    assert (clip.name, clip.label, clip.speaker, clip.sentence) == ("1001_DFA_ANG_XX", "ANG", "1001", "DFA")
    assert clip.video.name == "1001_DFA_ANG_XX.flv"


def test_cremad_leaves_its_broken_files_out(cremad_folder):
    assert all(clip.name not in cremad.BROKEN for clip in cremad.read(cremad_folder))


def test_cremad_folds_test_each_actor_once(cremad_folder):
    clips = cremad.read(cremad_folder)
    tested = [clip.speaker for number in range(1, 6) for clip in cremad.fold(clips, number).test]
    assert sorted(tested) == sorted(cremad.ACTORS)


@pytest.fixture
def iemocap_folder(tmp_path):
    for session in iemocap.SESSIONS:
        name = f"Ses0{session}F_impro01"
        lines = (
            "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
            f"[6.2901 - 8.2357]\t{name}_F000\tneu\t[2.5000, 2.5000, 2.5000]\nC-E2:\tNeutral;\t()\n\n"
            f"[10.0100 - 11.3925]\t{name}_M001\texc\t[3.5000, 3.5000, 3.5000]\n\n"
            f"[12.0000 - 13.0000]\t{name}_M002\txxx\t[2.5000, 2.5000, 2.5000]\n"
        )
        root = tmp_path / f"Session{session}"
        touch(root / "dialog" / "EmoEvaluation" / f"{name}.txt", lines)
        touch(root / "dialog" / "transcriptions" / f"{name}.txt", f"{name}_F000 [006.2901-008.2357]: Excuse me.\n")
        touch(root / "sentences" / "wav" / name / f"{name}_F000.wav")
        touch(root / "dialog" / "avi" / "DivX" / f"{name}.avi")
    return tmp_path


def test_iemocap_turns_carry_times_words_and_the_talker_not_the_wearer(iemocap_folder):
    first, second = iemocap.read(iemocap_folder)[:2]
    assert (first.start, first.end, first.text, first.speaker) == (6.2901, 8.2357, "Excuse me.", "1F")
    assert (second.label, second.speaker) == ("exc", "1M")


def test_who_wears_the_markers_is_looked_for_on_the_left_and_the_other_on_the_right(iemocap_folder):
    assert [clip.half for clip in iemocap.read(iemocap_folder)[:3]] == ["left", "right", "right"]


def test_iemocap_excitement_is_happy_and_what_is_none_of_the_eight_is_left_out(iemocap_folder):
    assert {clip.label for clip in iemocap.read(iemocap_folder)} == {"neu", "exc", "xxx"}
    clips = CORPORA["iemocap"].read(iemocap_folder)
    assert {clip.label for clip in clips} == {"neutral", "happy"}
    assert len(clips) == 10


def test_a_turn_s_sound_is_its_own_file_or_else_its_part_of_the_dialogue(iemocap_folder):
    first, second = iemocap.read(iemocap_folder)[:2]
    assert first.sound.name == "Ses01F_impro01_F000.wav"
    assert second.sound == second.video


def test_iemocap_folds_keep_sessions_apart_and_choose_on_another_session_than_the_test(iemocap_folder):
    split = iemocap.fold(iemocap.read(iemocap_folder), 5)
    assert {clip.group for clip in split.test} == {"5"}
    assert {clip.group for clip in split.validation} == {"1"}


MELD_HEAD = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"


def a_turn(dialogue: int, turn: int, episode: int, emotion: str = "sadness", said: str = "Oh, no.") -> str:
    times = '"00:16:16,059","00:16:21,731"'
    return f'1,"{said}",Ross,{emotion},negative,{dialogue},{turn},8,{episode},{times}\n'


@pytest.fixture
def meld_folder(tmp_path):
    for episode, (part, folder) in enumerate(meld.PARTS.items()):
        absent = a_turn(9, 9, episode, "joy")
        touch(tmp_path / f"{part}_sent_emo.csv", MELD_HEAD + a_turn(0, 3, episode) + absent)
        touch(tmp_path / folder / "dia0_utt3.mp4")
    return tmp_path


def test_meld_reads_the_published_parts_and_skips_turns_without_a_video(meld_folder):
    corpus = CORPORA["meld"]
    split = corpus.split(corpus.read(meld_folder))
    assert [(clip.label, clip.text) for clip in split.test] == [("sad", "Oh, no.")]
    assert split.counts() == {part: {"sad": 1} for part in ("train", "validation", "test")}


def test_a_turn_that_meld_lists_twice_is_kept_where_it_is_tested(meld_folder):
    with (meld_folder / "train_sent_emo.csv").open("a") as table:
        table.write(a_turn(5, 0, episode=2))  # the same moment of the series as the test's turn
    touch(meld_folder / "train_splits" / "dia5_utt0.mp4")
    assert [clip.name for clip in meld.read(meld_folder)] == ["dev-dia0-utt3", "test-dia0-utt3", "train-dia0-utt3"]


def test_a_list_that_is_missing_is_named(meld_folder):
    (meld_folder / "dev_sent_emo.csv").unlink()
    with pytest.raises(CorpusError, match="no dev_sent_emo"):
        meld.read(meld_folder)


@pytest.mark.parametrize("corpus", [corpus for corpus in CORPORA.values() if corpus.needs_folder])
def test_a_folder_that_is_not_the_corpus_is_refused_with_what_was_looked_for(corpus, tmp_path):
    with pytest.raises(CorpusError, match="Point at the folder"):
        corpus.read(tmp_path)
    with pytest.raises(CorpusError, match="there is no folder"):
        corpus.read(tmp_path / "absent")
    with pytest.raises(CorpusError, match="name its folder"):
        corpus.read()


def test_a_cremad_name_outside_the_grammar_is_refused_and_named(tmp_path):
    touch(tmp_path / "AudioWAV" / "1001_DFA_JOY_XX.wav")
    with pytest.raises(CorpusError, match="1001_DFA_JOY_XX"):
        cremad.read(tmp_path)


# What all of them have in common


def test_every_label_of_every_corpus_is_one_of_the_eight_or_left_out_with_a_reason():
    assert set(LABEL_MAPS) == set(CORPORA)
    for name, rows in LABEL_MAPS.items():
        assert {row.own for row in rows} == set(CORPORA[name].published), name
        assert {row.label for row in rows} <= {*LABELS, None}
        assert all(row.why for row in rows)


def test_published_sizes_are_those_of_the_papers():
    sizes = {name: sum(corpus.published.values()) for name, corpus in CORPORA.items()}
    assert sizes == {
        "made": 192,
        "ravdess": 1440,
        "ravdess-audio": 1440,
        "cremad": 7442,
        "iemocap": 10_039,
        "meld": 13_708,
    }


def test_a_fold_that_is_not_there_is_refused(cremad_folder):
    corpus = CORPORA["cremad"]
    with pytest.raises(CorpusError, match="no fold 6; the clips here make folds 1 to 5"):
        corpus.split(corpus.read(cremad_folder), 6)


def test_a_sentence_left_out_is_tested_alone_and_an_unknown_one_is_refused(cremad_folder):
    for actor in cremad.ACTORS:
        touch(cremad_folder / "AudioWAV" / f"{actor}_IEO_HAP_LO.wav")
    corpus = CORPORA["cremad"]
    clips = corpus.read(cremad_folder)
    split = corpus.split(clips, 2, left_out="IEO")
    assert {clip.sentence for clip in split.test} == {"IEO"}
    assert {clip.sentence for clip in (*split.train, *split.validation)} == {"DFA"}
    with pytest.raises(CorpusError, match="no sentence XYZ to leave out; choose one of DFA, IEO"):
        corpus.split(clips, 2, left_out="XYZ")


def test_a_corpus_of_sentences_that_are_all_different_has_none_to_leave_out(meld_folder):
    corpus = CORPORA["meld"]
    with pytest.raises(CorpusError, match="all different"):
        corpus.split(corpus.read(meld_folder), 1, left_out="Oh, no.")


def test_the_made_corpus_needs_no_folder_and_every_fold_of_it_is_clean():
    corpus = CORPORA["made"]
    clips = corpus.read()
    assert corpus.folds(clips) == 12
    tested = {clip.speaker for number in (1, 4, 7, 10) for clip in corpus.split(clips, number).test}
    assert len(tested) == 12


# What a folder is, for a form


@pytest.fixture
def ravdess_folder(tmp_path):
    """Twelve of the actors, two clips each; one real sound, for one is opened."""
    for actor in ("01", "11", "20", "21", "04", "10", "12", "14", "08", "09", "19", "23"):
        for name in (f"03-01-03-01-01-01-{actor}.wav", f"03-01-04-01-02-01-{actor}.wav"):
            touch(tmp_path / f"Actor_{actor}" / name)
    first = tmp_path / "Actor_01" / "03-01-03-01-01-01-01.wav"
    recordings.write(first, sound=np.zeros(4800, np.float32), codecs=("", "pcm_s16le"))
    return tmp_path


def test_a_good_folder_is_explained_by_label_channel_and_split(ravdess_folder):
    told = explain(CORPORA["ravdess"], ravdess_folder)
    assert told.problem == ""
    assert told.clips == 24
    assert (told.labels["happy"], told.labels["sad"], told.labels["calm"]) == (12, 12, 0)
    assert told.channels == {"face": 0, "voice": 24, "text": 0}
    assert "24 clips; as published there are 1,440." in told.remarks
    assert "24 clips have no video: only their voices can be learned from." in told.remarks


def test_the_voices_alone_can_be_asked_for_where_there_are_videos_too(ravdess_folder):
    touch(ravdess_folder / "Actor_01" / "01-01-03-01-01-01-01.mp4")
    assert any(clip.video for clip in CORPORA["ravdess"].read(ravdess_folder))
    assert not any(clip.video for clip in CORPORA["ravdess-audio"].read(ravdess_folder))


def test_what_is_left_out_is_counted_under_its_own_name(iemocap_folder):
    for path in iemocap_folder.glob("Session*/sentences/wav/*/*.wav"):
        recordings.write(path, sound=np.zeros(4800, np.float32), codecs=("", "pcm_s16le"))
    for path in iemocap_folder.glob("Session*/dialog/avi/DivX/*.avi"):
        recordings.write(path, recordings.plain(0.2), codecs=("mpeg4", ""))
    told = explain(CORPORA["iemocap"], iemocap_folder)
    assert told.problem == ""
    assert told.left_out == {"xxx": 5}
    assert told.splits["fold 2"]["test"] == {"neutral": 1, "happy": 1}


def test_too_few_actors_for_a_split_is_a_sentence_and_says_what_belongs_there(tmp_path):
    touch(tmp_path / "Actor_01" / "03-01-03-01-01-01-01.wav")
    problem = explain(CORPORA["ravdess"], tmp_path).problem
    assert "too few clips or actors" in problem
    assert "Actor_01 to Actor_24" in problem


def test_files_that_are_no_recordings_are_named(ravdess_folder):
    (ravdess_folder / "Actor_01" / "03-01-03-01-01-01-01.wav").write_bytes(b"not a sound")
    assert explain(CORPORA["ravdess"], ravdess_folder).problem.startswith("03-01-03-01-01-01-01.wav: This file is not")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_a_sentence(ravdess_folder):
    ravdess_folder.chmod(0)
    problem = explain(CORPORA["ravdess"], ravdess_folder).problem
    ravdess_folder.chmod(0o700)
    assert "may not read the folder" in problem


def test_corpora_can_be_asked_about_without_loading_torch():
    code = "import sys, emotion.ml.datasets.corpora; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Splits


@pytest.mark.parametrize("kind", ["performance", "speaker", "group"])
def test_a_split_that_leaks_stops_the_run(kind):
    one, two, three = (a_clip(name) for name in ("a", "b", "c"))
    leak = replace(three, **{kind: getattr(one, kind)})
    with pytest.raises(CorpusError, match=f"{kind} a is in train and in test"):
        check_split(Split("made", (one,), (two,), (leak,)))


def test_an_empty_part_stops_the_run():
    with pytest.raises(CorpusError, match="validation part is empty"):
        check_split(Split("made", (a_clip("a"),), (), (a_clip("c"),)))


def test_leaving_a_sentence_out_can_be_checked_too():
    split = Split("made", (a_clip("a"),), (a_clip("b", sentence="two"),), (a_clip("c"),))
    with pytest.raises(CorpusError, match="sentence one"):
        check_split(split, sentences=True)


def test_a_card_can_name_everybody_who_was_learned_from_or_chosen_by_and_nobody_else():
    split = Split("made", (a_clip("b"), a_clip("a", sentence="")), (a_clip("c", sentence="two"),), (a_clip("d"),))
    assert seen_in(split) == {
        "made": {"speakers": ["a", "b", "c"], "groups": ["a", "b", "c"], "sentences": ["one", "two"]}
    }
