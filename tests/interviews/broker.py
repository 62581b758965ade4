"""A broker in memory for one test: what was put in which queue, and nothing runs by itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from celery.signals import before_task_publish

from clinic.config.celery import app


@dataclass(frozen=True)
class Message:
    task: str
    args: tuple[Any, ...]
    queue: str
    is_delayed: bool


@dataclass
class Queues:
    sent: list[Message] = field(default_factory=list)

    def taken(self) -> list[tuple[str, Any]]:
        """Since last asked: the task's short name and its only argument."""
        taken, self.sent[:] = [(message.task.rpartition(".")[2], message.args[0]) for message in self.sent], []
        return taken


@contextmanager
def broker_at(url: str) -> Iterator[None]:
    """Publishing really publishes, and to there."""
    before = (app.conf.task_always_eager, app.conf.broker_url, app.conf.broker_write_url)
    _use(False, url, url)
    try:
        yield
    finally:
        _use(*before)


@contextmanager
def broker_in_memory() -> Iterator[Queues]:
    queues = Queues()

    def note(sender: str, body: tuple, headers: dict, routing_key: str, **rest: Any) -> None:
        queues.sent.append(Message(sender, tuple(body[0]), routing_key, bool(headers.get("eta"))))

    before_task_publish.connect(note, weak=False)
    try:
        with broker_at("memory://"):
            yield queues
    finally:
        before_task_publish.disconnect(note)


def _use(eager: bool, url: str, write_url: str | None) -> None:
    app.conf.task_always_eager, app.conf.broker_url, app.conf.broker_write_url = eager, url, write_url
    app._pool = app.amqp._producer_pool = None  # Celery keeps a pool for the address it first saw
