"""CREMA-D (Cao et al. 2014): 7,442 clips of 91 actors, twelve sentences, six emotions.

Layout as published: `AudioWAV/1001_DFA_ANG_XX.wav`, `VideoFlash/1001_DFA_ANG_XX.flv`.
File name: actor_sentence_emotion_level.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from emotion.ml.datasets.clips import Clip, CorpusError, Split, check_split, split_by, the_folder

NAME = re.compile(r"^(?P<actor>1\d{3})_(?P<sentence>[A-Z]{3})_(?P<label>ANG|DIS|FEA|HAP|NEU|SAD)_(LO|MD|HI|XX|X)$")
# Files without usable sound or picture, which HiCMAE leaves out too.
BROKEN = {"1076_MTI_NEU_XX", "1076_MTI_SAD_XX", "1064_TIE_SAD_XX", "1064_IEO_DIS_MD"}
ACTORS = tuple(str(number) for number in range(1001, 1092))
FOLDS = 5


def read(folder: Path) -> list[Clip]:
    """Every clip whose sound is there, sorted by name. Raises CorpusError."""
    the_folder(folder, "CREMA-D", "AudioWAV/*.wav")
    return [_clip(folder, path) for path in sorted(folder.glob("AudioWAV/*.wav")) if path.stem not in BROKEN]


def fold(clips: Iterable[Clip], number: int) -> Split:
    """Fold 1 to 5: every fifth actor to test, the next to validation, fixed by the actors' numbers alone."""
    blocks = [set(ACTORS[start::FOLDS]) for start in range(FOLDS)]
    split = split_by(clips, f"CREMA-D fold {number}", "speaker", blocks[number % FOLDS], blocks[number - 1])
    return check_split(split)


def _clip(folder: Path, path: Path) -> Clip:
    name = NAME.match(path.stem)
    if name is None:
        raise CorpusError(f"CREMA-D: {path.name} is not named actor_sentence_emotion_level.")
    video = folder / "VideoFlash" / f"{path.stem}.flv"
    return Clip(
        corpus="CREMA-D",
        name=path.stem,
        label=name["label"],
        speaker=name["actor"],
        group=name["actor"],
        performance=path.stem,
        sound=path,
        video=video if video.exists() else None,
        sentence=name["sentence"],
    )
