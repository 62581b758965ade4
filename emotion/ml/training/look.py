"""Look through the corpora of a config, read as JSON from standard input, and print what was found as JSON.

A program of its own, so that a page can ask without loading what reads media, and without waiting for a dead disk.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Any

from emotion.ml.datasets import made
from emotion.ml.datasets.clips import Clip, CorpusError, Split
from emotion.ml.datasets.corpora import CORPORA, explain
from emotion.ml.training.config import CorpusConfig, NetConfig, TrainingConfig


def look(config: TrainingConfig) -> dict[str, Any]:
    """
    problems  a sentence by place in the config, where a corpus cannot be used
    corpora   of each one that can: title, licence, remarks, clips, counts of each label in each part
    clips     of each part of the run's own corpus
    """
    found: dict[str, Any] = {"problems": {}, "corpora": [], "clips": {}}
    places = {"corpus": config.corpus}
    places |= {f"phases.{n}.corpus": phase.corpus for n, phase in enumerate(config.phases) if phase.corpus}
    for place, corpus in places.items():
        try:
            told, split = one(corpus, config.net)
        except CorpusError as error:
            found["problems"][f"{place}.{error_place(corpus)}"] = str(error)
            continue
        found["corpora"].append(told)
        if place == "corpus":
            found["clips"] = {part: len(clips) for part, clips in split.parts().items()}
    return found


def one(config: CorpusConfig, net: NetConfig) -> tuple[dict[str, Any], Split]:
    """Raises CorpusError."""
    corpus = CORPORA[config.name]
    told = explain(corpus, config.folder) if corpus.needs_folder else None
    if told and told.problem:
        raise CorpusError(told.problem)
    if told and net.has_faces and not told.channels["face"]:
        raise CorpusError(f"{corpus.title}: no clip in this folder has a video, and the net needs faces.")
    if told and "text" in net.inputs and not told.channels["text"]:
        raise CorpusError(f"{corpus.title}: no clip in this folder has a transcript, and the net needs words.")
    clips = corpus.read(config.folder) if corpus.needs_folder else made_clips(config)
    split = corpus.split(clips, config.fold, config.left_out)
    return {
        "title": corpus.title,
        "licence": corpus.licence,
        "remarks": list(told.remarks) if told else [],
        "clips": len(clips),
        "counts": {part: dict(Counter(clip.label for clip in inside)) for part, inside in split.parts().items()},
    }, split


def made_clips(config: CorpusConfig) -> list[Clip]:
    """Their names depend on how many actors there are, not on what is drawn: so as little as possible is."""
    return [clip.clip for clip in made.make(made.MadeConfig(actors=config.actors, frames=1, size=8, seconds=0.01))]


def error_place(config: CorpusConfig) -> str:
    return "folder" if CORPORA[config.name].needs_folder else "fold"


if __name__ == "__main__":
    json.dump(look(TrainingConfig.model_validate_json(sys.stdin.read())), sys.stdout)
