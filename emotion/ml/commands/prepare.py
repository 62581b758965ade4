"""python -m emotion.ml prepare: decode a published corpus once, into a folder that training and tests read."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from emotion.ml.datasets.corpora import Corpus
    from emotion.ml.datasets.prepared import Prepared
    from emotion.ml.datasets.windows import WindowConfig


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("prepare", help="decode a published corpus once; run again, it goes on where it was")
    command.add_argument("--corpus", required=True, help="ravdess, ravdess-audio, cremad, iemocap or meld")
    command.add_argument("--folder", type=Path, required=True, help="the corpus as it was published and unpacked")
    command.add_argument("--cache", type=Path, help="where it is prepared (left out: beside its folder)")
    command.add_argument("--seconds", type=float, help="of a clip's middle that are shown (left out: 3.6)")
    command.add_argument("--frames", type=int, help="a clip (left out: 15)")
    command.add_argument("--side", type=int, help="pixels of a face (left out: 224)")
    command.add_argument("--processes", type=int, default=1)
    command.add_argument("--device", default="cpu", help="where faces are looked for")
    command.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    made = prepared(corpus_named(chosen.corpus), chosen)
    told = {
        "folder": str(made.folder),
        "digest": made.digest,
        "clips": len(made.clips),
        "without_face": len(made.without_face),
        "damaged": made.damaged,
    }
    json.dump(told, sys.stdout, indent=1)
    print()


def corpus_named(name: str) -> Corpus:
    """Raises CorpusError."""
    from emotion.ml.datasets.clips import CorpusError
    from emotion.ml.datasets.corpora import CORPORA

    if name not in CORPORA:
        raise CorpusError(f"There is no corpus {name}; there are {', '.join(CORPORA)}.")
    return CORPORA[name]


def prepared(corpus: Corpus, chosen: argparse.Namespace) -> Prepared:
    """With a bar of progress on a terminal."""
    from emotion.ml.datasets.clips import CorpusError
    from emotion.ml.datasets.prepared import prepare
    from emotion.ml.training.data import beside

    if not corpus.needs_folder:
        raise CorpusError(f"The {corpus.title} corpus is not read from files: there is nothing to prepare.")
    with tqdm(desc=corpus.title, unit="clip", disable=None) as bar:

        def show(done: int, count: int) -> None:
            bar.total = count
            bar.update(done - bar.n)

        return prepare(
            corpus,
            chosen.folder,
            chosen.cache or beside(chosen.folder),
            window_config(chosen),
            processes=max(1, chosen.processes),
            device=chosen.device,
            on_progress=show,
        )


def window_config(chosen: argparse.Namespace) -> WindowConfig:
    """Raises CorpusError."""
    from emotion.ml.datasets.clips import CorpusError
    from emotion.ml.datasets.windows import WindowConfig

    given = {name: getattr(chosen, name) for name in ("seconds", "frames", "side")}
    senseless = [name for name, value in given.items() if value is not None and value <= 0]
    if senseless:
        raise CorpusError(f"--{senseless[0]} must be more than 0.")
    return WindowConfig(**{name: value for name, value in given.items() if value is not None})
