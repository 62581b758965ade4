"""What can be known of a config before it is queued: whether its corpora can be read, the split, what a run will need.

No torch: the corpora are looked through by a short-lived process, so that a disk that hangs holds up no page.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from emotion.ml.training.config import TrainingConfig
from emotion.ml.training.estimate import Estimate, estimate
from emotion.models import Device
from emotion.queries import studio

PATIENCE = 30  # seconds a corpus may take to be looked through
LOOK = (sys.executable, "-m", "emotion.ml.training.look")


@dataclass(frozen=True)
class Corpus:
    """One corpus of the run: what its folder holds, and the fold that the config asks for."""

    title: str
    licence: str
    split: list[dict[str, Any]]  # see studio.split_rows
    clips: int
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checked:
    """
    problems  a sentence by place, where the run cannot start
    corpora   none where this server cannot look into them
    needs     None where something is wrong with them
    device    the one it would run on, as far as workers have told; None while none has
    """

    problems: Mapping[str, str]
    corpora: list[Corpus] = field(default_factory=list)
    needs: Estimate | None = None
    device: Device | None = None


def check(config: TrainingConfig, program: Sequence[str] = LOOK) -> Checked:
    """`program` looks through the corpora: it takes the config and gives back what it found, both as JSON."""
    device, problem = _device_for(config.device)
    problems = {"device": problem} if problem else {}
    found = _look(config, program)
    problems |= found["problems"]
    if found["problems"]:
        return Checked(problems, device=device)
    on_gpu = device is not None and not device.name.endswith("/cpu")
    needs = estimate(config, found["clips"], on_gpu, studio.rate_of(device))
    if device and needs.memory > device.memory:
        problems["batch_size"] = _too_much(needs, device)
    corpora = [Corpus(split=studio.split_rows({"counts": one.pop("counts")}), **one) for one in found["corpora"]]
    return Checked(problems, corpora, needs, device)


def _device_for(wanted: str) -> tuple[Device | None, str]:
    """The device that the word means, and a sentence where no worker has such a one."""
    known = list(studio.live_devices())
    gpus = [device for device in known if "/cuda" in device.name]
    cpus = [device for device in known if device.name.endswith("/cpu")]
    choices = {"auto": gpus or cpus, "cpu": cpus, "cuda": gpus, "cuda:all": gpus}
    fitting = choices.get(wanted, [device for device in gpus if device.name.endswith(f"/{wanted}")])
    if fitting:
        return max(fitting, key=lambda device: device.memory), ""
    if known:
        there = ", ".join(device.name.rpartition("/")[2] for device in known)
        return None, _("No worker has this device. There is: %(devices)s.") % {"devices": there}
    return None, ""


def _too_much(needs: Estimate, device: Device) -> str:
    return _(
        "This run needs about %(needs)s GB of memory and %(device)s has %(has)s GB. A smaller batch, smaller faces or "
        "a narrower net needs less."
    ) % {
        "needs": f"{needs.memory / 1e9:.1f}",
        "device": device.title,
        "has": f"{device.memory / 1e9:.1f}",
    }


def _look(config: TrainingConfig, program: Sequence[str]) -> dict[str, Any]:
    try:
        ended = subprocess.run(
            program,
            input=config.model_dump_json(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            cwd=settings.BASE_DIR,
        )
    except subprocess.TimeoutExpired:
        sentence = _("The folder did not answer within %(seconds)s seconds. Is its disk there?") % {"seconds": PATIENCE}
        return {"problems": {"corpus.folder": sentence}}
    if "ModuleNotFoundError" in ended.stderr:
        # A server for pages alone, without what reads corpora: the run's own process will say what is wrong with them.
        return {"problems": {}, "corpora": [], "clips": {}}
    if ended.returncode:
        raise RuntimeError(f"The corpora could not be looked through: {ended.stderr[-2000:]}")
    return json.loads(ended.stdout)
