"""Small corpora in their published layouts, with real faces and real sound in real files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from emotion.ml import media
from tests.emotion.ml.recordings import PICTURE, feat, tone, write

# Actors of three of the published folds, so that there is a split.
RAVDESS_ACTORS = ("01", "11", "20", "21", "04", "10", "12", "14", "08", "09", "19", "23")
SECONDS = 0.8


@cache
def face() -> np.ndarray:
    """(240, 320, 3), one face in the middle."""
    pixels = next(media.pictures(feat("single_face.mp4"), lines=240)).pixels
    middle = pixels.shape[1] // 2
    return np.ascontiguousarray(pixels[:, middle - 160 : middle + 160])


def nobody() -> np.ndarray:
    return np.full_like(face(), 128)


def shown(pixels: np.ndarray, seconds: float = SECONDS, *, start: float = 0.0) -> Iterator[tuple[float, np.ndarray]]:
    """A still picture as a video."""
    for number in range(round(seconds * PICTURE)):
        yield start + number / PICTURE, pixels


def mp4(path: Path, pixels: np.ndarray, pitch: float = 220.0, seconds: float = SECONDS) -> Path:
    return write(_room(path), shown(pixels, seconds), tone(seconds, pitch), codecs=("libx264", "aac"))


def wav(path: Path, pitch: float = 220.0, seconds: float = SECONDS) -> Path:
    return write(_room(path), sound=tone(seconds, pitch), codecs=("", "pcm_s16le"))


def ravdess(folder: Path, *, video: bool = True, actors: tuple[str, ...] = RAVDESS_ACTORS) -> Path:
    """A happy and a sad clip of each actor, one of each sentence."""
    for number, actor in enumerate(actors):
        for emotion, sentence in (("03", "01"), ("04", "02")):
            name = f"{emotion}-01-{sentence}-01-{actor}"
            wav(folder / f"Actor_{actor}" / f"03-01-{name}.wav", 150 + 20 * number)
            if video:
                mp4(folder / f"Actor_{actor}" / f"01-01-{name}.mp4", face())
    return folder


def cremad(folder: Path) -> Path:
    """One actor, two clips; the second shows nobody."""
    for name, pixels in (("1001_DFA_ANG_XX", face()), ("1001_IEO_SAD_LO", nobody())):
        wav(folder / "AudioWAV" / f"{name}.wav")
        path = _room(folder / "VideoFlash" / f"{name}.flv")
        write(path, shown(pixels), tone(SECONDS), codecs=("flv1", "libmp3lame"))
    return folder


def iemocap(folder: Path) -> Path:
    """One dialogue: she, who wears the markers, shows her face; he, on the right, is not to be seen."""
    dialogue, root = "Ses01F_impro01", folder / "Session1"
    both = np.concatenate([face(), nobody()], axis=1)
    video = _room(root / "dialog" / "avi" / "DivX" / f"{dialogue}.avi")
    write(video, shown(both, 4.0), tone(4.0), codecs=("mpeg4", "pcm_s16le"))
    turns = (("F000", 1.0, 1.8, "hap", "It is good."), ("M000", 2.5, 3.3, "sad", "It is not."))
    labels, said = "", ""
    for name, start, end, label, words in turns:
        labels += f"[{start:.4f} - {end:.4f}]\t{dialogue}_{name}\t{label}\t[2.5000, 2.5000, 2.5000]\n"
        said += f"{dialogue}_{name} [{start:08.4f}-{end:08.4f}]: {words}\n"
        wav(root / "sentences" / "wav" / dialogue / f"{dialogue}_{name}.wav")
    _room(root / "dialog" / "EmoEvaluation" / f"{dialogue}.txt").write_text(labels)
    _room(root / "dialog" / "transcriptions" / f"{dialogue}.txt").write_text(said)
    return folder


def meld(folder: Path) -> Path:
    head = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"
    parts = {"train": "train_splits", "dev": "dev_splits_complete", "test": "output_repeated_splits_test"}
    for episode, (part, videos) in enumerate(parts.items()):
        row = f'1,"Oh, {part}.",Ross,joy,positive,0,3,8,{episode},"00:16:16,059","00:16:21,731"\n'
        (folder / f"{part}_sent_emo.csv").write_text(head + row)
        mp4(folder / videos / "dia0_utt3.mp4", face())
    return folder


def _room(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
