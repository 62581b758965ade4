"""Each corpus is read from a made folder in the layout its authors publish."""

from dataclasses import replace
from pathlib import Path

import pytest

from emotion.ml.datasets import cremad, iemocap, meld
from emotion.ml.datasets.clips import Clip, CorpusError, Split, check_split


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
    assert (clip.name, clip.label, clip.speaker, clip.sentence) == ("1001_DFA_ANG_XX", "angry", "1001", "DFA")
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
    return tmp_path


def test_iemocap_turns_carry_times_words_and_the_talker_not_the_wearer(iemocap_folder):
    first, second = iemocap.read(iemocap_folder)[:2]
    assert (first.start, first.end, first.text, first.speaker) == (6.2901, 8.2357, "Excuse me.", "1F")
    assert (second.label, second.speaker) == ("excited", "1M")


def test_iemocap_turns_without_agreement_are_left_out(iemocap_folder):
    assert len(iemocap.read(iemocap_folder)) == 10


def test_the_four_class_task_counts_excited_as_happy(iemocap_folder):
    labels = {clip.label for clip in iemocap.four_classes(iemocap.read(iemocap_folder))}
    assert labels == {"neutral", "happy"}


def test_iemocap_folds_keep_sessions_apart_and_choose_on_another_session_than_the_test(iemocap_folder):
    split = iemocap.fold(iemocap.read(iemocap_folder), 5)
    assert {clip.group for clip in split.test} == {"5"}
    assert {clip.group for clip in split.validation} == {"1"}


@pytest.fixture
def meld_folder(tmp_path):
    head = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"
    for part, folder in meld.PARTS.items():
        row = '1,"Oh, no.",Ross,sadness,negative,0,3,8,21,"00:16:16,059","00:16:21,731"\n'
        absent = "2,Hi,Joey,joy,positive,9,9,8,21,0,0\n"
        touch(tmp_path / f"{part}_sent_emo.csv", head + row + absent)
        touch(tmp_path / folder / "dia0_utt3.mp4")
    return tmp_path


def test_meld_reads_the_published_parts_and_skips_turns_without_a_video(meld_folder):
    split = meld.published_split(meld_folder)
    assert [(clip.label, clip.text) for clip in split.test] == [("sad", "Oh, no.")]
    assert split.counts() == {part: {"sad": 1} for part in ("train", "validation", "test")}


@pytest.mark.parametrize("reader", [cremad.read, iemocap.read, lambda path: meld.read(path, "train")])
def test_a_folder_that_is_not_the_corpus_is_refused_with_what_was_looked_for(reader, tmp_path):
    with pytest.raises(CorpusError, match="Point at the folder"):
        reader(tmp_path)
    with pytest.raises(CorpusError, match="there is no folder"):
        reader(tmp_path / "absent")


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
