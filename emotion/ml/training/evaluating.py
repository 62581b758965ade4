"""How good a checkpoint is on a corpus: each channel alone, over noise and codecs, out of focus, in the dark.

A test on what the checkpoint has learned from is refused, or has every figure labelled *contaminated*.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from emotion.ml.checkpoint import Card, Checkpoint
from emotion.ml.datasets import made
from emotion.ml.datasets.clips import Clip, CorpusError
from emotion.ml.datasets.corpora import Corpus
from emotion.ml.datasets.picture_transforms import blurred, darkened
from emotion.ml.datasets.prepared import OnProgress, prepare
from emotion.ml.datasets.sound_transforms import through_opus, with_noise
from emotion.ml.datasets.windows import MadeWindows, WindowConfig, Windows
from emotion.ml.labels import LABELS
from emotion.ml.media import SAMPLE_RATE
from emotion.ml.training import contamination, metrics
from emotion.ml.training.contamination import Contaminated
from emotion.ml.training.data import Examples, beside
from emotion.ml.training.examples import Example
from emotion.ml.training.readers import Reader, reader_for
from emotion.ml.training.testing import Missing, figures_of

BLUR = 0.04  # of a face's side
DARK, DARK_NOISE = 0.25, 6.0  # share of the light; of 255
COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.5)

Spoil = Callable[[Example, np.random.Generator], Example]


class Condition(NamedTuple):
    """What happens to one channel of every clip."""

    channel: str
    spoil: Spoil


@dataclass(frozen=True)
class Material:
    """A corpus as nets are shown it.

    samples       of the longest sound
    without_face  names of clips whose video shows no face
    """

    corpus: Corpus
    windows: Windows
    samples: int
    without_face: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Choice:
    """Which clips are tested, and how.

    fold           a fold's test; None: everybody whom the checkpoint does not know
    new_sentences  only sentences that it has never heard (leave one sentence out)
    classes        of the eight: other clips are left out, other answers not offered. Empty: all that the corpus has
    contaminated   test also what was learned from, and say so
    rough          also over noise and codecs, out of focus and in the dark
    """

    fold: int | None = None
    new_sentences: bool = False
    classes: tuple[str, ...] = ()
    contaminated: bool = False
    rough: bool = True


@dataclass(frozen=True)
class Evaluation:
    """
    tested       which clips, in words
    classes      the labels of every confusion and list of recalls, in their order
    contaminated why the figures prove nothing; empty where they do
    remarks      what else a reader of the figures should know, each a sentence
    rows         figures by row
    predictions  what was said of each clip, for `comparing.compare`
    """

    checkpoint: str
    net: str
    corpus: str
    licence: str
    data: str
    tested: str
    clips: int
    speakers: int
    classes: tuple[str, ...]
    temperature: float
    contaminated: tuple[str, ...]
    remarks: tuple[str, ...]
    rows: Mapping[str, Mapping[str, Any]]
    predictions: Mapping[str, Any] = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def evaluate(
    saved: Checkpoint,
    material: Material,
    choice: Choice = Choice(),
    *,
    reader: Reader | None = None,
    device: str = "cpu",
    on_progress: OnProgress = lambda done, count: None,
) -> Evaluation:
    """Every row that the net has. on_progress is told how many rows are done, of how many.

    Raises Contaminated, CorpusError and WrongCheckpoint.
    """
    card, corpus = saved.card, material.corpus
    classes = _classes(corpus, choice)
    clips, tested = _test(card, corpus, material.windows.clips, choice)
    clips = [clip for clip in clips if clip.label in classes]
    why = contamination.reasons(card, corpus, clips)
    if why and not choice.contaminated:
        raise Contaminated(" ".join([*why, "A test on this proves nothing; allow it, and its figures will say so."]))
    reader = reader or reader_for(saved, device)
    readable = _readable(reader, material, clips)
    examples = Examples(material.windows, readable)
    asked = list(_rows(reader, examples, choice.rough))
    said = {}
    for number, (row, shown, missing) in enumerate(asked):
        on_progress(number, len(asked))
        said[row] = _probabilities(reader.logits(shown, material.samples, missing), classes, reader.temperature)
    on_progress(len(asked), len(asked))
    labels = np.array([classes.index(clip.label) for clip in readable])
    speakers = np.array([clip.speaker for clip in readable])
    return Evaluation(
        checkpoint=saved.sha256,
        net=card.net,
        corpus=corpus.title,
        licence=corpus.licence,
        data=material.windows.digest,
        tested=tested,
        clips=len(readable),
        speakers=len(set(speakers.tolist())),
        classes=classes,
        temperature=reader.temperature,
        contaminated=why,
        remarks=tuple(_remarks(corpus, classes, len(clips) - len(readable), readable)),
        rows={row: _figures(labels, rows, speakers, classes, bool(why)) for row, rows in said.items()},
        predictions=_predictions(readable, said, classes),
    )


def material_for(
    reader: Reader,
    corpus: Corpus,
    folder: Path | None = None,
    cache: Path | None = None,
    *,
    actors: int = made.MadeConfig.actors,
    processes: int = 1,
    device: str = "cpu",
    on_progress: OnProgress = lambda done, count: None,
) -> Material:
    """The corpus with as many faces a clip as the reader was taught with, prepared where it is not yet.

    actors: of the made corpus. Raises CorpusError.
    """
    if not corpus.needs_folder:
        drawn = made.MadeConfig(actors=actors, frames=reader.frames or made.MadeConfig.frames)
        return Material(corpus, MadeWindows(made.make(drawn)), round(drawn.seconds * made.SAMPLE_RATE))
    if folder is None:
        raise CorpusError(f"{corpus.title}: name its folder. It holds {corpus.layout}.")
    config = WindowConfig(frames=reader.frames or WindowConfig.frames)
    prepared = prepare(
        corpus,
        folder,
        cache or beside(folder),
        config,
        processes=processes,
        device=device,
        on_progress=on_progress,
    )
    return Material(corpus, prepared, round(config.seconds * SAMPLE_RATE), frozenset(prepared.without_face))


def _classes(corpus: Corpus, choice: Choice) -> tuple[str, ...]:
    unknown = [label for label in choice.classes if label not in corpus.labels]
    if unknown:
        raise CorpusError(f"{corpus.title} has no {', '.join(unknown)}; it has {', '.join(corpus.labels)}.")
    return tuple(label for label in corpus.labels if not choice.classes or label in choice.classes)


def _test(card: Card, corpus: Corpus, clips: Sequence[Clip], choice: Choice) -> tuple[list[Clip], str]:
    """The clips to test, and which they are in words. Raises CorpusError."""
    if choice.fold is not None:
        chosen, tested = list(corpus.split(clips, choice.fold).test), f"the test of fold {choice.fold}"
    else:
        chosen, tested = contamination.unknown_to(card, corpus, clips), "everybody whom it does not know"
        if not chosen:
            chosen = list(clips)
        if len(chosen) == len(clips):
            tested = "every clip"
    if choice.new_sentences:
        chosen = contamination.of_new_sentences(card, corpus, chosen)
        tested += f", new sentences alone ({', '.join(sorted({clip.sentence for clip in chosen}))})"
    return chosen, tested


def _readable(reader: Reader, material: Material, clips: Sequence[Clip]) -> list[Clip]:
    """Those that show the net something. Raises CorpusError where none does."""
    title = material.corpus.title
    if "text" in reader.channels and "text" not in material.corpus.channels and material.corpus.needs_folder:
        raise CorpusError(f"{title} has no transcripts, and this net needs words.")
    if "face" in reader.channels and "face" not in material.corpus.channels:
        raise CorpusError(f"{title} has no videos, and this net needs faces.")
    needs_face = reader.channels == {"face"}
    readable = [clip for clip in clips if not (needs_face and clip.name in material.without_face)]
    if not readable:
        raise CorpusError(f"{title}: no clip is left to test.")
    return readable


def _remarks(corpus: Corpus, classes: Sequence[str], without_face: int, clips: Sequence[Clip]) -> Iterator[str]:
    if corpus.same_people:
        yield "The people tested are also among those learned from, as the corpus is published."
    if len(classes) < len(LABELS):
        yield f"Only {', '.join(classes)} were offered as answers."
    if without_face:
        yield f"{without_face:,} clips without a face were left out."
    if len({clip.speaker for clip in clips}) < 10:
        yield "So few people that the intervals are too narrow."


# --- Rows ---


def _rows(reader: Reader, examples: Sequence[Example], rough: bool) -> Iterator[tuple[str, Sequence[Example], Missing]]:
    for row, missing in reader.rows.items():
        yield row, examples, missing
    for name, condition in CONDITIONS.items() if rough else ():
        for row, missing in reader.rows.items():
            if condition.channel in reader.channels and condition.channel != missing:
                yield f"{row}, {name}", Spoilt(examples, name, condition.spoil), missing


class Spoilt(Sequence[Example]):
    """Examples under a condition, each spoilt when it is asked for, and the same each time."""

    def __init__(self, examples: Sequence[Example], name: str, spoil: Spoil) -> None:
        self.examples, self.name, self.spoil = examples, name, spoil

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, place):
        if isinstance(place, slice):
            return Spoilt(self.examples[place], self.name, self.spoil)
        example = self.examples[place]
        # Each clip has its own luck, whatever else is read and in which order.
        rng = np.random.default_rng([zlib.crc32(self.name.encode()), zlib.crc32(example.name.encode())])
        return self.spoil(example, rng)._replace(name="")  # no longer the clip that the name stands for


def _noise(decibels: float) -> Spoil:
    return lambda example, rng: example._replace(
        sound=torch.from_numpy(with_noise(example.sound.numpy(), decibels, rng))
    )


def _opus(example: Example, _rng: np.random.Generator) -> Example:
    return example._replace(sound=torch.from_numpy(through_opus(example.sound.numpy())))


def _blur(example: Example, _rng: np.random.Generator) -> Example:
    return example._replace(faces=torch.from_numpy(blurred(example.faces.numpy(), BLUR)))


def _dark(example: Example, rng: np.random.Generator) -> Example:
    dark = torch.from_numpy(darkened(example.faces.numpy(), DARK, DARK_NOISE, rng))
    return example._replace(faces=dark * example.has_face[:, None, None, None])  # where there is no face, no noise


CONDITIONS: Mapping[str, Condition] = {
    "noise 20 dB": Condition("voice", _noise(20)),
    "noise 10 dB": Condition("voice", _noise(10)),
    "noise 0 dB": Condition("voice", _noise(0)),
    "opus 32 kbit/s": Condition("voice", _opus),
    "out of focus": Condition("face", _blur),
    "dark": Condition("face", _dark),
}


# --- Figures ---


def _probabilities(logits: NDArray, classes: Sequence[str], temperature: float) -> NDArray:
    """(clip, class): what the corpus cannot show is not offered as an answer."""
    return metrics.softmax(logits[:, [LABELS.index(label) for label in classes]], temperature)


def _figures(
    labels: NDArray, probabilities: NDArray, speakers: NDArray, classes: Sequence[str], contaminated: bool
) -> dict[str, Any]:
    guesses = probabilities.argmax(axis=1)
    risk = metrics.risk_coverage(labels, probabilities)
    return {
        **figures_of(metrics.scores(labels, probabilities)),
        "contaminated": contaminated,
        "intervals": _intervals(labels, guesses, speakers),
        "risk at coverage": {str(coverage): risk.at(coverage) for coverage in COVERAGES},
        "speakers": {
            str(speaker): _one_speaker(labels[speakers == speaker], guesses[speakers == speaker])
            for speaker in np.unique(speakers)
        },
    }


def _intervals(labels: NDArray, guesses: NDArray, speakers: NDArray) -> dict[str, tuple[float, float]]:
    """95 % over speakers; none where there is one alone."""
    if len(np.unique(speakers)) < 2:
        return {}
    return {
        "UAR": metrics.bootstrap_interval(labels, guesses, speakers),
        "WAR": metrics.bootstrap_interval(labels, guesses, speakers, metrics.accuracy_of_tables),
    }


def _one_speaker(labels: NDArray, guesses: NDArray) -> dict[str, float]:
    return {
        "clips": len(labels),
        "UAR": metrics.unweighted_recall(labels, guesses),
        "WAR": metrics.accuracy(labels, guesses),
    }


def _predictions(clips: Sequence[Clip], said: Mapping[str, NDArray], classes: Sequence[str]) -> dict[str, Any]:
    """Labels and guesses are places in LABELS, as on the cards of training runs."""
    place = np.array([LABELS.index(label) for label in classes])
    return {
        "clips": [clip.name for clip in clips],
        "speakers": [clip.speaker for clip in clips],
        "labels": [LABELS.index(clip.label) for clip in clips],
        "guesses": {row: place[rows.argmax(axis=1)].tolist() for row, rows in said.items()},
        "probabilities": {row: rows.round(4).tolist() for row, rows in said.items()},
    }
