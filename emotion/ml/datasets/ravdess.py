"""RAVDESS (Livingstone and Russo 2018), its speech part: 24 actors, 60 performances each, two sentences.

Layout as published, sound and video in any mix: `Actor_01/03-01-05-02-01-01-01.wav`, `Actor_01/01-01-….mp4`.
File name: modality-channel-emotion-intensity-statement-repetition-actor.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from emotion.ml.datasets.clips import Clip, CorpusError, Split, check_split, leave_out_sentence, split_by, the_folder

LABELS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")  # codes 01 to 08
SOUND_SUFFIXES, VIDEO_SUFFIXES = (".wav", ".flac"), (".mp4",)
VIDEO_ONLY = 2  # modality
SPEECH = 1  # channel

# EmoBox's folds: each actor is tested once. The sixth is left out where its actors are (a test nobody tunes on).
FOLDS = (
    ("01", "11", "20", "21"),
    ("04", "10", "12", "14"),
    ("08", "09", "19", "23"),
    ("03", "05", "07", "24"),
    ("02", "15", "16", "18"),
    ("06", "13", "17", "22"),
)


class Name(NamedTuple):
    """The seven numbers of a file name."""

    modality: int
    channel: int
    emotion: int
    intensity: int
    statement: int
    repetition: int
    actor: int

    @classmethod
    def parse(cls, stem: str) -> Name:
        """Raises CorpusError."""
        parts = stem.split("-")
        if len(parts) != len(cls._fields) or not all(len(part) == 2 and part.isdigit() for part in parts):
            raise CorpusError(f"RAVDESS: {stem} is not seven numbers of two digits.")
        name = cls(*(int(part) for part in parts))
        if not (1 <= name.emotion <= len(LABELS) and 1 <= name.modality <= 3 and 1 <= name.channel <= 2):
            raise CorpusError(f"RAVDESS: {stem} names an emotion, modality or channel that does not exist.")
        return name

    @property
    def label(self) -> str:
        return LABELS[self.emotion - 1]

    @property
    def performance(self) -> str:
        """The same for the video, the video without sound, and the sound of one performance."""
        return "-".join(f"{part:02d}" for part in self[1:])


def read(folder: Path) -> list[Clip]:
    """A clip a spoken performance, sorted by name, with its sound, its video with sound, or both.

    The published video folders hold each performance twice, with and without sound: the one without is not read.
    Raises CorpusError.
    """
    the_folder(folder, "RAVDESS", "Actor_*/*")
    files: dict[str, dict[str, Path]] = defaultdict(dict)
    names: dict[str, Name] = {}
    for path in sorted(folder.glob("Actor_*/*")):
        if path.suffix in SOUND_SUFFIXES + VIDEO_SUFFIXES:
            name = Name.parse(path.stem)
            if name.channel == SPEECH and name.modality != VIDEO_ONLY:
                kind = "sound" if path.suffix in SOUND_SUFFIXES else "video"
                if files[name.performance].setdefault(kind, path) != path:
                    raise CorpusError(f"RAVDESS: {path.name} is there twice.")
                names[name.performance] = name
    return [_clip(names[performance], files[performance]) for performance in sorted(names)]


def fold(clips: Iterable[Clip], number: int) -> Split:
    """Fold 1 to 6, as far as its actors are there: its four actors are the test, the next fold's the validation.

    Raises CorpusError when an actor or a performance would cross the split.
    """
    clips = tuple(clips)
    folds = present_folds(clips)
    if not 1 <= number <= len(folds):
        raise CorpusError(f"RAVDESS: there is no fold {number}; the actors here make folds 1 to {len(folds)}.")
    test, validation = set(folds[number - 1]), set(folds[number % len(folds)])
    return check_split(split_by(clips, f"RAVDESS fold {number}", "speaker", validation, test))


def present_folds(clips: Iterable[Clip]) -> list[tuple[str, ...]]:
    """The folds whose actors are all there."""
    actors = {clip.speaker for clip in clips}
    return [fold for fold in FOLDS if actors.issuperset(fold)]


def without_sentence(clips: Iterable[Clip], sentence: str, number: int) -> Split:
    """Fold `number`, tested on one sentence that is in neither other part. There are only two."""
    return leave_out_sentence(fold(clips, number), sentence)


def _clip(name: Name, files: dict[str, Path]) -> Clip:
    actor = f"{name.actor:02d}"
    return Clip(
        corpus="RAVDESS",
        name=name.performance,
        label=name.label,
        speaker=actor,
        group=actor,
        performance=name.performance,
        # A video with sound carries both.
        sound=files.get("sound", files.get("video")),
        video=files.get("video"),
        sentence=f"{name.statement:02d}",
    )
