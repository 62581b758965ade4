"""CREMA-D (Cao et al. 2014): 7,442 clips of 91 actors, twelve sentences, six emotions.

Layout as published: `AudioWAV/1001_DFA_ANG_XX.wav`, `VideoFlash/1001_DFA_ANG_XX.flv`.
File name: actor_sentence_emotion_level.
"""

from pathlib import Path

from emotion.ml.datasets.clips import Clip, Split, check_split, split_by, the_folder

LABELS = {"ANG": "angry", "DIS": "disgust", "FEA": "fearful", "HAP": "happy", "NEU": "neutral", "SAD": "sad"}
# Files without usable sound or picture, which HiCMAE leaves out too.
BROKEN = {"1076_MTI_NEU_XX", "1076_MTI_SAD_XX", "1064_TIE_SAD_XX", "1064_IEO_DIS_MD"}
ACTORS = tuple(str(number) for number in range(1001, 1092))
FOLDS = 5


def read(folder: Path) -> list[Clip]:
    """Every clip whose sound is there, sorted by name. Raises CorpusError."""
    the_folder(folder, "CREMA-D", "AudioWAV/*.wav")
    return [_clip(folder, path) for path in sorted(folder.glob("AudioWAV/*.wav")) if path.stem not in BROKEN]


def fold(clips: list[Clip], number: int) -> Split:
    """Fold 1 to 5: every fifth actor to test, the next to validation, fixed by the actors' numbers alone."""
    blocks = [set(ACTORS[start::FOLDS]) for start in range(FOLDS)]
    split = split_by(clips, f"CREMA-D fold {number}", "speaker", blocks[number % FOLDS], blocks[number - 1])
    return check_split(split)


def _clip(folder: Path, path: Path) -> Clip:
    actor, sentence, emotion, _level = path.stem.split("_")
    video = folder / "VideoFlash" / f"{path.stem}.flv"
    return Clip(
        corpus="CREMA-D",
        name=path.stem,
        label=LABELS[emotion],
        speaker=actor,
        group=actor,
        performance=path.stem,
        sound=path,
        video=video if video.exists() else None,
        sentence=sentence,
    )
