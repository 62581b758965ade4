"""What to show of the registry: the catalogue with what is here of it, packs with how far they are, and the history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from emotion import catalogue
from emotion.catalogue import Model
from emotion.models import Checkpoint, FetchedModel, Pack, Promotion, StoredReading, Trial
from emotion.queries.trials import BUILD, PULL, Work, works


@dataclass(frozen=True)
class Shelf:
    """A model of the catalogue; what was fetched of it, and how far a worker is."""

    model: Model
    fetched: FetchedModel | None
    work: Work

    @property
    def state(self) -> str:
        """here, to confirm, arriving, broken off, elsewhere or absent."""
        if self.model.elsewhere:
            return "elsewhere"
        if self.fetched is None:
            return "absent"
        if self.fetched.confirmed_how:
            return "here"
        if self.is_whole:
            return "to confirm"
        return "broken off" if self.work.is_over else "arriving"

    @property
    def is_whole(self) -> bool:
        return self.fetched is not None and {file.name for file in self.model.files} <= set(self.fetched.checksums)


def all_models() -> list[Shelf]:
    """The catalogue in its own order. Two queries."""
    return _shelves(catalogue.models())


def one_model(model: Model) -> Shelf:
    (shelf,) = _shelves([model])
    return shelf


def _shelves(models: Iterable[Model]) -> list[Shelf]:
    models = list(models)
    fetched = {row.name: row for row in FetchedModel.objects.filter(name__in=[model.name for model in models])}
    found = works([row.subject for row in fetched.values()], PULL)
    return [Shelf(model, fetched.get(model.name), found.get(f"model:{model.name}", Work())) for model in models]


def checkpoints() -> QuerySet[Checkpoint]:
    return Checkpoint.objects.select_related("run", "added_by").annotate(used=Count("uses"))


def packs() -> list[tuple[Pack, Work]]:
    """The newest first, each with how far loading it is."""
    rows = list(Pack.objects.select_related("made_by").prefetch_related("parts__checkpoint"))
    found = works([pack.subject for pack in rows], BUILD)
    return [(pack, found.get(pack.subject, Work())) for pack in rows]


def history() -> QuerySet[Promotion]:
    return Promotion.objects.select_related("pack", "by", "undone_by")


def parts_of(versions: Mapping[str, str]) -> list[tuple[str, str]]:
    """What read, in words: (voice activity, Silero VAD v6 …)."""
    return [(name.replace("-", " "), told) for name, told in versions.items()]


def readings_by(pack_sha256: str) -> int:
    return (
        StoredReading.objects.filter(pack_sha256=pack_sha256).exclude(recording__in=Trial.objects.values("pk")).count()
    )
