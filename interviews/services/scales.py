"""What is done with a scale: chosen for an interview, answered item by item, and looked at by a person if need be."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.models import Job
from interviews import scales
from interviews.errors import InstrumentRefused
from interviews.models import Instrument, Interview, RiskFlag, Scale, ScaleAnswer
from interviews.queries.instruments import answer_name
from interviews.services.answering import begin, lock
from interviews.services.risk import flag_scale_answer, tell_of


@transaction.atomic
def choose_instruments(interview: Interview, instruments: Iterable[Instrument]) -> list[Scale]:
    """The scales that this interview asks beside its questions. Raises InstrumentRefused for one not published."""
    chosen = list(instruments)
    if any(instrument.state != Instrument.State.PUBLISHED for instrument in chosen):
        raise InstrumentRefused(_("Only a published instrument can be asked."))
    return [Scale.objects.get_or_create(interview=interview, instrument=one)[0] for one in chosen]


@transaction.atomic
def keep_answer(scale: Scale, number: int, value: int | None, how: str = ScaleAnswer.How.CLICK) -> ScaleAnswer:
    """The answer to an item, sealed; None leaves it out. It may be given again until the interview is finished.

    An answer that calls for a person raises its flag in the same moment and tells her clinician: no worker, no model.
    Raises InstrumentRefused, InterviewEnded, ConsentMissing.
    """
    interview = lock(scale.interview)
    item = _item(scale, number, value)
    row = ScaleAnswer.objects.filter(scale=scale, number=number).first() or ScaleAnswer(scale=scale, number=number)
    worst = _worst(row, interview)
    is_worse = value is not None and value > worst
    kept = {"value": value, "worst": max(worst, value or 0)}
    row.sealed, row.how = interview.key.seal_json(kept, answer_name(scale.pk, number)), how
    row.save()
    begin(interview)
    Scale.objects.filter(pk=scale.pk, started_at=None).update(started_at=timezone.now())
    _forget_spoken(scale, number)
    if value is not None and item.calls_for_a_person(value):
        _tell_at_once(flag_scale_answer(row, [scales.finding(item, value)], is_worse))
    return row


def _item(scale: Scale, number: int, value: int | None) -> scales.Item:
    definition = scale.instrument.parsed
    item = next((item for item in definition.items if item.number == number), None)
    if item is None or (value is not None and item.option(value) is None):
        raise InstrumentRefused(_("This is no answer to this question. Please choose one of those shown."))
    return item


def _forget_spoken(scale: Scale, number: int) -> None:
    """It was answered now: what was said on the way to it is not needed any more."""
    spoken = scale.spoken_replies.filter(number=number)
    Job.objects.filter(subject__in=[reply.subject for reply in spoken]).delete()
    spoken.delete()


def _worst(row: ScaleAnswer, interview: Interview) -> int:
    """The most points that were ever given: a flag tells of these, whatever was clicked afterwards."""
    if row.pk is None:
        return 0
    return interview.key.open_json(bytes(row.sealed), answer_name(row.scale_id, row.number))["worst"]


def _tell_at_once(flag: RiskFlag | None) -> None:
    if flag:
        transaction.on_commit(lambda: tell_of(flag), robust=True)  # Django logs its name: no partial
