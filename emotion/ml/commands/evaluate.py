"""python -m emotion.ml evaluate: how good a checkpoint is on a corpus, as JSON, with a table to read."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from emotion.ml.commands.prepare import corpus_named

if TYPE_CHECKING:
    from emotion.ml.training.evaluating import Evaluation

COLUMNS = ("WAR", "UAR", "macro-F1", "NLL", "Brier", "ECE", "risk area")


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("evaluate", help="test a checkpoint on a corpus that it has not learned from")
    command.add_argument("checkpoint", type=Path)
    command.add_argument("--corpus", required=True, help="made, ravdess, ravdess-audio, cremad, iemocap or meld")
    command.add_argument("--folder", type=Path, help="the corpus as it was published and unpacked")
    which = command.add_mutually_exclusive_group()
    which.add_argument("--fold", type=int, help="test this fold (left out: everybody whom it does not know)")
    which.add_argument("--leave-one-sentence-out", action="store_true", help="test only sentences it has never heard")
    command.add_argument("--allow-contaminated", action="store_true", help="test also what it has learned from")
    command.add_argument("--classes", help="of the eight, by commas: test these alone, offer only these as answers")
    command.add_argument("--clean-only", action="store_true", help="leave out noise, codecs, blur and darkness")
    command.add_argument("--out", type=Path, help="where the report goes as JSON (left out: printed)")
    command.add_argument("--cache", type=Path, help="where the corpus is prepared (left out: beside its folder)")
    command.add_argument("--processes", type=int, default=1, help="that prepare the corpus")
    command.add_argument("--device", default="cpu")
    command.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    from emotion.ml import checkpoint
    from emotion.ml.training.evaluating import Choice, evaluate, material_for
    from emotion.ml.training.readers import actors_of, reader_for

    corpus = corpus_named(chosen.corpus)
    saved = checkpoint.load(chosen.checkpoint)
    reader = reader_for(saved, chosen.device)
    with _bar(f"{corpus.title}, clips") as bar:
        material = material_for(
            reader,
            corpus,
            chosen.folder,
            chosen.cache,
            actors=actors_of(saved.card),
            processes=max(1, chosen.processes),
            device=chosen.device,
            on_progress=_showing(bar),
        )
    choice = Choice(
        fold=chosen.fold,
        new_sentences=chosen.leave_one_sentence_out,
        classes=tuple(filter(None, (chosen.classes or "").split(","))),
        contaminated=chosen.allow_contaminated,
        rough=not chosen.clean_only,
    )
    with _bar("rows") as bar:
        report = evaluate(saved, material, choice, reader=reader, device=chosen.device, on_progress=_showing(bar))
    print(table(report), file=sys.stderr)
    _write(report, chosen.out)


def table(report: Evaluation) -> str:
    """The figures of every row, for a person."""
    head = f"{report.net} on {report.corpus}: {report.tested}, {report.clips:,} clips of {report.speakers} people"
    lines = [head, *(f"CONTAMINATED: {reason}" for reason in report.contaminated), *report.remarks, ""]
    width = max(len(row) for row in report.rows)
    lines.append(" " * width + "".join(f"{name:>10}" for name in COLUMNS) + "   UAR, 95 % over people")
    for row, figures in report.rows.items():
        interval = figures["intervals"].get("UAR")
        told = f"   {interval[0]:.3f} to {interval[1]:.3f}" if interval else ""
        mark = "   contaminated" if figures["contaminated"] else ""
        lines.append(f"{row:<{width}}" + "".join(f"{figures[name]:>10.3f}" for name in COLUMNS) + told + mark)
    return "\n".join(lines)


def _write(report: Evaluation, out: Path | None) -> None:
    text = json.dumps(report.as_json(), indent=1)
    if out is None:
        print(text)
        return
    half = out.with_name(out.name + ".part")
    half.write_text(text + "\n")
    os.replace(half, out)


def _bar(title: str) -> tqdm:
    return tqdm(desc=title, disable=None, leave=False)


def _showing(bar: tqdm):
    def show(done: int, count: int) -> None:
        bar.total = count
        bar.update(done - bar.n)

    return show
