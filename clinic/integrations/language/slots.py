"""How many may ask the language model at once, over all processes: slots in the shared cache, each with a lease.

A model that answers three at once answers each a third as fast, and some run out of memory. Whoever finds no slot
waits, and says so; a slot whose holder died is free again when its lease is over. Without the shared cache each
process counts for itself.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.core.cache import cache
from django.utils.translation import gettext as _

LOOK_EVERY = 0.5  # seconds

Wait = Callable[[str], None]  # told why nothing happens yet, each time it was looked


class Slot:
    def __init__(self, name: str, lease: float):
        self._name, self._lease, self._owner, self._renewed = name, lease, uuid.uuid4().hex, time.monotonic()

    def take(self) -> bool:
        return bool(cache.add(self._name, self._owner, self._lease))

    def renew(self) -> None:
        """Cheap enough to be called with every word: it asks the cache now and then."""
        if time.monotonic() - self._renewed > self._lease / 4:
            self._renewed = time.monotonic()
            cache.touch(self._name, self._lease)

    def give_back(self) -> None:
        if cache.get(self._name) == self._owner:
            cache.delete(self._name)


@contextmanager
def a_slot(among: int, lease: float, on_wait: Wait | None = None) -> Iterator[Slot]:
    """One of so many slots, waited for as long as it takes. lease: seconds for which its holder may be silent."""
    slot = _free_slot(among, lease)
    while slot is None:
        if on_wait:
            on_wait(_("Waiting for the language model: it is writing something else."))
        time.sleep(LOOK_EVERY)
        slot = _free_slot(among, lease)
    try:
        yield slot
    finally:
        slot.give_back()


def _free_slot(among: int, lease: float) -> Slot | None:
    slots = (Slot(f"language-slot-{number}", lease) for number in range(among))
    return next((slot for slot in slots if slot.take()), None)
