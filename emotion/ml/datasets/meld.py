"""MELD (Poria et al. 2019): 13,708 turns of a television series, seven emotions, splits as published.

Layout as published (MELD.Raw, unpacked): `train_sent_emo.csv`, `dev_sent_emo.csv`, `test_sent_emo.csv` and the folders
`train_splits`, `dev_splits_complete`, `output_repeated_splits_test` with `dia0_utt3.mp4`.
"""

import csv
from collections.abc import Iterable
from pathlib import Path

from emotion.ml.datasets.clips import Clip, CorpusError, Split, check_split, the_folder

PARTS = {"train": "train_splits", "dev": "dev_splits_complete", "test": "output_repeated_splits_test"}
# As published: the first file has no index and cannot be opened, the second was never there.
BROKEN = {"train-dia125-utt3", "dev-dia110-utt7"}


def read(folder: Path) -> list[Clip]:
    """The turns of all three parts whose video is there. A turn that is in two parts is kept in the later one only,
    test before dev before train, so that nothing which is tested was learned. Raises CorpusError.
    """
    the_folder(folder, "MELD", "*_sent_emo.csv")
    kept: dict[str, Clip] = {}
    for part in PARTS:
        for clip in _part(folder, part):
            kept[clip.performance] = clip
    return sorted(kept.values(), key=lambda clip: clip.name)


def published_split(clips: Iterable[Clip]) -> Split:
    """Train, dev and test as published. The actors of the series are on every side: dialogues are not."""
    clips = tuple(clips)
    parts = (tuple(clip for clip in clips if clip.group.startswith(part)) for part in PARTS)
    return check_split(Split("MELD as published", *parts), speakers=False)


def _part(folder: Path, part: str) -> list[Clip]:
    path = folder / f"{part}_sent_emo.csv"
    try:
        with path.open(newline="", encoding="utf-8", errors="replace") as table:
            clips = [_clip(folder, part, row) for row in csv.DictReader(table)]
    except FileNotFoundError as error:
        raise CorpusError(f"MELD: {folder} has no {path.name}.") from error
    except KeyError as error:
        raise CorpusError(f"MELD: {path.name} has no column {error}.") from error
    return [clip for clip in clips if clip.name not in BROKEN and clip.video and clip.video.exists()]


def _clip(folder: Path, part: str, row: dict[str, str]) -> Clip:
    dialogue, turn = row["Dialogue_ID"], row["Utterance_ID"]
    video = folder / PARTS[part] / f"dia{dialogue}_utt{turn}.mp4"
    return Clip(
        corpus="MELD",
        name=f"{part}-dia{dialogue}-utt{turn}",
        label=row["Emotion"],
        speaker=row["Speaker"],
        group=f"{part}-{dialogue}",
        # Where it is in the series, and its words: the same in whichever part it is listed.
        performance=" ".join(row[column] for column in ("Season", "Episode", "StartTime", "EndTime", "Utterance")),
        video=video,
        sound=video,
        text=row["Utterance"],
    )
