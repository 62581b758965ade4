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
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.jobs import Outcome
from clinic.models import User
from clinic.services import must_not_have_withdrawn, note_access
from interviews import queries, risk
from interviews.errors import NothingToCheck
from interviews.models import Answer, RiskFlag, Transcript
from interviews.stages import RISK

logger = logging.getLogger(__name__)


def check_risk(answer: Answer, _on_progress: Callable[[str, float], None]) -> dict[str, Outcome]:
    """Screen what was said. A flag that was raised once stays, whatever a second transcript says.

    Raises ConsentMissing, NothingToCheck.
    """
    must_not_have_withdrawn(answer.interview.patient)
    transcript = Transcript.objects.filter(answer=answer).first()
    if transcript is None:
        raise NothingToCheck("There is no transcript, so nobody checked what was said: listen to this answer.")
    found = risk.screen(queries.words_of(transcript, answer.interview.key))
    if found:
        _raise(answer, found)
    return {RISK: Outcome()}


def _raise(answer: Answer, found: Iterable[risk.Finding]) -> None:
    sealed = answer.interview.key.seal_json([asdict(one) for one in found], queries.flag_name(answer.pk))
    _flag, is_new = RiskFlag.objects.get_or_create(answer=answer, defaults={"sealed": sealed})
    if is_new:
        note_access("worker:risk", "flag", answer.subject)


@transaction.atomic
def acknowledge(flag: RiskFlag, clinician: User, note: str = "") -> RiskFlag:
    """She has seen it. The first who says so is kept; saying it again changes nothing."""
    flag = RiskFlag.objects.select_for_update().select_related("answer__interview").get(pk=flag.pk)
    if flag.is_open:
        flag.acknowledged_by, flag.acknowledged_at = clinician, timezone.now()
        if note.strip():
            flag.sealed_note = flag.answer.interview.key.seal_json(note.strip(), queries.note_name(flag.answer_id))
        flag.save()
        note_access(clinician, "acknowledge", flag.answer.subject)
    return flag


def tell_people(now: datetime | None = None) -> list[RiskFlag]:
    """Mail what was not mailed yet, and to somebody else what nobody has answered in time; what was told of.

    Nothing a patient said or is called stands in a mail. Mail that cannot be sent is tried again by the next sweep.
    """
    now = now or timezone.now()
    unanswered = RiskFlag.objects.filter(acknowledged_at=None).select_related("answer__interview__patient__clinician")
    told = [flag for flag in unanswered.filter(mailed_at=None) if _mail_clinician(flag)]
    late = now - timedelta(minutes=settings.RISK_ESCALATE_MINUTES)
    for flag in unanswered.filter(escalated_at=None, raised_at__lte=late):
        if _mail_others(flag):
            told.append(flag)
    return told


def _mail_clinician(flag: RiskFlag) -> bool:
    clinician = flag.answer.interview.patient.clinician
    sent = _mail(
        [clinician.email],
        _("An answer needs you now"),
        _("In an interview of yours words were found that call for a person. Please look at it now:"),
        flag,
    )
    return sent and _set(flag, "mailed_at")


def _mail_others(flag: RiskFlag) -> bool:
    """To the people named for it, or to the clinic's admins: they cannot open the interview, but can reach her."""
    clinician = flag.answer.interview.patient.clinician
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
    interview = flag.answer.interview
    where = f"{reverse('interviews:watch', args=[interview.pk])}?answer={flag.answer_id}"
    try:
        send_mail(f"Anamnesis: {subject}", f"{text}\n\n{settings.SITE_URL.rstrip('/')}{where}\n", None, people)
    except (OSError, SMTPException):
        logger.warning("The alert about %s could not be mailed; the next sweep tries again.", flag.answer.subject)
        return False
    return bool(people)


def _set(flag: RiskFlag, moment: str) -> bool:
    """Kept only while nobody else did: two sweeps at once mail twice rather than never."""
    return bool(RiskFlag.objects.filter(pk=flag.pk, **{moment: None}).update(**{moment: timezone.now()}))
