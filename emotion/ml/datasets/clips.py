"""One labelled clip of a corpus, splits of clips, and the check that no split leaks into another."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from emotion.ml.errors import EmotionError


class CorpusError(EmotionError):
    """A corpus folder that is not as published, or a split that leaks."""


@dataclass(frozen=True)
class Clip:
    """A performance with its label: where its picture and its sound lie, and what must not cross a split.

    name          unique in its corpus
    label         the corpus's own name for it as a reader gives it; one of the eight after `Corpus.read`
    speaker       who acts or talks; splits by actor keep it on one side
    group         the recording session, dialogue or actor that splits must not cut
    performance   equal for two files of the same performance (a video and its sound)
    sentence      what is said, as an id, for leave-one-sentence-out
    start, end    seconds within the video; None takes the whole. A sound file of its own holds this clip alone
    half          the half of the picture that shows the speaker, where two people share it
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
    half: Literal["", "left", "right"] = ""


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


def check_split(split: Split, *, speakers: bool = True, sentences: bool = False) -> Split:
    """The split, when no performance, group, speaker or (if asked) sentence stands on two sides of it.

    speakers  False only for a split that is published with the same people on every side. Raises CorpusError.
    """
    kinds = ("performance", "group", *(("speaker",) if speakers else ()), *(("sentence",) if sentences else ()))
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


def seen_in(split: Split) -> dict[str, dict[str, list[str]]]:
    """By corpus, the speakers, groups and sentences a net learns from or is chosen by: a test on these is contaminated.

    Plain data for a checkpoint's card.
    """
    seen: dict[str, dict[str, list[str]]] = {}
    for corpus in sorted({clip.corpus for clip in (*split.train, *split.validation)}):
        clips = [clip for clip in (*split.train, *split.validation) if clip.corpus == corpus]
        seen[corpus] = {
            "speakers": sorted({clip.speaker for clip in clips}),
            "groups": sorted({clip.group for clip in clips}),
            "sentences": sorted({clip.sentence for clip in clips} - {""}),
        }
    return seen


def leave_out_sentence(split: Split, sentence: str) -> Split:
    """The split, tested on one sentence that is in neither other part: what was learned cannot be its words.

    Train and validation share the other sentences; there may be only one. Raises CorpusError.
    """
    return check_split(
        Split(
            name=f"{split.name}, sentence {sentence}",
            train=tuple(clip for clip in split.train if clip.sentence != sentence),
            validation=tuple(clip for clip in split.validation if clip.sentence != sentence),
            test=tuple(clip for clip in split.test if clip.sentence == sentence),
        )
    )


def the_folder(path: Path, corpus: str, expected: str) -> Path:
    """The folder when it has what the corpus publishes there. Raises CorpusError with what was looked for."""
    if not path.is_dir():
        raise CorpusError(f"{corpus}: there is no folder {path}.")
    if not os.access(path, os.R_OK | os.X_OK):
        raise CorpusError(f"{corpus}: this program may not read the folder {path}.")
    if not any(path.glob(expected)):
        raise CorpusError(f"{corpus}: {path} has no {expected}. Point at the folder that was unpacked.")
    return path
