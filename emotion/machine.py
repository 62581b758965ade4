"""What this machine can train on, and how much memory that has. The one look at GPUs loads torch: for workers only."""

from __future__ import annotations

import os
import platform
import resource
import socket
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
MEMINFO = Path("/proc/meminfo")
STATM = Path("/proc/self/statm")
GPU_DRIVERS = (Path("/dev/nvidiactl"), Path("/dev/dxg"), Path("/dev/kfd"))  # NVIDIA's own, in WSL, AMD's


@dataclass(frozen=True)
class Memory:
    """Bytes."""

    total: int
    free: int


@dataclass(frozen=True)
class Found:
    """A device of this machine, by torch's name: "cpu", "cuda:0"."""

    name: str
    title: str
    memory: Memory


def host_name() -> str:
    return socket.gethostname()[:60]


def devices() -> list[Found]:
    """GPUs first."""
    found = _gpus() if _may_have_gpus() else []
    return [*found, Found("cpu", f"{os.cpu_count() or 1} × {platform.machine()}", memory())]


def _may_have_gpus() -> bool:
    """A look for a driver: torch, which knows, takes seconds to load."""
    return sys.platform != "linux" or any(driver.exists() for driver in GPU_DRIVERS)


def _gpus() -> list[Found]:
    import torch  # only workers may

    found = []
    for number in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(number)
        found.append(Found(f"cuda:{number}", torch.cuda.get_device_name(number), Memory(total, free)))
    return found


def memory() -> Memory:
    """Of the machine, or of the container that this runs in where that has less."""
    whole = _of_machine()
    limit, used = _number(CGROUP / "memory.max"), _number(CGROUP / "memory.current")
    if limit and limit < whole.total:
        return Memory(limit, min(whole.free, max(0, limit - (used or 0))))
    return whole


def used_by_this_process() -> int:
    """Bytes of main memory."""
    if STATM.exists():
        return int(STATM.read_text().split()[1]) * resource.getpagesize()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def choose(wanted: str, here: Sequence[str], taken: Collection[str], preferred: str = "") -> str | None:
    """The free device of this machine that a config's word for it means; None while there is none.

    wanted     auto, cpu, cuda, cuda:1 or cuda:all
    here       the devices of this machine, GPUs first; `taken` those at work
    preferred  what auto means here; empty takes a GPU where there is one
    """
    gpus = [name for name in here if name.startswith("cuda")]
    if wanted == "cuda:all":
        return wanted if gpus and not any(name.startswith("cuda") for name in taken) else None
    if "cuda:all" in taken:
        gpus = []
    choices = {"auto": gpus if any(name != "cpu" for name in here) else ["cpu"], "cuda": gpus, "cpu": ["cpu"]}
    if wanted == "auto" and (preferred == "cpu" or preferred.startswith("cuda")):  # nothing trains on others
        return choose(preferred, here, taken)
    open_to_it = choices.get(wanted, [name for name in gpus if name == wanted])
    return next((name for name in open_to_it if name not in taken), None)


def environment_for(device: str, wanted: str) -> dict[str, str]:
    """The environment of a process in which the config's word means this device and no other."""
    if wanted not in ("auto", "cuda") or device == "cuda:all":
        return dict(os.environ)
    if device == "cpu":
        return {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    number = int(device.removeprefix("cuda:"))
    seen = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return {**os.environ, "CUDA_VISIBLE_DEVICES": seen[number] if number < len(seen) else str(number)}


def _of_machine() -> Memory:
    if MEMINFO.exists():
        rows = dict(line.split(":", 1) for line in MEMINFO.read_text().splitlines() if ":" in line)
        return Memory(*(int(rows[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable")))
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Memory(total, total // 2)  # how much is free nobody says here; half is a careful guess


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # no such limit, or "max"
        return None
