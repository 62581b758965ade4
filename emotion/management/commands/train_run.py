"""Train one run that a worker has claimed. The worker starts this, in a process of its own; people use the pages."""

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from emotion import live, tasks
from emotion.models import TrainingRun
from emotion.services.training import parent_is_gone, train

NICER = 5  # steps of priority below the worker's own: whoever waits for a reading comes first


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", type=int)
        parser.add_argument("owner", help="the claim, as the run's row has it")

    def handle(self, *, run: int, owner: str, **_: Any) -> None:
        worker_is_gone = parent_is_gone(os.getppid())
        os.nice(NICER)
        claimed = TrainingRun.objects.filter(pk=run, owner=owner, state__in=TrainingRun.HELD).first()
        if claimed is None:
            raise CommandError("Nobody claimed this run under that name, or somebody else has it by now.")
        try:
            train(claimed, live.tell, worker_is_gone)
        finally:
            tasks.enqueue()
