"""One labelled clip of a corpus, splits of clips, and the check that no split leaks into another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from emotion.ml.errors import EmotionError


class CorpusError(EmotionError):
    """A corpus folder that is not as published, or a split that leaks."""


@dataclass(frozen=True)
class Clip:
    """A performance with its label: where its picture and its sound lie, and what must not cross a split.

    name          unique in its corpus
    label         the corpus's own name for it; `labels.py` maps it to the eight
    speaker       who acts or talks; splits by actor keep it on one side
    group         the recording session, dialogue or actor that splits must not cut
    performance   equal for two files of the same performance (a video and its sound)
    sentence      what is said, as an id, for leave-one-sentence-out
    start, end    seconds within the files; None takes the whole
    """

    corpus: str
    name: str
    label: str
    speaker: str
    group: str
    performance: str
    video: Path | None = None
    sound: Path | None = None
    sentence: str = ""
    text: str = ""
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True)
class Split:
    """Clips to learn from, to choose by, and to report on."""

    name: str
    train: tuple[Clip, ...]
    validation: tuple[Clip, ...]
    test: tuple[Clip, ...]

    def parts(self) -> Mapping[str, tuple[Clip, ...]]:
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def counts(self) -> dict[str, dict[str, int]]:
        """How many clips of each label a part holds."""
        return {part: dict(Counter(clip.label for clip in clips)) for part, clips in self.parts().items()}


def check_split(split: Split, *, sentences: bool = False) -> Split:
    """The split, when no performance, speaker or group stands on two sides of it. Raises CorpusError otherwise."""
    kinds = ("performance", "speaker", "group", *(("sentence",) if sentences else ()))
    for kind in kinds:
        side: dict[tuple[str, str], str] = {}
        for part, clips in split.parts().items():
            for clip in clips:
                key = (clip.corpus, getattr(clip, kind))
                if side.setdefault(key, part) != part:
                    raise CorpusError(f"{split.name}: {kind} {key[1]} is in {side[key]} and in {part}.")
    for part, clips in split.parts().items():
        if not clips:
            raise CorpusError(f"{split.name}: the {part} part is empty.")
    return split


def split_by(clips: Iterable[Clip], name: str, kind: str, validation: set[str], test: set[str]) -> Split:
    """Clips whose `kind` (speaker, group, sentence) is named go to validation and test; the rest is to learn from."""
    clips = tuple(clips)
    return Split(
        name=name,
        train=tuple(clip for clip in clips if getattr(clip, kind) not in validation | test),
        validation=tuple(clip for clip in clips if getattr(clip, kind) in validation),
        test=tuple(clip for clip in clips if getattr(clip, kind) in test),
    )


def the_folder(path: Path, corpus: str, expected: str) -> Path:
    """The folder when it has what the corpus publishes there. Raises CorpusError with what was looked for."""
    if not path.is_dir():
        raise CorpusError(f"{corpus}: there is no folder {path}.")
    if not any(path.glob(expected)):
        raise CorpusError(f"{corpus}: {path} has no {expected}. Point at the folder that was unpacked.")
    return path
