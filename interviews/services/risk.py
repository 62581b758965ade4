"""Words that call for a person: found, told to her clinician, and told to somebody else when she does not answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from clinic.jobs import Outcome
from clinic.models import User
from clinic.services import must_not_have_withdrawn, note_access
from interviews import queries, risk
from interviews.errors import NothingToCheck
from interviews.models import Answer, RiskFlag, ScaleAnswer, Transcript
from interviews.stages import RISK

logger = logging.getLogger(__name__)


def check_risk(answer: Answer, _on_progress: Callable[[str, float], None]) -> dict[str, Outcome]:
    """Screen what was said. A flag that was raised once stays, whatever a second transcript says.

    Raises ConsentMissing, NothingToCheck.
    """
    must_not_have_withdrawn(answer.interview.patient)
    transcript = Transcript.objects.filter(answer=answer).first()
    if transcript is None:
        raise NothingToCheck(_("There is no transcript, so nobody checked what was said: listen to this answer."))
    found = risk.screen(queries.words_of(transcript, answer.interview.key))
    if found:
        _raise(answer, found)
    return {RISK: Outcome()}


def _raise(answer: Answer, found: Iterable[risk.Finding]) -> None:
    sealed = _sealed(RiskFlag(answer=answer), found)
    _flag, is_new = RiskFlag.objects.get_or_create(answer=answer, defaults={"sealed": sealed})
    if is_new:
        note_access("worker:risk", "flag", answer.subject)


def flag_scale_answer(answer: ScaleAnswer, found: Iterable[risk.Finding], is_worse: bool) -> RiskFlag | None:
    """The flag of an answer to a scale, where it is to be told of: a new one, or one whose answer became worse.

    It stays when the answer is changed back. Acknowledging a milder answer does not answer for a worse one.
    Caller holds the transaction.
    """
    flag = RiskFlag.objects.select_for_update().filter(scale_answer=answer).first()
    if flag and not is_worse:
        return None
    flag = flag or RiskFlag(scale_answer=answer)
    flag.sealed = _sealed(flag, found)
    if not flag.is_open:
        flag.acknowledged_by, flag.acknowledged_at, flag.mailed_at, flag.escalated_at = None, None, None, None
        flag.raised_at = timezone.now()
    flag.save()
    note_access("check:risk", "flag", answer.subject)
    return flag


def _sealed(flag: RiskFlag, found: Iterable[risk.Finding]) -> bytes:
    return flag.interview.key.seal_json([asdict(one) for one in found], queries.flag_name(flag))


@transaction.atomic
def acknowledge(flag: RiskFlag, clinician: User, note: str = "") -> RiskFlag:
    """She has seen it. The first who says so is kept; saying it again changes nothing."""
    flag = RiskFlag.objects.select_for_update().get(pk=flag.pk)
    if flag.is_open:
        flag.acknowledged_by, flag.acknowledged_at = clinician, timezone.now()
        if note.strip():
            flag.sealed_note = flag.interview.key.seal_json(note.strip(), queries.note_name(flag))
        flag.save()
        note_access(clinician, "acknowledge", flag.subject)
    return flag


def tell_people(now: datetime | None = None) -> list[RiskFlag]:
    """Mail what was not mailed yet, and to somebody else what nobody has answered in time; what was told of.

    Nothing a patient said or is called stands in a mail. Mail that cannot be sent is tried again by the next sweep.
    """
    with translation.override(settings.MAIL_LANGUAGE):
        return _tell_people(now or timezone.now())


def _tell_people(now: datetime) -> list[RiskFlag]:
    unanswered = RiskFlag.objects.filter(acknowledged_at=None).with_patients()
    told = [flag for flag in unanswered.filter(mailed_at=None) if _mail_clinician(flag)]
    late = now - timedelta(minutes=settings.RISK_ESCALATE_MINUTES)
    for flag in unanswered.filter(escalated_at=None, raised_at__lte=late):
        if _mail_others(flag):
            told.append(flag)
    return told


def tell_of(flag: RiskFlag) -> bool:
    """Mail one at once, without a worker. Whether it went out; if not, the next sweep tries again."""
    found = RiskFlag.objects.filter(pk=flag.pk, mailed_at=None, acknowledged_at=None).with_patients().first()
    return bool(found and _mail_clinician(found))


def _mail_clinician(flag: RiskFlag) -> bool:
    clinician = flag.interview.patient.clinician
    sent = _mail(
        [clinician.email],
        _("An answer needs you now"),
        _("In an interview of yours words were found that call for a person. Please look at it now:"),
        flag,
    )
    return sent and _set(flag, "mailed_at")


def _mail_others(flag: RiskFlag) -> bool:
    """To the people named for it, or to the clinic's admins: they cannot open the interview, but can reach her."""
    clinician = flag.interview.patient.clinician
    others = settings.RISK_ESCALATION_EMAILS or list(
        User.objects.filter(role=User.Role.ADMIN, is_active=True).values_list("email", flat=True)
    )
    text = _(
        "Words that call for a person were found in an interview of %(clinician)s, and nobody has acknowledged it for "
        "%(minutes)s minutes. Please reach her or her deputy. She finds it here:"
    ) % {"clinician": clinician, "minutes": settings.RISK_ESCALATE_MINUTES}
    sent = _mail(others, _("Nobody has answered an alert"), text, flag)
    return sent and _set(flag, "escalated_at")


def _mail(people: list[str], subject: str, text: str, flag: RiskFlag) -> bool:
    where = reverse("interviews:watch", args=[flag.interview.pk])
    where += f"?answer={flag.answer_id}" if flag.answer_id else "#interview-scales"
    try:
        send_mail(f"Anamnesis: {subject}", f"{text}\n\n{settings.SITE_URL.rstrip('/')}{where}\n", None, people)
    except (OSError, SMTPException):
        logger.warning("The alert about %s could not be mailed; the next sweep tries again.", flag.subject)
        return False
    return bool(people)


def _set(flag: RiskFlag, moment: str) -> bool:
    """Kept only while nobody else did: two sweeps at once mail twice rather than never."""
    return bool(RiskFlag.objects.filter(pk=flag.pk, **{moment: None}).update(**{moment: timezone.now()}))
