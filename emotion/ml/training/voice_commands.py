"""python -m emotion.ml train-voice and evaluate-voice: the voice net that ships, made again and measured again."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from emotion.ml.training.voice_head import Examples
    from emotion.ml.voice_features import VoiceFeatures


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    training = commands.add_parser("train-voice", help="train the voice head on every actor of a RAVDESS folder")
    training.add_argument("--out", type=Path, required=True, help="where the weights go (.safetensors)")
    training.set_defaults(run=train_voice)
    evaluation = commands.add_parser("evaluate-voice", help="measure the voice head and print its figures as JSON")
    evaluation.set_defaults(run=evaluate_voice)
    for command in (training, evaluation):
        command.add_argument("--ravdess", type=Path, required=True, help="the folder with Actor_01, Actor_02, …")
        command.add_argument("--whisper", type=Path, help="the encoder's folder (left out: the installed tiny.en)")
        command.add_argument("--cache", type=Path, default=Path("var/voice"), help="what was heard is kept here")
        command.add_argument("--threads", type=int, default=1)


def train_voice(chosen: argparse.Namespace) -> None:
    from emotion.ml import checkpoint
    from emotion.ml.training.voice_head import VoiceTrainingConfig, card, train_folds, train_on_all

    features = _features(chosen)
    examples, config = _examples(chosen, features), VoiceTrainingConfig()
    folds = train_folds(examples, config)
    head = train_on_all(examples, folds, config)
    saved = checkpoint.save(chosen.out, head, card(examples, features.config, folds, config))
    print(f"{chosen.out}: sha256 of the weights {saved.sha256}")


def evaluate_voice(chosen: argparse.Namespace) -> None:
    from emotion.ml.training.voice_head import VoiceTrainingConfig, evaluate, train_folds

    examples, config = _examples(chosen, _features(chosen)), VoiceTrainingConfig()
    json.dump(evaluate(examples, train_folds(examples, config), config), sys.stdout, indent=1)
    print()


def _features(chosen: argparse.Namespace) -> VoiceFeatures:
    import torch

    from emotion.ml.nets.whisper_encoder import load_whisper_encoder
    from emotion.ml.voice import installed_whisper
    from emotion.ml.voice_features import VoiceFeatures

    torch.set_num_threads(chosen.threads)
    return VoiceFeatures(load_whisper_encoder(chosen.whisper or installed_whisper()))


def _examples(chosen: argparse.Namespace, features: VoiceFeatures) -> Examples:
    from emotion.ml.datasets import ravdess
    from emotion.ml.training.voice_examples import hear
    from emotion.ml.training.voice_head import Examples

    clips = ravdess.read(chosen.ravdess)

    def heard(condition: str):
        with tqdm(total=len(clips), desc=condition, unit="clip", disable=None) as bar:
            return hear(clips, condition, features, chosen.cache, lambda done, _count: bar.update(done - bar.n))

    return Examples(clips, heard)
