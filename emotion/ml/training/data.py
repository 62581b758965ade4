"""From a config to the examples of a checked split: the made corpus, or a published one that is prepared first."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from emotion.ml.datasets import made
from emotion.ml.datasets.clips import Clip, CorpusError, Split
from emotion.ml.datasets.corpora import CORPORA
from emotion.ml.datasets.made_words import words_of
from emotion.ml.datasets.prepared import OnProgress, Prepared, prepare
from emotion.ml.datasets.windows import SAMPLE_RATE, MadeWindows, WindowConfig, Windows
from emotion.ml.labels import LABELS
from emotion.ml.training.config import CorpusConfig, NetConfig, TrainingConfig
from emotion.ml.training.examples import Example

MOST_PROCESSES = 8  # that prepare a corpus


@dataclass(frozen=True)
class Data:
    """Examples of a checked split.

    digest   sha256 of what they are
    samples  of the longest sound: what a cepstrum is taken of
    later    by place, the data of those phases that have a corpus of their own
    """

    split: Split
    train: Sequence[Example]
    validation: Sequence[Example]
    test: Sequence[Example]
    digest: str
    samples: int
    later: Mapping[int, Data] = field(default_factory=dict)

    def of(self, phase: int) -> Data:
        """Of a phase by its place in the run, from 0."""
        return self.later.get(phase, self)

    def whole_digest(self) -> str:
        """Over all phases."""
        return "".join([self.digest, *(f"{place}{self.later[place].digest}" for place in sorted(self.later))])


class Examples(Sequence[Example]):
    """Clips as examples, each read when it is asked for."""

    def __init__(self, windows: Windows, clips: Sequence[Clip]):
        self.windows, self.clips = windows, clips

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, place):
        if isinstance(place, slice):
            return Examples(self.windows, self.clips[place])
        clip = self.clips[place]
        window = self.windows.window(clip.name)
        return Example(
            name=clip.name,
            faces=torch.from_numpy(window.faces),
            has_face=torch.from_numpy(window.has_face),
            sound=torch.from_numpy(window.sound),
            text=window.text or (words_of(clip) if clip.corpus == "made" else ""),
            label=LABELS.index(clip.label),
            speaker=clip.speaker,
            height=float(window.faces.shape[-1]),
        )


def data_for(
    config: TrainingConfig,
    on_progress: OnProgress = lambda done, count: None,
    processes: int | None = None,
) -> Data:
    """The data of every phase; a published corpus is prepared where it is not yet, which takes long and can go on.

    on_progress  is told how many clips are prepared, of how many
    processes    that prepare it (left out: one a core, up to eight)

    Raises CorpusError.
    """
    processes = processes or min(MOST_PROCESSES, os.cpu_count() or 1)
    own: dict[CorpusConfig, Data] = {}

    def of(corpus: CorpusConfig) -> Data:
        if corpus not in own:
            own[corpus] = one_corpus(corpus, config.net, on_progress, processes)
        return own[corpus]

    stages = [phase.corpus or config.corpus for phase in config.stages]
    first = of(config.corpus)
    later = {place: of(corpus) for place, corpus in enumerate(stages) if corpus != config.corpus}
    return Data(first.split, first.train, first.validation, first.test, first.digest, first.samples, later)


def one_corpus(config: CorpusConfig, net: NetConfig, on_progress: OnProgress, processes: int) -> Data:
    corpus = CORPORA[config.name]
    windows: Windows
    if config.name == "made":
        drawn = made.MadeConfig(actors=config.actors, frames=net.frames or made.MadeConfig.frames)
        windows = MadeWindows(made.make(drawn))
        clips, samples = list(windows.clips), round(drawn.seconds * made.SAMPLE_RATE)
    else:
        prepared = prepared_corpus(config, net, on_progress, processes)
        windows, clips = prepared, usable(prepared, net)
        samples = round(prepared.config["seconds"] * SAMPLE_RATE)
    split = corpus.split(clips, config.fold, config.left_out)
    return data_of(split, windows, samples)


def prepared_corpus(config: CorpusConfig, net: NetConfig, on_progress: OnProgress, processes: int) -> Prepared:
    assert config.folder is not None, "the config was checked"
    corpus = CORPORA[config.name]
    if net.has_faces and not any(clip.video for clip in corpus.read(config.folder)):
        raise CorpusError(f"{corpus.title}: no clip in {config.folder} has a video, and this net needs faces.")
    return prepare(
        corpus,
        config.folder,
        config.cache or beside(config.folder),
        WindowConfig(frames=net.frames or WindowConfig.frames),
        processes=processes,
        on_progress=on_progress,
    )


def beside(folder: Path) -> Path:
    return folder.parent / f"{folder.name}-prepared"


def usable(prepared: Prepared, net: NetConfig) -> list[Clip]:
    """All clips, but for a net that has nothing else those in which a face was found, or something was said."""
    faceless = frozenset(prepared.without_face)
    clips = [clip for clip in prepared.clips if net.has_voice or clip.name not in faceless]
    if "text" in net.inputs and not any(clip.text for clip in clips):
        raise CorpusError(f"{CORPORA[prepared.corpus].title}: no transcripts were found, and this net needs words.")
    return clips


def data_of(split: Split, windows: Windows, samples: int) -> Data:
    names = json.dumps({part: sorted(clip.name for clip in clips) for part, clips in split.parts().items()})
    return Data(
        split=split,
        train=Examples(windows, split.train),
        validation=Examples(windows, split.validation),
        test=Examples(windows, split.test),
        digest=hashlib.sha256((names + windows.digest).encode()).hexdigest(),
        samples=samples,
    )
