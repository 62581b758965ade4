"""An instrument's life: installed from data, its words brought where they are missing, published for good, retired."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import jobs
from clinic.integrations.speaking import Speaking, voice_for
from clinic.jobs import Outcome
from clinic.models import Job, User
from clinic.services import note_access
from interviews import scales
from interviews.errors import InstrumentIsPublished, InstrumentRefused
from interviews.models import Instrument, ItemAudio

MOST_JSON = 300_000  # characters


@transaction.atomic
def install(definition: scales.Definition, by: User) -> Instrument:
    """A draft with the next number of its family, to be looked at and published.

    Raises InstrumentRefused where the same is there already, or a draft waits.
    """
    if definition.language not in dict(settings.LANGUAGES):
        raise InstrumentRefused(_("This clinic's pages do not speak the language of this instrument."))
    family = Instrument.objects.select_for_update().filter(slug=definition.slug, language=definition.language)
    told = scales.as_json(definition)
    for other in family:
        if other.is_draft:
            raise InstrumentRefused(_("A draft of %(name)s is waiting already: change that one.") % {"name": other})
        if other.definition == told and other.state == Instrument.State.PUBLISHED:
            raise InstrumentRefused(_("%(name)s is published just like this already.") % {"name": other})
    made = Instrument(
        slug=definition.slug,
        language=definition.language,
        version=(family.aggregate(newest=Max("version"))["newest"] or 0) + 1,
    )
    _write(made, definition)
    note_access(by, "install", made.subject)
    return made


def read_json(text: str) -> scales.Definition:
    """An instrument as somebody brings it. Raises InstrumentRefused."""
    if len(text) > MOST_JSON:
        raise InstrumentRefused(_("This file is too large to be an instrument."))
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InstrumentRefused(_("This is not JSON.")) from error
    if "\\u0000" in json.dumps(told):
        raise InstrumentRefused(_("This file holds characters that are no text."))
    return scales.parse(told)


@transaction.atomic
def fill(instrument: Instrument, words: Mapping[str, str], by: User) -> Instrument:
    """The words that the clinic brings or corrects: licence, source, recall, stem, item-1, item-1-option-0, option-0 ….

    What was numbers only stays so until no word is missing. Raises InstrumentIsPublished, InstrumentRefused.
    """
    found = _draft(instrument)
    before = found.parsed
    after = _with(before, words)
    if after == before:
        return found
    if after.licence in {one.licence for one in scales.shipped() if one.wording == scales.SKELETON}:
        raise InstrumentRefused(_("Say under which licence the clinic may use this wording."))
    is_whole = not scales.without_words(after)
    _write(found, replace(after, wording=scales.CLINIC if is_whole else scales.SKELETON))
    note_access(by, "change", found.subject)
    return found


@transaction.atomic
def publish(instrument: Instrument, by: User) -> Instrument:
    """Approve a draft under a name. From now on it never changes; the version before it is offered no more.

    Raises InstrumentIsPublished, InstrumentRefused where words are missing.
    """
    found = _draft(instrument)
    if found.wording == scales.SKELETON or scales.without_words(found.parsed):
        raise InstrumentRefused(_("It has numbers only. Type or import the wording that the clinic may use first."))
    older = Instrument.objects.filter(slug=found.slug, language=found.language, state=Instrument.State.PUBLISHED)
    older.update(state=Instrument.State.RETIRED)
    found.state, found.approved_by, found.published_at = Instrument.State.PUBLISHED, by, timezone.now()
    found.save(update_fields=["state", "approved_by", "published_at"])
    note_access(by, "publish", found.subject)
    return found


@transaction.atomic
def retire(instrument: Instrument, by: User) -> Instrument:
    """Offer it for new interviews no more; those that ask it keep it. A draft is thrown away. May run twice."""
    found = Instrument.objects.select_for_update().get(pk=instrument.pk)
    note_access(by, "retire", found.subject)
    if found.is_draft:
        found.delete()
    elif found.state != Instrument.State.RETIRED:
        found.state = Instrument.State.RETIRED
        found.save(update_fields=["state"])
    return found


def next_version(instrument: Instrument, by: User) -> Instrument:
    """A draft with the same words, to be changed and published in its turn. Raises InstrumentRefused."""
    family = Instrument.objects.filter(slug=instrument.slug, language=instrument.language)
    draft = family.filter(state=Instrument.State.DRAFT).first()
    if draft:
        raise InstrumentRefused(_("A draft of %(name)s is waiting already: change that one.") % {"name": draft})
    made = Instrument(
        slug=instrument.slug,
        language=instrument.language,
        version=(family.aggregate(newest=Max("version"))["newest"] or 0) + 1,
    )
    _write(made, instrument.parsed)
    note_access(by, "install", made.subject)
    return made


def speak(instrument: Instrument, job: Job) -> dict[str, Outcome]:
    """Its audio as a stage of work: its row says how far it is, and which voice stood in for another."""
    notes = speak_items(instrument, lambda share: jobs.beat(job, 100 * share))
    return {job.stage: Outcome(" ".join(dict.fromkeys(filter(None, notes))))}


def speak_items(
    instrument: Instrument, on_progress: Callable[[float], None] | None = None, voice: Speaking | None = None
) -> list[str]:
    """Audio for each item of a published instrument, made before anybody is asked; the voices' notes. May run twice.

    Raises SpeakingError; items spoken until then keep their audio, and all are shown as text anyway.
    """
    definition: scales.Definition = instrument.parsed
    notes: list[str] = []
    voice = voice or voice_for(definition.language)
    for place, item in enumerate(definition.items, start=1):
        spoken = voice.speak(_said(definition, item))
        made = {"file": spoken.name, "voice": spoken.voice[:60]}
        ItemAudio.objects.update_or_create(instrument=instrument, number=item.number, defaults=made)
        notes.append(spoken.note)
        if on_progress:
            on_progress(place / len(definition.items))
    return notes


def _said(definition: scales.Definition, item: scales.Item) -> str:
    """All that somebody who cannot read needs: what is asked of which time, and what may be answered."""
    options = [f"{option.value}: {option.text}" for option in item.options]
    asked = [definition.stem, item.text] if item.is_scored else [item.text]
    return ". ".join(text.rstrip(".?؟: ") for text in [*asked, *options] if text)


def _draft(instrument: Instrument) -> Instrument:
    found = Instrument.objects.select_for_update().get(pk=instrument.pk)
    if not found.is_draft:
        raise InstrumentIsPublished(_("This version is published and cannot change. Make a new version instead."))
    return found


def _write(row: Instrument, definition: scales.Definition) -> None:
    row.definition = scales.as_json(scales.parse(scales.as_json(definition)))
    row.name, row.wording, row.licence = definition.name, definition.wording, definition.licence[:300]
    row.save()


def _with(before: scales.Definition, words: Mapping[str, str]) -> scales.Definition:
    told = scales.as_json(before)
    for name in ("licence", "source", "recall", "stem"):
        told[name] = words.get(name, told[name]).strip()
    for item in told["items"]:
        own = f"item-{item['number']}"
        item["text"] = words.get(own, item["text"]).strip()
        if item["licence"] == before.licence:
            item["licence"] = told["licence"]
        _rename(item.get("options", ()), f"{own}-option", words)
    _rename(told["options"], "option", words)
    # Half-filled for the moment: only a skeleton may lack words.
    return replace(scales.parse(told | {"wording": scales.SKELETON}), wording=before.wording)


def _rename(options: Any, name: str, words: Mapping[str, str]) -> None:
    for option in options:
        option["text"] = words.get(f"{name}-{option['value']}", option["text"]).strip()
