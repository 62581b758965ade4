"""One training run from the inside: it keeps its lease, writes down every epoch, and hears when it should stop.

The library is imported inside `_train`: it loads torch, which only a process of its own should ever do.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from clinic import jobs
from emotion import machine
from emotion.errors import EmotionError, EmotionRoomError
from emotion.ml.training.config import TrainingConfig
from emotion.models import Epoch, StepCurve, TrainingRun
from emotion.services.registry import register_checkpoint
from emotion.services.runs import WORKER_ENDED, folder_of, wait_again

State = TrainingRun.State
LOOK_EVERY = 1.0  # seconds between two looks whether somebody asked to stop
TELL_EVERY = 1.0  # seconds between two news of the step
RENEW_EVERY = jobs.LEASE.total_seconds() / 4
MOST_POINTS = 2000  # of the curve over steps
RECENT = 5  # epochs whose time says how long the others will take
UNEXPECTED = gettext_noop("An unexpected fault ended this run (%(name)s: %(text)s). Its log has the details.")
NO_MEMORY = gettext_noop(
    "The memory of %(device)s was not enough. A smaller batch, smaller faces or a narrower net needs less."
)

logger = logging.getLogger(__name__)


def train(run: TrainingRun, tell: Callable[[int], None], is_orphan: Callable[[], bool] = lambda: False) -> None:
    """Train a run that `run.owner` has claimed, from what is kept of it to the end, and write down how it ended.

    tell       called with the run's id when there is something to see
    is_orphan  whether the worker that started this process is gone: the run then waits for another
    """
    watch = Watch(run, tell, is_orphan)
    with watch:  # before torch is loaded, which may take longer than a lease lasts
        _train(run, watch)


def _train(run: TrainingRun, watch: Watch) -> None:
    from emotion.ml.training import metrics
    from emotion.ml.training import run as training
    from emotion.ml.training.data import data_for

    try:
        config = TrainingConfig.checked(run.config)
        data = data_for(config, watch.prepared)
        watch.begin(split_of(data.split))
        made = training.run(
            config,
            data,
            folder_of(run),
            on_epoch=watch.epoch,
            on_step=watch.step,
            should_stop=lambda: watch.should_stop,
        )
        results = dict(made.card.metrics)
        results["intervals"] = intervals_of(results.get("predictions", {}), metrics.bootstrap_interval)
        register_checkpoint(folder_of(run) / training.BEST, run, intervals=results["intervals"])
        watch.end(State.DONE, results=results, sha256=made.sha256)
    except (training.Stopped, Interrupted):
        watch.stopped()
    except (EmotionError, EmotionRoomError) as error:
        watch.end(State.FAILED, str(error))
    except Exception as error:
        if is_about_memory(error):
            watch.end(State.FAILED, NO_MEMORY % {"device": run.device.rpartition("/")[2]})
        else:
            watch.end(State.FAILED, UNEXPECTED % {"name": type(error).__name__, "text": str(error)[:200]})
            raise


class Interrupted(Exception):
    """While a corpus is prepared: somebody asked to stop, or nobody is there to run for."""


class Watch:
    """What a run says of itself, written where the pages read it. Progress is never worth a run's life: a database
    that is away for a moment costs a few points of a curve."""

    def __init__(self, run: TrainingRun, tell: Callable[[int], None], is_orphan: Callable[[], bool]):
        self.run, self.owner, self._tell, self._is_orphan = run, run.owner, tell, is_orphan
        self.is_asked_to_stop = self.is_orphaned = self.is_taken = False
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, name="run-lease", daemon=True)
        self._told_at = 0.0
        self._step, self._steps = 0, 1  # of the epoch under way
        self._recent: list[float] = []  # seconds of the last epochs
        self._memory: int | None = None
        self._speed: float | None = None
        self.curve = Curve(run)

    @property
    def should_stop(self) -> bool:
        return self.is_asked_to_stop or self.is_orphaned or self.is_taken

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._done.set()
        self._thread.join()

    def prepared(self, done: int, count: int) -> None:
        """How many clips of a corpus are decoded. Raises Interrupted."""
        if self.should_stop:
            raise Interrupted
        if self._is_time():
            self._write(now={"prepared": done, "clips": count, "share": 0.0})
            self._tell(self.run.pk)

    def begin(self, split: Mapping[str, Any]) -> None:
        self._write(split=dict(split), now={})
        self._tell(self.run.pk)

    def step(self, loss: float, step: int, steps: int) -> None:
        self._step, self._steps = step, steps
        self.curve.add(loss)
        if self._is_time():
            self._say_now(loss)

    def epoch(self, epoch: Any) -> None:
        """Keep what an epoch came to. May run twice."""
        told = asdict(epoch)
        number, phase, is_best = told.pop("number"), told.pop("phase"), told.pop("is_best")
        confusion, warnings = told.pop("confusion"), [text for _kind, text in told.pop("warnings")]
        self._recent = [*self._recent, epoch.seconds][-RECENT:]
        self._step = 0
        try:
            with transaction.atomic():
                Epoch.objects.update_or_create(
                    run=self.run,
                    number=number,
                    defaults={
                        "phase": phase,
                        "figures": {**numbers(told), "steps": self.curve.steps},
                        "confusion": [list(row) for row in confusion],
                        "warnings": warnings,
                        "is_best": is_best,
                        "ended_at": timezone.now(),
                    },
                )
                self.run.epochs_done, self.run.seconds = number, self.run.seconds + epoch.seconds
                self._mine().update(epochs_done=number, seconds=self.run.seconds, attempts=0)
        except DatabaseError:
            logger.warning("Epoch %s of run %s could not be kept.", number, self.run.pk, exc_info=True)
        self._say_now(None, epoch.memory, epoch.clips_per_second)

    def end(self, state: str, reason: str = "", **more: Any) -> None:
        """Over, unless another process has the run by now."""
        with transaction.atomic():
            run = self._mine().select_for_update().first()
            if run is None:
                logger.warning("Run %s was taken over; how it ended here does not count.", self.run.pk)
                return
            for name, value in more.items():
                setattr(run, name, finite(value))
            run.state, run.reason, run.owner, run.leased_until = state, reason[:500], "", None
            run.ended_at, run.now = timezone.now(), {}
            run.save()
            self.curve.keep()
        self._tell(self.run.pk)

    def stopped(self) -> None:
        """Somebody asked for it: it rests. Nobody did: it waits for another worker."""
        if self.is_asked_to_stop:
            return self.end(State.STOPPED)
        with transaction.atomic():
            run = self._mine().select_for_update().first()
            if run is not None:
                wait_again(run, WORKER_ENDED)
        self._tell(self.run.pk)

    def _is_time(self) -> bool:
        if time.monotonic() - self._told_at < TELL_EVERY:
            return False
        self._told_at = time.monotonic()
        return True

    def _say_now(self, loss: float | None, memory: int | None = None, speed: float | None = None) -> None:
        done = self.run.epochs_done + self._step / max(1, self._steps)
        self._memory, self._speed = memory or self._memory, speed or self._speed
        now = {
            "epoch": self.run.epochs_done + 1,
            "step": self._step,
            "steps": self._steps,
            "loss": loss,
            "memory": self._memory or machine.used_by_this_process(),
            "clips_per_second": self._speed,
            "seconds_left": self._seconds_left(done),
            "share": min(1.0, done / max(1, self.run.epochs_planned)),
        }
        try:
            with transaction.atomic():
                self.curve.keep()
                self._mine().update(now=finite(now))
        except DatabaseError:
            logger.warning("The progress of run %s could not be kept.", self.run.pk, exc_info=True)
        self._tell(self.run.pk)

    def _seconds_left(self, done: float) -> float | None:
        """At the most: patience may end a phase earlier."""
        if not self._recent:
            return None
        return max(0.0, (self.run.epochs_planned - done) * sum(self._recent) / len(self._recent))

    def _write(self, **values: Any) -> None:
        try:
            self._mine().update(**values)
        except DatabaseError:
            logger.warning("The progress of run %s could not be kept.", self.run.pk, exc_info=True)

    def _mine(self):
        return TrainingRun.objects.filter(pk=self.run.pk, owner=self.owner, state__in=TrainingRun.HELD)

    def _look(self) -> None:
        """In a thread of its own: a step may take long, and the lease must not."""
        renewed = time.monotonic()
        while not self._done.wait(LOOK_EVERY):
            self.is_orphaned = self.is_orphaned or self._is_orphan()
            try:
                state = self._mine().values_list("state", flat=True).first()
                self.is_taken = state is None
                self.is_asked_to_stop = self.is_asked_to_stop or state == State.STOPPING
                if time.monotonic() - renewed >= RENEW_EVERY:
                    self._mine().update(leased_until=timezone.now() + jobs.LEASE)
                    renewed = time.monotonic()
            except DatabaseError:
                logger.warning("The lease of run %s could not be renewed; trying again.", self.run.pk, exc_info=True)
            finally:
                connection.close()  # this thread's own


class Curve:
    """The loss over steps, thinned to a bound: when it is full, each two points become one."""

    def __init__(self, run: TrainingRun):
        self._row, _made = StepCurve.objects.get_or_create(run=run)
        last = run.epochs.order_by("number").last()
        self.steps = int(last.figures.get("steps", 0)) if last else 0
        kept = self._row.points
        # Steps after the last finished epoch are taken again.
        points = [(step, loss) for step, loss in zip(kept.get("step", []), kept.get("loss", []), strict=True)]
        self.points = [(step, loss) for step, loss in points if step <= self.steps]
        self.every = self._row.every
        self._losses: list[float] = []

    def add(self, loss: float) -> None:
        self.steps += 1
        self._losses.append(loss)
        if len(self._losses) >= self.every:
            self.points.append((self.steps, finite(sum(self._losses) / len(self._losses))))
            self._losses = []
        if len(self.points) >= MOST_POINTS:
            self.points = [halved(first, second) for first, second in zip(*[iter(self.points)] * 2, strict=False)]
            self.every *= 2

    def keep(self) -> None:
        self._row.every = self.every
        self._row.points = {"step": [step for step, _ in self.points], "loss": [loss for _, loss in self.points]}
        self._row.save(update_fields=["every", "points"])


def halved(first: tuple[int, float | None], second: tuple[int, float | None]) -> tuple[int, float | None]:
    known = [loss for loss in (first[1], second[1]) if loss is not None]
    return second[0], sum(known) / len(known) if known else None


def split_of(split: Any) -> dict[str, Any]:
    """Clips of each label and the speakers of each part, as plain data."""
    return {
        "name": split.name,
        "counts": split.counts(),
        "speakers": {part: sorted({clip.speaker for clip in clips}) for part, clips in split.parts().items()},
    }


def numbers(told: Mapping[str, Any], before: str = "") -> dict[str, float | None]:
    """Every number of nested values by its path joined with "_"; one that is no number any more is None."""
    found: dict[str, float | None] = {}
    for name, value in told.items():
        path = f"{before}_{name}" if before else name
        if isinstance(value, Mapping):
            found |= numbers(value, path)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            found[path] = finite(value)
    return found


def finite(value: Any) -> Any:
    """The same without NaN and infinity, for which JSON has no word."""
    if isinstance(value, Mapping):
        return {str(name): finite(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def intervals_of(predictions: Mapping[str, Any], interval: Callable[..., tuple[float, float]]) -> dict[str, Any]:
    """Of each row's UAR, 95 % over actors; none where one actor was all there is."""
    if len(set(predictions.get("speakers", []))) < 2:
        return {}
    return {
        row: list(interval(predictions["labels"], guesses, predictions["speakers"]))
        for row, guesses in predictions.get("guesses", {}).items()
    }


def is_about_memory(error: BaseException) -> bool:
    """What torch says where memory ends, on a GPU ("CUDA out of memory") and on a CPU ("can't allocate memory")."""
    return isinstance(error, MemoryError) or any(
        words in str(error) for words in ("out of memory", "can't allocate memory")
    )


def parent_is_gone(parent: int) -> Callable[[], bool]:
    """Whether the process that started this one has ended: its place as a parent has been taken."""
    return lambda: os.getppid() != parent
