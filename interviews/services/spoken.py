"""A spoken answer to an item: a few seconds of sound, sealed until they are heard, matched, and thrown away.

What was understood is shown back to the patient and counts only when she confirms it. The sound goes as soon as it was
heard or could not be, what was understood as soon as she has answered; what is left of either after ten minutes, too.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

import emotion.services
from clinic import jobs
from clinic.integrations.hearing import Hearing, Sound, Word, hearing_for
from clinic.jobs import Outcome
from clinic.models import Job
from clinic.services import must_not_have_withdrawn, note_access
from clinic.workspace import workspace
from emotion.errors import NoSound
from interviews import risk, spoken_choice
from interviews.errors import InstrumentRefused, NotARecording, TooLarge
from interviews.models import Scale, ScaleAnswer, SpokenReply
from interviews.queries.instruments import answer_name, heard_name, sound_name
from interviews.services.answering import lock
from interviews.services.risk import flag_scale_answer, tell_of
from interviews.stages import HEAR

MOST_BYTES = 600_000  # a quarter of a minute of sound is a third of it
KEPT_FOR = timedelta(minutes=10)


@transaction.atomic
def receive_spoken(scale: Scale, number: int, sound: bytes, mime_type: str) -> SpokenReply:
    """The sound, sealed, and its job. An earlier one of the same item gives way.

    Raises TooLarge, NotARecording, InstrumentRefused, InterviewEnded, ConsentMissing.
    """
    interview = lock(scale.interview)
    if not any(item.number == number for item in scale.instrument.parsed.items):
        raise InstrumentRefused(_("This is no answer to this question. Please choose one of those shown."))
    if len(sound) > MOST_BYTES:
        raise TooLarge(_("This was too long. Please say the answer only."))
    if not sound or not mime_type.startswith(("audio/", "video/")):
        raise NotARecording(_("Nothing was recorded. Please try again, or click your answer."))
    forget(scale.spoken_replies.filter(number=number))
    sealed = interview.key.seal(sound, sound_name(scale.pk, number))
    reply = SpokenReply.objects.create(scale=scale, number=number, sealed=sealed)
    jobs.open_jobs(reply.subject, [HEAR])
    return reply


def hear(reply: SpokenReply, job: Job, hearing: Hearing | None = None) -> dict[str, Outcome]:
    """What was said, matched to one of the answers; the sound is gone afterwards, whatever came of it.

    Words that call for a person are looked for as in every transcript. Raises ConsentMissing, HearingError,
    UnreadableRecording.
    """
    must_not_have_withdrawn(reply.scale.interview.patient)
    key = reply.scale.interview.key
    note_access("worker:hear", "open", reply.subject)
    try:
        text, words = _heard(reply, job, hearing)
    finally:
        SpokenReply.objects.filter(pk=reply.pk).update(sealed=b"")
    item = reply.scale.instrument.parsed.item(reply.number)
    told = {"text": text, "value": spoken_choice.choice(text, item.options)}
    sealed = key.seal_json(told, heard_name(reply.scale_id, reply.number))
    SpokenReply.objects.filter(pk=reply.pk).update(sealed_heard=sealed)
    _check(reply, words)
    return {HEAR: Outcome()}


@transaction.atomic
def forget(replies) -> int:
    """Sound, words and job of these replies. May run twice."""
    rows = list(replies)
    Job.objects.filter(subject__in=[row.subject for row in rows]).delete()
    SpokenReply.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def forget_old() -> int:
    """What nobody confirmed or replaced in time."""
    return forget(SpokenReply.objects.filter(created_at__lt=timezone.now() - KEPT_FOR))


def _heard(reply: SpokenReply, job: Job, hearing: Hearing | None) -> tuple[str, tuple[Word, ...]]:
    opened = reply.scale.interview.key.open(bytes(reply.sealed), sound_name(reply.scale_id, reply.number))
    with workspace() as folder:
        path = folder / "reply"
        path.write_bytes(opened)
        try:
            sound = Sound(*emotion.services.sound_of(path))
        except NoSound:
            return "", ()
        language = reply.scale.instrument.language
        hearing = hearing or hearing_for(language, cpu_threads=settings.WORKER_THREADS)
        heard = hearing.hear(sound, lambda share: jobs.beat(job, 100 * share))
    return heard.text, heard.words


@transaction.atomic
def _check(reply: SpokenReply, words: tuple[Word, ...]) -> None:
    found = risk.screen(words)
    if not found:
        return
    empty = reply.scale.interview.key.seal_json({"value": None, "worst": 0}, answer_name(reply.scale_id, reply.number))
    row, _is_new = ScaleAnswer.objects.get_or_create(
        scale=reply.scale, number=reply.number, defaults={"sealed": empty, "how": ScaleAnswer.How.VOICE}
    )
    flag = flag_scale_answer(row, found, is_worse=True)
    if flag:
        transaction.on_commit(lambda: tell_of(flag), robust=True)  # Django logs its name: no partial
