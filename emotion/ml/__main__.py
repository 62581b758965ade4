"""The library without Django: python -m emotion.ml read clip.webm"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from emotion.ml.commands import evaluate, prepare
from emotion.ml.errors import EmotionError
from emotion.ml.training import voice_commands


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m emotion.ml", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="command")
    add_read(commands)
    add_train(commands)
    add_describe(commands)
    prepare.add_to(commands)
    evaluate.add_to(commands)
    voice_commands.add_to(commands)
    chosen = parser.parse_args(arguments)
    try:
        chosen.run(chosen)
    except EmotionError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def add_read(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("read", help="read one recording and print what was read as JSON")
    command.add_argument("clip", type=Path)
    command.add_argument("--pack", type=Path, help="a model pack's folder (left out: the starter pack)")
    command.add_argument("--device", default="cpu")
    command.add_argument("--threads", type=int, default=1)
    command.set_defaults(run=read)


def read(chosen: argparse.Namespace) -> None:
    from emotion.ml.inference import Recogniser  # loads torch, which other commands may not need

    reading = Recogniser.load(chosen.pack, chosen.device, chosen.threads).read(chosen.clip)
    json.dump(reading.as_json(), sys.stdout, indent=1)
    print()


def add_train(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("train", help="train a net as a TOML file says; run again, it goes on where it was")
    command.add_argument("config", type=Path)
    command.add_argument("--out", type=Path, required=True, help="the run's folder: its state and its best checkpoint")
    command.set_defaults(run=train)


def train(chosen: argparse.Namespace) -> None:
    from emotion.ml.training import run  # loads torch
    from emotion.ml.training.config import ConfigRefused, TrainingConfig
    from emotion.ml.training.data import data_for
    from emotion.ml.training.progress import Epoch

    try:
        text = chosen.config.read_text()
    except OSError as error:
        raise ConfigRefused({"config": f"{chosen.config} cannot be read."}) from error
    config = TrainingConfig.from_toml(text)
    with tqdm(unit="clip", desc="preparing", leave=False) as bar:

        def prepared(done: int, count: int) -> None:
            bar.total = count
            bar.update(done - bar.n)

        data = data_for(config, prepared)
    with tqdm(total=config.total_epochs, unit="epoch") as bar:
        warned: set[str] = set()

        def show(epoch: Epoch) -> None:
            bar.update(epoch.number - bar.n)
            bar.set_postfix(loss=f"{epoch.validation_loss:.3f}", UAR=f"{epoch.validation_uar:.3f}", phase=epoch.phase)
            for warning in epoch.warnings:
                if warning.kind not in warned:
                    warned.add(warning.kind)
                    bar.write(warning.text, file=sys.stderr)

        made = run.run(config, data, chosen.out, on_epoch=show)
    told = {name: value for name, value in made.card.metrics.items() if name != "predictions"}
    print(json.dumps({"checkpoint": str(chosen.out / run.BEST), "sha256": made.sha256, **told}))


def add_describe(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("describe", help="print each net's size, work and shapes as JSON")
    command.add_argument("net", nargs="?", help="one net, in all its configurations (left out: every net)")
    command.set_defaults(run=describe)


def describe(chosen: argparse.Namespace) -> None:
    from emotion.ml import describe as nets  # loads torch and transformers

    json.dump([asdict(description) for description in nets.describe(chosen.net)], sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    sys.exit(main())
