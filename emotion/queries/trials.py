"""What to show of trials: how far they are, and what was read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from clinic import jobs
from clinic.models import Job, User
from clinic.reasons import told
from emotion.models import Trial, Upload

READ, IMPORT, BUILD, PULL = "read", "import", "build", "pull"  # stages of Job rows in this room


@dataclass(frozen=True)
class Work:
    """How far a piece of work is; waiting where there is no row yet."""

    state: str = Job.State.WAITING
    percent: int = 0
    reason: str = ""

    @property
    def label(self) -> str:
        return str(Job.State(self.state).label)

    @property
    def is_over(self) -> bool:
        return self.state in jobs.FINAL

    @property
    def has_failed(self) -> bool:
        return self.state == Job.State.FAILED


def work_on(subject: str, stage: str) -> Work:
    return works([subject], stage).get(subject, Work())


def works(subjects: Iterable[str], stage: str) -> dict[str, Work]:
    """One query, however many there are."""
    rows = Job.objects.filter(subject__in=list(subjects), stage=stage)
    return {row.subject: Work(row.state, row.percent, told(row.reason)) for row in rows}


def trials_of(owner: User) -> list[tuple[Trial, Work]]:
    """Hers, the newest first."""
    trials = list(Trial.objects.filter(owner=owner).select_related("pack"))
    found = works([trial.subject for trial in trials], READ)
    return [(trial, found.get(trial.subject, Work())) for trial in trials]


def imports_of(owner: User) -> list[tuple[Upload, Work]]:
    """Checkpoint files of hers that a worker looks at, or could not take."""
    uploads = list(Upload.objects.filter(owner=owner, trial=None, checkpoint=None).exclude(name=""))
    found = works([upload.subject for upload in uploads], IMPORT)
    return [(upload, found[upload.subject]) for upload in uploads if upload.subject in found]


def pictures(trial: Trial) -> dict[str, Any] | None:
    """What was read in the pictures of a trial: {"pack", "pack_sha256", "versions", "pictures": […]}."""
    if not trial.sealed_pictures:
        return None
    return trial.key.open_json(bytes(trial.sealed_pictures), pictures_name(trial.pk))


def pictures_name(trial_id: UUID) -> str:
    """What the sealed result is about: none can pass for another."""
    return f"pictures:{trial_id}"
