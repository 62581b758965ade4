"""The audit log's chain: each entry is sealed to the one before it by its hash."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC

from clinic.models import AuditEntry

BEGINNING = "0" * 64  # what the first entry follows


@dataclass(frozen=True)
class Chain:
    """`broken_at` is the first entry that was changed, or whose predecessor is gone. Entries cut off at the end
    leave no trace in what remains: keep the last digest elsewhere to notice that."""

    length: int
    last_digest: str
    broken_at: AuditEntry | None = None

    @property
    def is_whole(self) -> bool:
        return self.broken_at is None


def digest(entry: AuditEntry) -> str:
    told = [entry.previous, entry.at.astimezone(UTC).isoformat(), entry.actor, entry.verb, entry.subject]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def verify_chain() -> Chain:
    """Read the whole log from its beginning."""
    length, previous = 0, BEGINNING
    for entry in AuditEntry.objects.order_by("pk").iterator():
        if entry.previous != previous or entry.digest != digest(entry):
            return Chain(length, previous, broken_at=entry)
        length, previous = length + 1, entry.digest
    return Chain(length, previous)
