"""What the room's short names are called on a page."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PART_WORDS: dict[str, Promise] = {"train": _("training"), "validation": _("validation"), "test": _("test")}
# Figures of an epoch, without the part that they are of. What is not here is shown under its own name.
FIGURE_WORDS: dict[str, Promise] = {
    "loss": _("Loss"),
    "uar": _("UAR: recall, mean over classes"),
    "war": _("Accuracy (WAR)"),
    "macro_f1": _("F1, mean over classes"),
    "learning_rate": _("Learning rate"),
    "clips_per_second": _("Clips a second"),
    "seconds": _("Seconds an epoch"),
    "memory": _("Memory"),
    "recall": _("Recall of each class, validation"),
}


def figure_word(name: str) -> str:
    return str(FIGURE_WORDS.get(name, name.replace("_", " ")))
