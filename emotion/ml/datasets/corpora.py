"""The corpora that can be learned from and tested on: how each is read, mapped to the eight and split.

Light to import: no torch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from emotion.ml.datasets import cremad, iemocap, made, meld, ravdess
from emotion.ml.datasets.clips import Clip, CorpusError, Split, check_split, leave_out_sentence, split_by
from emotion.ml.datasets.label_maps import LABEL_MAPS, Mapped
from emotion.ml.errors import UnreadableRecording
from emotion.ml.labels import LABELS
from emotion.ml.media.opening import CORPUS_CONTAINERS, opened


@dataclass(frozen=True)
class Corpus:
    """
    name             its key in CORPORA and in configs
    title            its published name, which is `Clip.corpus` and stands on checkpoints' cards
    layout           what its folder holds, for whoever points at one
    channels         of "face", "voice", "text": what its clips may have as published
    published        clips of each of its own labels, as published
    read_folder      the folder → its clips under their own labels
    fold             clips and a number from 1 → a checked split
    folds            how many such numbers these clips allow
    same_people      the published split has the same people on every side
    has_sentences    everybody speaks the same few sentences, so that one can be left out
    """

    name: str
    title: str
    licence: str
    layout: str
    channels: tuple[str, ...]
    published: Mapping[str, int]
    read_folder: Callable[[Path], list[Clip]]
    fold: Callable[[Sequence[Clip], int], Split]
    folds: Callable[[Sequence[Clip]], int]
    needs_folder: bool = True
    same_people: bool = False
    has_sentences: bool = False

    @property
    def label_map(self) -> tuple[Mapped, ...]:
        return LABEL_MAPS[self.name]

    @property
    def labels(self) -> tuple[str, ...]:
        """Those of the eight that it has, in their order."""
        mapped = {row.label for row in self.label_map}
        return tuple(label for label in LABELS if label in mapped)

    def read(self, folder: Path | None = None) -> list[Clip]:
        """Every clip whose label is one of the eight, under that label, sorted by name. Raises CorpusError."""
        return self._mapped(self._read_own(folder))

    def split(self, clips: Sequence[Clip], fold: int = 1, left_out: str = "") -> Split:
        """Fold 1 to `folds(clips)`, checked; `left_out` names a sentence that is tested and never learned.

        Raises CorpusError.
        """
        count = self.folds(clips)
        if not 1 <= fold <= count:
            raise CorpusError(f"{self.title}: there is no fold {fold}; the clips here make folds 1 to {count}.")
        split = self.fold(clips, fold)
        return leave_out_sentence(split, self._sentence(left_out, clips)) if left_out else split

    def sentences(self, clips: Sequence[Clip]) -> tuple[str, ...]:
        return tuple(sorted({clip.sentence for clip in clips})) if self.has_sentences else ()

    def _sentence(self, wanted: str, clips: Sequence[Clip]) -> str:
        there = self.sentences(clips)
        if wanted not in there:
            choice = f"choose one of {', '.join(there)}" if there else "its sentences are all different"
            raise CorpusError(f"{self.title}: there is no sentence {wanted} to leave out; {choice}.")
        return wanted

    def _read_own(self, folder: Path | None) -> list[Clip]:
        if self.needs_folder and folder is None:
            raise CorpusError(f"{self.title}: name its folder. It holds {self.layout}.")
        clips = self.read_folder(folder or Path())
        unknown = {clip.label for clip in clips} - {row.own for row in self.label_map}
        if unknown:
            raise CorpusError(f"{self.title}: unknown labels {', '.join(sorted(unknown))}.")
        return clips

    def _mapped(self, own: Sequence[Clip]) -> list[Clip]:
        named = {row.own: row.label for row in self.label_map}
        mapped = ((clip, named[clip.label]) for clip in own)
        return [replace(clip, label=label) for clip, label in mapped if label is not None]


@dataclass(frozen=True)
class Explained:
    """What a folder holds, for a form: plain data.

    problem   why it cannot be used, as a sentence to act on; empty where it can
    remarks   what is unusual about it and does no harm, each a sentence
    labels    clips of each of the eight
    left_out  clips of the corpus's own labels that are none of the eight
    channels  clips that have a face, a voice, a text
    splits    clips of each label by fold and part
    """

    corpus: str
    folder: str
    licence: str
    problem: str = ""
    remarks: tuple[str, ...] = ()
    clips: int = 0
    labels: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    channels: Mapping[str, int] = field(default_factory=dict)
    splits: Mapping[str, Mapping[str, Mapping[str, int]]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def explain(corpus: Corpus, folder: Path | None = None) -> Explained:
    """What would be learned from this folder, or what to do about it. Reads names and lists, and opens two files."""
    nothing = Explained(corpus.name, str(folder or ""), corpus.licence)
    try:
        own = corpus._read_own(folder)
        clips = corpus._mapped(own)
        splits = {f"fold {number}": corpus.split(clips, number) for number in range(1, corpus.folds(clips) + 1)}
        if not splits:
            raise CorpusError(f"{corpus.title}: too few clips or actors for a split. It holds {corpus.layout}.")
        _open_one_of_each(clips)
    except (CorpusError, UnreadableRecording) as error:
        return replace(nothing, problem=str(error))
    except OSError as error:
        return replace(nothing, problem=f"{corpus.title}: {error.filename or folder} cannot be read: {error.strerror}.")
    lost = {row.own for row in corpus.label_map if row.label is None}
    return replace(
        nothing,
        remarks=tuple(_remarks(corpus, own)),
        clips=len(clips),
        labels={label: count for label, count in _counted(clips, LABELS).items() if label in corpus.labels},
        left_out={label: count for label, count in Counter(clip.label for clip in own).items() if label in lost},
        channels=_channels(clips),
        splits={name: split.counts() for name, split in splits.items()},
    )


def _open_one_of_each(clips: Sequence[Clip]) -> None:
    """Raises UnreadableRecording: the names are right and the files are not."""
    for kind in ("video", "sound"):
        path = next((path for clip in clips if (path := getattr(clip, kind)) is not None), None)
        if path is not None:
            try:
                with opened(path, CORPUS_CONTAINERS):
                    pass
            except UnreadableRecording as error:
                raise UnreadableRecording(f"{path.name}: {error}") from error


def _remarks(corpus: Corpus, own: Sequence[Clip]) -> list[str]:
    remarks = []
    whole = sum(corpus.published.values())
    if len(own) != whole:
        remarks.append(f"{len(own):,} clips; as published there are {whole:,}.")
    if corpus.same_people:
        remarks.append("The published split has the same people on every side: it says nothing about strangers.")
    silent = sum(clip.video is None for clip in own)
    if "face" in corpus.channels and silent:
        remarks.append(f"{silent:,} clips have no video: only their voices can be learned from.")
    return remarks


def _channels(clips: Sequence[Clip]) -> dict[str, int]:
    return {
        "face": sum(clip.video is not None for clip in clips),
        "voice": sum(clip.sound is not None for clip in clips),
        "text": sum(bool(clip.text) for clip in clips),
    }


def _counted(clips: Sequence[Clip], labels: Sequence[str]) -> dict[str, int]:
    counts = Counter(clip.label for clip in clips)
    return {label: counts[label] for label in labels}


def _made_clips(_folder: Path) -> list[Clip]:
    return [clip.clip for clip in made.make()]


def made_fold(clips: Sequence[Clip], number: int) -> Split:
    """A quarter of the actors to test, the next quarter to choose by; each fold begins one actor further on."""
    actors = sorted({clip.speaker for clip in clips})
    turned = actors[number - 1 :] + actors[: number - 1]
    quarter = max(1, len(actors) // 4)
    return check_split(
        split_by(clips, f"made fold {number}", "speaker", set(turned[quarter : 2 * quarter]), set(turned[:quarter]))
    )


def _made_folds(clips: Sequence[Clip]) -> int:
    return _if_three(len({clip.speaker for clip in clips}))


def _ravdess_folds(clips: Sequence[Clip]) -> int:
    return _if_three(len(ravdess.present_folds(clips)))


def _ravdess_voices(folder: Path) -> list[Clip]:
    return [replace(clip, video=None) for clip in ravdess.read(folder)]


def _if_three(blocks: int) -> int:
    """A split needs three blocks of people: to learn from, to choose by, to test."""
    return blocks if blocks >= 3 else 0


CORPORA: Mapping[str, Corpus] = {
    corpus.name: corpus
    for corpus in (
        Corpus(
            name="made",
            title="made",
            licence="part of this project",
            layout="nothing: faces are drawn and voices synthesised when they are needed",
            channels=("face", "voice"),
            published=dict.fromkeys(LABELS, made.MadeConfig().actors * made.MadeConfig().takes),
            read_folder=_made_clips,
            fold=made_fold,
            folds=_made_folds,
            needs_folder=False,
            has_sentences=True,
        ),
        Corpus(
            name="ravdess",
            title="RAVDESS",
            licence="CC BY-NC-SA 4.0 (Zenodo 1188976): weights learned from it are for research",
            layout="Actor_01 to Actor_24 with 03-01-….wav (sound) and 01-01-….mp4 (video), or either of them",
            channels=("face", "voice"),
            published=dict.fromkeys(LABELS, 192) | {"neutral": 96},
            read_folder=ravdess.read,
            fold=ravdess.fold,
            folds=_ravdess_folds,
            has_sentences=True,
        ),
        Corpus(
            name="ravdess-audio",
            title="RAVDESS",
            licence="CC BY-NC-SA 4.0 (Zenodo 1188976): weights learned from it are for research",
            layout="Actor_01 to Actor_24 with 03-01-….wav; videos beside them are not read",
            channels=("voice",),
            published=dict.fromkeys(LABELS, 192) | {"neutral": 96},
            read_folder=_ravdess_voices,
            fold=ravdess.fold,
            folds=_ravdess_folds,
            has_sentences=True,
        ),
        Corpus(
            name="cremad",
            title="CREMA-D",
            licence="Open Database License",
            layout="AudioWAV with 1001_DFA_ANG_XX.wav and VideoFlash with 1001_DFA_ANG_XX.flv",
            channels=("face", "voice"),
            published={"NEU": 1087, "HAP": 1271, "SAD": 1271, "ANG": 1271, "FEA": 1271, "DIS": 1271},
            read_folder=cremad.read,
            fold=cremad.fold,
            folds=lambda clips: cremad.FOLDS,
            has_sentences=True,
        ),
        Corpus(
            name="iemocap",
            title="IEMOCAP",
            licence="by agreement with the University of Southern California, for research",
            layout="Session1 to Session5, each with dialog/EmoEvaluation, dialog/transcriptions, dialog/avi/DivX and "
            "sentences/wav",
            channels=("face", "voice", "text"),
            published={
                "neu": 1708,
                "hap": 595,
                "exc": 1041,
                "sad": 1084,
                "ang": 1103,
                "fea": 40,
                "dis": 2,
                "sur": 107,
                "fru": 1849,
                "oth": 3,
                "xxx": 2507,
            },
            read_folder=iemocap.read,
            fold=iemocap.fold,
            folds=lambda clips: len(iemocap.SESSIONS),
        ),
        Corpus(
            name="meld",
            title="MELD",
            licence="GPL-3.0 for the lists; the scenes are a television series' own: for research",
            layout="train_sent_emo.csv, dev_sent_emo.csv, test_sent_emo.csv and the folders train_splits, "
            "dev_splits_complete, output_repeated_splits_test",
            channels=("face", "voice", "text"),
            published={
                "neutral": 6436,
                "joy": 2308,
                "sadness": 1002,
                "anger": 1607,
                "fear": 358,
                "disgust": 361,
                "surprise": 1636,
            },
            read_folder=meld.read,
            fold=lambda clips, _number: meld.published_split(clips),
            folds=lambda clips: 1,
            same_people=True,
        ),
    )
}
