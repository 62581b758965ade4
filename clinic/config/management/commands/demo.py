"""Make a demo clinic to look at: accounts, patients, question sets with their audio, and one open invitation.

May run as often as you like: what is there stays as it is. A link is shown once, when it is made, because only its
hash is kept; --new-link withdraws the demo patient's last one and makes another.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.urls import reverse

from clinic.integrations.speaking import SpeakingError, VoiceMissing, voice_for
from clinic.models import Patient, User
from clinic.services import admit_patient
from interviews.models import Instrument, Interview, QuestionSet
from interviews.queries import not_installed
from interviews.questions import curated_sets
from interviews.scales import OFFICIAL
from interviews.services import choose_instruments, invite, open_interview
from interviews.services.instruments import install as install_instrument
from interviews.services.instruments import publish as publish_instrument
from interviews.services.instruments import speak_items
from interviews.services.questions import install_curated
from interviews.services.speaking import speak_questions

DOMAIN = "@demo.example"
PASSWORD = "anamnesis-demo"  # noqa: S105 — printed, and refused for a site that others can reach
STAFF = (
    ("clinician", User.Role.CLINICIAN, "Dr Salma Amari"),
    ("clinician2", User.Role.CLINICIAN, "Dr Tomas Berg"),
    ("admin", User.Role.ADMIN, "Ada Admin"),
    ("engineer", User.Role.ENGINEER, "Emil Engineer"),
)
PATIENTS = (
    ("clinician", "DEMO-1", "Mina Haddad"),
    ("clinician", "DEMO-2", "Jonas Weber"),
    ("clinician", "DEMO-3", "Layla Nasser"),
    ("clinician2", "DEMO-4", "Peter Novak"),
)
INVITED, ASKED, MEASURED = "DEMO-1", "depressive-episode", "phq-9"


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--force", action="store_true", help="although this clinic has staff of its own")
        parser.add_argument("--password", default="", help="for accounts made now, in place of the known one")
        parser.add_argument("--new-link", action="store_true", help="another invitation link for the demo patient")

    def handle(self, *, force: bool, password: str, new_link: bool, **_: Any) -> None:
        must_be_allowed(force, password)
        staff = self._staff(password or PASSWORD)
        self._patients(staff)
        self._question_sets(staff["admin"])
        self._instruments(staff["admin"])
        self._invitation(staff["clinician"], new_link)

    def _staff(self, password: str) -> dict[str, User]:
        staff = {}
        for account, role, name in STAFF:
            email = account + DOMAIN
            user = User.objects.filter(email=email).first()
            user = user or User.objects.create_user(email, password, role=role, name=name)
            known = f"password {password}" if user.check_password(password) else "the password chosen earlier"
            self.stdout.write(f"{user.get_role_display():<12} {email:<28} {known}")
            staff[account] = user
        return staff

    def _patients(self, staff: dict[str, User]) -> None:
        for account, number, name in PATIENTS:
            if not Patient.objects.filter(clinician=staff[account], record_number=number).exists():
                admit_patient(staff[account], name, number)

    def _question_sets(self, admin: User) -> None:
        for curated in curated_sets():
            install_curated(curated, admin)
        slugs = [curated.slug for curated in curated_sets()]
        published = QuestionSet.objects.filter(disorder__slug__in=slugs, state=QuestionSet.State.PUBLISHED)
        for question_set in published:
            self._speak(question_set)

    def _speak(self, question_set: QuestionSet) -> None:
        questions = list(question_set.questions.all())
        if all(question.audio.name and question.audio.storage.exists(question.audio.name) for question in questions):
            self.stdout.write(f"{question_set}: {len(questions)} questions, spoken already")
            return
        try:
            spoken = speak_questions(question_set, voice=voice_for(question_set.language))
        except VoiceMissing as error:
            self.stdout.write(f"{question_set}: {error}")
        except SpeakingError as error:
            self.stderr.write(f"{question_set}: {error} Its questions are shown as text.")
        else:
            said = ", ".join((*spoken.voices, *spoken.notes))
            self.stdout.write(f"{question_set}: {spoken.made} questions, now spoken by {said}")

    def _instruments(self, admin: User) -> None:
        """Those in their publisher's own words; translations and skeletons wait for somebody who checks them."""
        for definition in not_installed():
            if definition.wording == OFFICIAL:
                made = publish_instrument(install_instrument(definition, admin), admin)
                try:
                    speak_items(made)
                except SpeakingError as error:
                    self.stderr.write(f"{made}: {error} Its items are shown as text.")
                self.stdout.write(f"{made}: {len(definition.items)} items, {definition.licence}")

    @transaction.atomic
    def _invitation(self, clinician: User, new_link: bool) -> None:
        patient = Patient.objects.get(clinician=clinician, record_number=INVITED)
        interview = patient.interviews.first()
        if interview and not new_link:
            self.stdout.write(f"{patient} was invited already; --new-link makes another link.")
            return
        if interview is None or interview.state == Interview.State.FINISHED:
            asked = QuestionSet.objects.get(
                disorder__slug=ASKED, language=patient.language, state=QuestionSet.State.PUBLISHED
            )
            interview = open_interview(patient, asked, clinician)
            scales = Instrument.objects.filter(
                slug=MEASURED, language=patient.language, state=QuestionSet.State.PUBLISHED
            )
            choose_instruments(interview, scales)
        _row, token = invite(interview, clinician)
        link = settings.SITE_URL + reverse("interviews:invitation", args=[token])
        self.stdout.write(f"{patient} is invited to “{interview.question_set}”. Her link, shown only now:\n{link}")


def must_be_allowed(force: bool, password: str) -> None:
    """Raises CommandError where a demo could do harm."""
    own_staff = User.objects.exclude(role=User.Role.PATIENT).exclude(email__endswith=DOMAIN)
    if own_staff.exists() and not force:
        raise CommandError("This clinic has staff of its own: a demo does not belong here. (--force makes it anyway.)")
    if settings.SITE_HOST not in settings.LOCAL_HOSTS and not password:
        raise CommandError(f"{settings.SITE_URL} may be reached by others: give the demo accounts a --password.")
