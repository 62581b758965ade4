"""From a question set to a patient at the first question: open, invite, accept, revoke."""

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.models import Patient, User
from clinic.services import end_sessions
from interviews.errors import InterviewEnded, InterviewError, InvitationRefused, InvitationUnknown
from interviews.models import Answer, Interview, Invitation, QuestionSet


@transaction.atomic
def open_interview(patient: Patient, question_set: QuestionSet, by: User) -> Interview:
    """An interview with a waiting answer for each question of a published set."""
    questions = list(question_set.questions.all())
    if question_set.state != QuestionSet.State.PUBLISHED or not questions:
        raise InterviewError(_("Only a published question set with questions can be asked."))
    interview = Interview.objects.create(patient=patient, question_set=question_set, created_by=by)
    Answer.objects.bulk_create([Answer(interview=interview, question=question) for question in questions])
    return interview


@transaction.atomic
def invite(interview: Interview, by: User, days: int | None = None) -> tuple[Invitation, str]:
    """A new link and its token, which is shown once and stored nowhere.

    Links made before stop working, and whoever came in by one of them is signed out: perhaps it was not the patient.
    """
    interview = Interview.objects.select_for_update(no_key=True).get(pk=interview.pk)
    if interview.state == Interview.State.FINISHED:
        raise InterviewEnded(_("This interview is finished; it needs no new link."))
    if interview.invitations.filter(revoked_at=None).exclude(used_at=None).exists():
        end_sessions(interview.patient.user)
    interview.invitations.filter(revoked_at=None).update(revoked_at=timezone.now())
    token = secrets.token_urlsafe(32)
    lifetime = timedelta(days=settings.INVITATION_DAYS if days is None else days)
    invitation = Invitation.objects.create(
        interview=interview, token_hash=_hash(token), created_by=by, expires_at=timezone.now() + lifetime
    )
    return invitation, token


def find_invitation(token: str) -> Invitation:
    """The row of a link, in whatever state. Raises InvitationUnknown."""
    rows = Invitation.objects.select_related("interview__patient__user", "interview__patient__clinician")
    invitation = rows.filter(token_hash=_hash(token)).first()
    if invitation is None:
        raise InvitationUnknown(_("This link is not one of ours. Please check that you copied all of it."))
    return invitation


def language_of(token: str) -> str:
    """In which language the interview behind a link is asked; empty where there is none."""
    rows = Invitation.objects.filter(token_hash=_hash(token))
    return rows.values_list("interview__question_set__language", flat=True).first() or ""


@transaction.atomic
def accept_invitation(token: str) -> Interview:
    """Use up the link. Raises InvitationRefused; of two who press at once, the second is refused."""
    invitation = find_invitation(token)
    Invitation.objects.select_for_update().get(pk=invitation.pk)
    invitation.refresh_from_db(fields=["used_at", "revoked_at", "expires_at"])
    must_be_open(invitation)
    invitation.used_at = timezone.now()
    invitation.save(update_fields=["used_at"])
    return invitation.interview


def must_be_open(invitation: Invitation) -> None:
    """Raises InvitationRefused with the reason."""
    if invitation.revoked_at:
        raise InvitationRefused(_("This link was replaced or withdrawn. Please use the newest one you were sent."))
    if invitation.used_at:
        raise InvitationRefused(
            _("This link was already used. You can go on in the browser where you opened it first.")
        )
    if not invitation.is_open:
        day = date_format(timezone.localtime(invitation.expires_at), "DATE_FORMAT")
        raise InvitationRefused(_("This link was valid until %(day)s.") % {"day": day})


def revoke_invitation(invitation: Invitation) -> None:
    """The link stops working at once, and so does the visit that began with it. May run twice."""
    revoked = Invitation.objects.filter(pk=invitation.pk, revoked_at=None).update(revoked_at=timezone.now())
    if revoked and invitation.used_at:
        end_sessions(invitation.interview.patient.user)


@transaction.atomic
def refuse_consent(interview: Interview) -> Interview:
    """The patient read the text and said no. She may change her mind: see agree."""
    interview.refused_at = timezone.now()
    interview.save(update_fields=["refused_at"])
    return interview


def agree(interview: Interview) -> None:
    """The patient agreed after all; her consent itself is the clinic's row."""
    Interview.objects.filter(pk=interview.pk).update(refused_at=None)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
