"""MELD (Poria et al. 2019): 13,708 turns of a television series, seven emotions, splits as published.

Layout as published (MELD.Raw, unpacked): `train_sent_emo.csv`, `dev_sent_emo.csv`, `test_sent_emo.csv` and the folders
`train_splits`, `dev_splits_complete`, `output_repeated_splits_test` with `dia0_utt3.mp4`.
"""

import csv
from pathlib import Path

from emotion.ml.datasets.clips import Clip, CorpusError, Split, the_folder

LABELS = {
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fearful",
    "joy": "happy",
    "neutral": "neutral",
    "sadness": "sad",
    "surprise": "surprised",
}
PARTS = {"train": "train_splits", "dev": "dev_splits_complete", "test": "output_repeated_splits_test"}


def read(folder: Path, part: str) -> list[Clip]:
    """The turns of one published part, `train`, `dev` or `test`, whose video is there."""
    the_folder(folder, "MELD", f"{part}_sent_emo.csv")
    with (folder / f"{part}_sent_emo.csv").open(newline="", encoding="utf-8", errors="replace") as table:
        clips = [_clip(folder, part, row) for row in csv.DictReader(table)]
    return [clip for clip in clips if clip.video and clip.video.exists()]


def published_split(folder: Path) -> Split:
    """Train, dev and test as published. The actors of the series are on every side: dialogues are not."""
    split = Split("MELD as published", *(tuple(read(folder, part)) for part in PARTS))
    sides = {part: {clip.group for clip in clips} for part, clips in split.parts().items()}
    for part, clips in split.parts().items():
        if not clips:
            raise CorpusError(f"MELD: no video of the {part} part was found.")
    if sides["train"] & sides["test"] or sides["train"] & sides["validation"] or sides["validation"] & sides["test"]:
        raise CorpusError("MELD: a dialogue is on two sides of the split.")
    return split


def _clip(folder: Path, part: str, row: dict[str, str]) -> Clip:
    dialogue, turn = row["Dialogue_ID"], row["Utterance_ID"]
    video = folder / PARTS[part] / f"dia{dialogue}_utt{turn}.mp4"
    return Clip(
        corpus="MELD",
        name=f"{part}-dia{dialogue}-utt{turn}",
        label=LABELS[row["Emotion"]],
        speaker=row["Speaker"],
        group=f"{part}-{dialogue}",
        performance=f"{part}-dia{dialogue}-utt{turn}",
        video=video,
        sound=video,
        text=row["Utterance"],
    )
