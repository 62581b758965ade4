"""Verbs about people, what they agreed to, and who looked at what."""

import uuid
from datetime import timedelta

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit
from clinic.errors import ConsentMissing
from clinic.models import AuditEntry, Consent, Patient, User

# The version of the text in templates/interviews/_consent_text.html; a new text needs a new version here.
WORDING = {Consent.Purpose.CARE: "care-1"}


@transaction.atomic
def record_consent(patient: Patient, purpose: Consent.Purpose = Consent.Purpose.CARE) -> Consent:
    """The patient's standing agreement to today's wording. May run twice; an agreement to an older text is replaced."""
    Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
    standing = standing_consent(patient, purpose)
    if standing:
        return standing
    withdraw_consent(patient, purpose)
    return Consent.objects.create(patient=patient, purpose=purpose, wording=WORDING[purpose])


def withdraw_consent(patient: Patient, purpose: Consent.Purpose = Consent.Purpose.CARE) -> None:
    """From now on nothing more may be recorded. May run twice; the row stays, because it did happen."""
    Consent.objects.filter(patient=patient, purpose=purpose, withdrawn_at=None).update(withdrawn_at=timezone.now())


def standing_consent(patient: Patient, purpose: Consent.Purpose = Consent.Purpose.CARE) -> Consent | None:
    """The agreement in force; None when there is none, or when the text has changed since."""
    return patient.consents.filter(purpose=purpose, withdrawn_at=None, wording=WORDING[purpose]).first()


def must_consent(patient: Patient, purpose: Consent.Purpose = Consent.Purpose.CARE) -> Consent:
    """Raises ConsentMissing."""
    standing = standing_consent(patient, purpose)
    if standing is None:
        raise ConsentMissing(_("Nothing is recorded without your consent, and there is none at the moment."))
    return standing


def must_not_have_withdrawn(patient: Patient, purpose: Consent.Purpose = Consent.Purpose.CARE) -> None:
    """For work on what was given: an agreement to an older text still covers it, a withdrawn one does not.

    Raises ConsentMissing.
    """
    given = patient.consents.filter(purpose=purpose)
    if given.exists() and not given.filter(withdrawn_at=None).exists():
        raise ConsentMissing(_("The patient withdrew consent, so nothing more is done with what was recorded."))


@transaction.atomic
def admit_patient(clinician: User, name: str, record_number: str = "", language: str = "en") -> Patient:
    """Somebody new in the clinician's caseload. She signs in by invitation only: no password, no address of hers."""
    user = User.objects.create_user(
        f"{uuid.uuid4().hex}@patient.invalid", password=None, role=User.Role.PATIENT, name=name
    )
    return Patient.objects.create(
        user=user, clinician=clinician, name=name, record_number=record_number, language=language
    )


@transaction.atomic
def amend_patient(patient: Patient, name: str, record_number: str, language: str) -> Patient:
    """Another name, number or language; the row she signs in with bears her name too."""
    patient.name, patient.record_number, patient.language = name, record_number, language
    patient.save(update_fields=["name", "record_number", "language"])
    User.objects.filter(pk=patient.user_id).update(name=name)
    return patient


def end_sessions(user: User) -> None:
    """Signed out wherever she is signed in: what every session is tied to is drawn anew. For people without a password.

    May run twice.
    """
    user.set_unusable_password()
    user.save(update_fields=["password"])


def note_access(actor: User | str, verb: str, subject: str) -> AuditEntry:
    """One entry at the end of the audit log. A worker names itself: "worker:transcribe".

    Entries are written one after the other, whoever writes: each carries the digest of the one before.
    """
    who = f"user:{actor.pk}" if isinstance(actor, User) else actor
    try:
        return _append(who, verb, subject)
    except IntegrityError:
        # Two began the log at the same moment: only then is there no first row to wait for.
        return _append(who, verb, subject)


def note_access_once(actor: User | str, verb: str, subject: str, within: timedelta) -> None:
    """The same, but not again within this time: a player asks for its video in dozens of pieces."""
    who = f"user:{actor.pk}" if isinstance(actor, User) else actor
    name = f"noted:{who}:{verb}:{subject}"
    if cache.get(name) is None:
        # Written before it is remembered: a second entry does no harm, a missing one does.
        note_access(actor, verb, subject)
        cache.set(name, True, within.total_seconds())


@transaction.atomic
def _append(who: str, verb: str, subject: str) -> AuditEntry:
    # The first row is the lock that all writers share.
    AuditEntry.objects.select_for_update().order_by("pk").first()
    last = AuditEntry.objects.order_by("pk").last()
    entry = AuditEntry(
        at=timezone.now(), actor=who, verb=verb, subject=subject, previous=last.digest if last else audit.BEGINNING
    )
    entry.digest = audit.digest(entry)
    entry.save()
    return entry
