"""Interviews that ask scales, for tests."""

from __future__ import annotations

from clinic.models import User
from clinic.services import record_consent
from interviews import scales
from interviews.models import Instrument, Interview, Scale
from interviews.services import instruments
from interviews.services.scales import choose_instruments, keep_answer
from tests import factories


def published(slug: str = "phq-9", language: str = "en", by: User | None = None) -> Instrument:
    """A shipped instrument, published."""
    found = Instrument.objects.filter(slug=slug, language=language, state=Instrument.State.PUBLISHED).first()
    if found:
        return found
    by = by or factories.a_user(User.Role.ADMIN)
    definition = next(one for one in scales.shipped() if (one.slug, one.language) == (slug, language))
    return instruments.publish(instruments.install(definition, by), by)


def asked(interview: Interview, slug: str = "phq-9", language: str = "en") -> Scale:
    """This instrument, asked in an interview whose patient has agreed."""
    record_consent(interview.patient)
    return choose_instruments(interview, [published(slug, language)])[0]


def answer_all(scale: Scale, value: int = 1, **others: int | None) -> None:
    """Every item alike, save those named: item_9=0; None leaves one out."""
    for item in scale.instrument.parsed.items:
        keep_answer(scale, item.number, others.get(f"item_{item.number}", value))
