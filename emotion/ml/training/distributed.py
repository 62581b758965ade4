"""Several processes that train one net: each takes its share of every batch, and gradients are averaged over all.

The process that asked for the run is the first of them and the only one that watches, keeps and tests. The others are
started as programs of their own, because a worker's process may neither fork nor spawn once a GPU is awake.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from emotion.ml.errors import EmotionError
from emotion.ml.training.config import TrainingConfig
from emotion.ml.training.examples import Batch, Share
from emotion.ml.training.learners import Learner

Value = TypeVar("Value")

LONGEST_WAIT = timedelta(minutes=30)  # for the first process, which validates while the others wait
PROGRAM = (sys.executable, "-m", "emotion.ml.training.process")
LONGEST_END = 15.0  # seconds
SETTINGS = "processes.json"  # in the run's folder while several processes are at it
LAST_WORDS = 500  # characters of a process that ended


@dataclass(frozen=True)
class Team:
    """A process's place among those that train together."""

    number: int
    count: int
    device: torch.device

    @property
    def leads(self) -> bool:
        return self.number == 0

    @property
    def share(self) -> Share:
        return Share(self.number, self.count)

    def sharing(self, learner: Learner) -> Callable[[Batch], Tensor]:
        """The learner, so that each backward pass leaves the gradients of the whole batch in every process."""
        return learner if self.count == 1 else DistributedDataParallel(learner)

    def normalising_together(self, net: nn.Module) -> nn.Module:
        """Batch statistics over all shares. On the CPU, where torch has none such, each process has its own."""
        if self.count == 1 or self.device.type != "cuda":
            return net
        return nn.SyncBatchNorm.convert_sync_batchnorm(net)

    def total(self, *values: float) -> list[float]:
        """Each value summed over the processes."""
        if self.count == 1:
            return list(values)
        summed = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(summed)
        return summed.tolist()

    def told(self, value: Value) -> Value:
        """What the first process says."""
        if self.count == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box, src=0, device=self.device)
        return box[0]


@contextmanager
def team_of(config: TrainingConfig, folder: Path, program: Sequence[str] = PROGRAM) -> Iterator[Team]:
    """This process as the first of as many as the config asks for; the others end with it. Raises EmotionError."""
    count = processes_of(config)
    if count == 1:
        yield Team(0, 1, device_for("cuda:0" if config.device == "cuda:all" else config.device))
        return
    # Another name each time: torch tidies an earlier one away when it pleases.
    meeting, settings = folder / f"meeting-{uuid4().hex}", folder / SETTINGS
    settings.write_text(config.model_dump_json())
    places = [[str(folder), str(number), str(count), meeting.name] for number in range(1, count)]
    others = [_begin([*program, *place], folder, number) for number, place in enumerate(places, start=1)]
    try:
        _wait_for(others, folder)
        with joined(config, 0, count, meeting) as team:
            yield team
        for other in others:
            other.wait()
    except RuntimeError as error:
        # A process that has gone shows here as a connection that broke; why it went, it said itself.
        number = _first_failed(others)
        if number:
            raise _ended(folder, number) from error
        raise
    finally:
        for other in others:
            other.kill()
            other.wait()
        for left in (settings, meeting, *(_here(folder, number) for number in range(1, count))):
            left.unlink(missing_ok=True)


@contextmanager
def joined(config: TrainingConfig, number: int, count: int, meeting: Path) -> Iterator[Team]:
    """This process in its place; it waits until all have met in that file."""
    cuda = config.device == "cuda:all"
    device = torch.device("cuda", number) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    for library in ("GLOO", "NCCL"):
        if loopback := next((name for _, name in socket.if_nameindex() if name in ("lo", "lo0")), ""):
            os.environ[f"{library}_SOCKET_IFNAME"] = loopback  # nobody outside this machine takes part
    distributed.init_process_group(
        "nccl" if cuda else "gloo",
        init_method=f"file://{meeting.resolve()}",
        rank=number,
        world_size=count,
        timeout=LONGEST_WAIT,
    )
    try:
        yield Team(number, count, device)
    finally:
        distributed.destroy_process_group()


def processes_of(config: TrainingConfig) -> int:
    """Raises EmotionError."""
    if config.device != "cuda:all":
        return config.processes
    there = torch.cuda.device_count()
    if config.processes > there > 0:
        raise EmotionError(f"{config.processes} processes need as many GPUs, and {there} are here.")
    return config.processes if config.processes > 1 else max(1, there)


def device_for(name: str) -> torch.device:
    """Raises EmotionError."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise EmotionError(
            f"There is no {name} here: {torch.cuda.device_count()} GPUs can be used. Choose auto or cpu."
        )
    return device


def _begin(command: Sequence[str], folder: Path, number: int) -> subprocess.Popen:
    _here(folder, number).unlink(missing_ok=True)
    with _log(folder, number).open("wb") as log:
        return subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def announce(folder: Path, number: int) -> None:
    """This process has read its data and is about to join."""
    _here(folder, number).touch()


def _wait_for(others: Sequence[subprocess.Popen], folder: Path) -> None:
    """Until each has read its data; joining waits for all, and would wait long for one that has ended. Raises
    EmotionError."""
    for number, other in enumerate(others, start=1):
        while not _here(folder, number).exists():
            if other.poll() is not None:
                raise _ended(folder, number)
            time.sleep(0.05)


def _ended(folder: Path, number: int) -> EmotionError:
    return EmotionError(f"Process {number} of this run ended: {_last_words(folder, number)}")


def _here(folder: Path, number: int) -> Path:
    return folder / f"process-{number}.here"


def _first_failed(others: Sequence[subprocess.Popen]) -> int:
    """The number of a process that ended badly; 0 where all are at work. One whose connection broke may need a moment
    to end."""
    until = time.monotonic() + LONGEST_END
    while time.monotonic() < until:
        for number, other in enumerate(others, start=1):
            if other.poll():
                return number
        time.sleep(0.1)
    return 0


def _log(folder: Path, number: int) -> Path:
    return folder / f"process-{number}.log"


def _last_words(folder: Path, number: int) -> str:
    said = _log(folder, number).read_text(errors="replace").strip()
    return said.splitlines()[-1][:LAST_WORDS] if said else "it said nothing."
