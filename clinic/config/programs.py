"""Which programs make up the site, and how each is started."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from clinic.config import embedded

LEASH = Path(__file__).with_name("leash.py")
GENERAL_QUEUES = "media,speech,reports,default"
ATTEMPTS = 5  # starts in a row of broker and web before everything stops: without them there is no site


@dataclass(frozen=True)
class Program:
    name: str
    command: list[str]  # complete, its leash included
    threads: int | None = None

    def environment(self) -> dict[str, str]:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        if self.threads:
            for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
                environment.setdefault(name, str(self.threads))
        return environment


def broker(lock: Path) -> Program:
    config = embedded.write_broker_config(settings.BROKER_SOCKET, settings.VAR_DIR)
    command = [str(embedded.broker_program()), str(config)]
    return Program("broker", _leashed(lock, command, "--outlast", str(users_lock()), "--give-up", str(ATTEMPTS)))


def web(lock: Path) -> Program:
    command = [sys.executable, "-m", "uvicorn", "clinic.config.asgi:application"]
    command += ["--host", settings.HOST, "--port", str(settings.PORT), "--workers", str(settings.WEB_PROCESSES)]
    # Open sockets of watching pages would hold the stop up for ever.
    command += ["--lifespan", "off", "--timeout-graceful-shutdown", "5", "--no-access-log", "--log-level", "warning"]
    return Program("web", _leashed(lock, command, *_after_broker(), "--give-up", str(ATTEMPTS)))


def workers(lock: Path) -> list[Program]:
    """Restarted for ever: without them answers are still kept, and wait."""
    general = _celery("worker", "-Q", GENERAL_QUEUES, "-c", str(settings.WORKER_PROCESSES), "-n", _node("general"))
    # One child, started by `spawn`: CUDA cannot be initialised again after a fork.
    gpu = ["/usr/bin/env", "CELERY_WORKER_POOL_START_METHOD=spawn"]
    gpu += _celery("worker", "-Q", "gpu", "-c", "1", "-n", _node("gpu"))
    # Pages come first: whoever waits for one should not wait for a reading.
    after = [*_after_broker(), "--nice", "5"]
    quiet = ["--without-gossip", "--without-mingle"]
    return [
        Program("worker", _leashed(lock, general + quiet, *after), settings.WORKER_THREADS),
        Program("gpu", _leashed(lock, gpu + quiet, *after), settings.WORKER_THREADS),
        Program("schedule", _leashed(lock, _celery("beat", "--pidfile="), *after)),
    ]


def users_lock() -> Path:
    """Held by whatever uses the broker, so that the broker stops last."""
    return settings.VAR_DIR / "run" / "broker-users.lock"


def _leashed(lock: Path, command: list[str], *options: str) -> list[str]:
    return [sys.executable, "-S", str(LEASH), "--master", str(lock), *options, "--", *command]


def _after_broker() -> list[str]:
    if settings.REDIS_URL:
        return []
    return ["--after", str(settings.BROKER_SOCKET), "--uses", str(users_lock())]


def _celery(program: str, *options: str) -> list[str]:
    return [sys.executable, "-m", "celery", "--quiet", "-A", "clinic.config", program, "--loglevel", "INFO", *options]


def _node(kind: str) -> str:
    return f"{kind}-{os.getpid()}@%h"  # two sites on one machine may share one Redis
