"""Keep checkpoints, make packs of them, and decide which pack reads from now on.

The library is imported inside the functions that look at weights: it loads torch, which only a worker should ever do.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.models import User
from clinic.services import note_access
from emotion import gate
from emotion.errors import CheckpointRefused, EmotionError, GateRefused, PackRefused
from emotion.ml import weights
from emotion.ml.cards import read_card
from emotion.models import Checkpoint, Pack, PackPart, Promotion, StoredReading, TrainingRun, Trial

SHORTEST_REASON = 10  # characters of a reason that somebody can later understand
PICKLE_BEGINNINGS = (b"\x80", b"PK\x03\x04")  # a bare pickle; torch's zip with one inside
SAFETENSORS_HEADER = b"{"  # after eight bytes that say how long it is, and may be any


# --- Checkpoints ---


def register_checkpoint(
    path: Path,
    run: TrainingRun | None = None,
    by: User | None = None,
    name: str = "",
    intervals: Mapping[str, Any] | None = None,
) -> Checkpoint:
    """Keep a copy of a checkpoint file with its card. The same file again gives the row it has. Only in a worker.

    intervals  of each test row's UAR, where a run has reckoned them beside the card

    Raises CheckpointRefused: damaged, a pickle, without our card, labels in another order, changed weights, or of no
    net that is known here.
    """
    path = Path(path)
    _must_not_be_pickled(path)
    from emotion.ml import known
    from emotion.ml.checkpoint import load

    try:
        loaded = load(path)
        known.must_fit(loaded)
    except EmotionError as error:
        raise CheckpointRefused(str(error)) from error
    sha256 = sha256_of(path)
    kept = Checkpoint.objects.filter(file_sha256=sha256).first()
    if kept is None:
        kept = Checkpoint(
            name=name or (run.name if run else path.stem),
            net=loaded.card.net,
            path=_copied(path, sha256),
            size=path.stat().st_size,
            file_sha256=sha256,
            weights_sha256=loaded.sha256,
            card=_shown(read_card(path), intervals or {}),
            origin=Checkpoint.Origin.TRAINED if run else Checkpoint.Origin.IMPORTED,
            run=run,
            added_by=by or (run.started_by if run else None),
        )
        try:
            with transaction.atomic():
                kept.save()
        except IntegrityError:  # another worker kept it a moment ago
            return Checkpoint.objects.get(file_sha256=sha256)
    elif run and kept.run_id is None:
        kept.run, kept.origin = run, Checkpoint.Origin.TRAINED
        kept.save(update_fields=["run", "origin"])
    return kept


def file_of(checkpoint: Checkpoint) -> Path:
    return settings.MODELS_DIR / checkpoint.path


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _shown(card: dict[str, Any], intervals: Mapping[str, Any]) -> dict[str, Any]:
    """The card as pages show it. The guess for each clip stays in the file: thousands of them are nothing to show."""
    metrics = {name: told for name, told in card["metrics"].items() if name != "predictions"}
    for row, interval in intervals.items():
        if isinstance(metrics.get("test", {}).get(row), dict):
            metrics["test"] = {**metrics["test"], row: {**metrics["test"][row], "interval": list(interval)}}
    return {**card, "metrics": metrics}


def _must_not_be_pickled(path: Path) -> None:
    try:
        with path.open("rb") as file:
            beginning = file.read(9)
    except OSError as error:
        raise CheckpointRefused(_("%(name)s cannot be read.") % {"name": path.name}) from error
    if beginning.startswith(PICKLE_BEGINNINGS) and not beginning.endswith(SAFETENSORS_HEADER):
        raise CheckpointRefused(
            _(
                "%(name)s is a pickle or an archive, which could run code of its own. Only safetensors "
                "files with a card are taken; a training run can start from published weights and writes "
                "such a file."
            )
            % {"name": path.name}
        )


def _copied(path: Path, sha256: str) -> str:
    """Its place below MODELS_DIR; whole or not there at all."""
    place = f"checkpoints/{sha256}.safetensors"
    target = settings.MODELS_DIR / place
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        shutil.copyfile(path, beside)
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)
    return place


# --- Packs ---


@transaction.atomic
def make_pack(name: str, checkpoints: list[Checkpoint], by: User) -> Pack:
    """A pack that takes these in place of the starter's parts. A worker must load it before it can serve.

    Raises PackRefused.
    """
    parts = [checkpoint.part for checkpoint in checkpoints]
    if not checkpoints:
        raise PackRefused(_("Choose at least one checkpoint: without any this is the starter pack."))
    if "" in parts:
        useless = next(checkpoint for checkpoint in checkpoints if not checkpoint.part)
        raise PackRefused(
            _("A net of the kind %(net)s reads no recording, so no pack has a place for it.") % {"net": useless.net}
        )
    if len(set(parts)) < len(parts):
        raise PackRefused(_("Two of these checkpoints are for the same part of the pack."))
    if name == STARTER or Pack.objects.filter(name=name).exists():
        raise PackRefused(_("There is a pack %(name)s already. Choose another name.") % {"name": name})
    pack = Pack.objects.create(name=name, made_by=by)
    PackPart.objects.bulk_create(
        PackPart(pack=pack, part=part, checkpoint=checkpoint)
        for part, checkpoint in zip(parts, checkpoints, strict=True)
    )
    note_access(by, "make", pack.subject)
    return pack


def build_pack(pack: Pack) -> Pack:
    """Write the pack's folder and load it once, so that what may serve is known to work. Only in a worker.

    Raises PackRefused.
    """
    from emotion.ml import clip_reading

    folder = folder_of(pack)
    folder.mkdir(parents=True, exist_ok=True)
    described: dict[str, Any] = {"name": pack.name, "files": {}, "parts": {}}
    for part in pack.parts.select_related("checkpoint"):
        file = f"{part.part}.safetensors"
        _linked(file_of(part.checkpoint), folder / file)
        described["files"][part.part] = file
        described["parts"][part.part] = (
            f"{part.checkpoint.net}: {part.checkpoint.name} ({part.checkpoint.file_sha256[:12]})"
        )
    (folder / "pack.json").write_text(json.dumps(described, indent=1, ensure_ascii=False))
    try:
        loaded = clip_reading.load(folder)
    except EmotionError as error:
        raise PackRefused(str(error)) from error
    pack.sha256, pack.versions = loaded.pack_sha256, dict(loaded.versions)
    pack.save(update_fields=["sha256", "versions"])
    return pack


def folder_of(pack: Pack) -> Path:
    return settings.MODELS_DIR / "packs" / pack.name


def _linked(source: Path, target: Path) -> None:
    """The file in the pack's own folder, without a second copy where the disk can do that."""
    if not source.is_file():
        raise PackRefused(_("The file of the checkpoint is gone: %(name)s.") % {"name": source.name})
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


# --- Which pack serves ---

STARTER = "starter"


def serving_pack() -> Pack | None:
    """The pack that new readings are made with; None for the starter. One small query."""
    newest = Promotion.objects.filter(undone_at=None).select_related("pack").first()
    return newest.pack if newest else None


def made_otherwise() -> QuerySet[StoredReading]:
    """Readings of recordings that another pack than the serving one made. Of the starter pack only the name counts: its
    hash would take a worker."""
    kept, pack = StoredReading.objects.exclude(recording__in=Trial.objects.values("pk")), serving_pack()
    return kept.exclude(pack_sha256=pack.sha256) if pack else kept.exclude(pack=STARTER)


def judge(pack: Pack) -> gate.Verdict:
    """What the cards prove about putting this pack in place of the one that serves now."""
    return gate.judge(_cards(pack), {**_starter_cards(), **_cards(serving_pack())})


@transaction.atomic
def promote(pack: Pack, by: User, reason: str = "") -> Promotion:
    """New readings are made with this pack. Where the gate refuses, a written reason is kept with the promotion.

    Raises PackRefused, GateRefused.
    """
    pack = Pack.objects.select_for_update().get(pk=pack.pk)
    if not pack.sha256:
        raise PackRefused(_("This pack has not been loaded by a worker yet, so nobody knows whether it works."))
    if serving_pack() == pack:
        raise PackRefused(_("This pack serves already."))
    verdict, reason = judge(pack), reason.strip()
    if not verdict.passed and len(reason) < SHORTEST_REASON:
        raise GateRefused(_("The gate refuses this pack. Write down why it should serve all the same."))
    promotion = Promotion.objects.create(pack=pack, by=by, verdict=verdict.as_json(), reason=reason)
    note_access(by, "promote" if verdict.passed else "promote against the gate", pack.subject)
    return promotion


@transaction.atomic
def roll_back(by: User) -> Promotion:
    """Take back the newest promotion: what served before it serves again. Raises PackRefused."""
    newest = Promotion.objects.select_for_update().filter(undone_at=None).first()
    if newest is None:
        raise PackRefused(_("The starter pack serves: there is nothing to go back to."))
    newest.undone_at, newest.undone_by = timezone.now(), by
    newest.save(update_fields=["undone_at", "undone_by"])
    note_access(by, "roll back", newest.pack.subject)
    return newest


def _cards(pack: Pack | None) -> dict[str, Mapping[str, Any]]:
    parts = pack.parts.select_related("checkpoint") if pack else []
    return {part.part: part.checkpoint.card for part in parts}


def _starter_cards() -> dict[str, Mapping[str, Any]]:
    """Of the parts that ship with a card of figures: the voice."""
    voice = Path(weights.__file__).with_name("voice.safetensors")
    return {"voice": read_card(voice)} if voice.exists() else {}
