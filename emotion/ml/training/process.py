"""One of the other processes of a run: the same run on its own share, told by the first one when to go on.

Started by `distributed.team_of`, never by hand.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from emotion.ml.training.config import TrainingConfig
from emotion.ml.training.data import data_for
from emotion.ml.training.distributed import SETTINGS, announce, joined
from emotion.ml.training.run import take_part


def main(arguments: list[str]) -> None:
    folder, number, count = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    config = TrainingConfig.model_validate_json((folder / SETTINGS).read_text())
    if config.device == "cpu":
        torch.set_num_threads(max(1, torch.get_num_threads() // count))
    data = data_for(config)
    announce(folder, number)
    with joined(config, number, count, folder / arguments[3]) as team:
        take_part(config, data, folder, team)


if __name__ == "__main__":
    main(sys.argv[1:])
