"""The patient reads in the interview's language from her link on, until she chooses another."""

import hashlib

import pytest
from django.core import mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from clinic.models import Consent
from clinic.services import WORDING, record_consent
from interviews.models import QuestionSet
from interviews.services import invite
from interviews.services.risk import tell_people
from tests.interviews.test_risk_flags import check, hear

ARABIC_WORDINGS = {"care-1": "81cdf36051af96472b7c194482d4bc05fd772a35ee80152c77a07c21a3b27b54"}
ENGLISH = {"Accept-Language": "en-GB,en;q=0.9"}


@pytest.fixture
def link(interview, clinician):
    # A published set may not change in the pages; here its language is all that differs.
    QuestionSet.objects.filter(pk=interview.question_set_id).update(language="ar")
    _invitation, token = invite(interview, by=clinician)
    return reverse("interviews:invitation", args=[token])


def text(response) -> str:
    return response.content.decode()


def test_an_arabic_interview_is_arabic_from_its_link_on_whatever_the_browser_says(client, interview, link):
    first = client.get(link, headers=ENGLISH)
    assert '<html lang="ar" dir="rtl"' in text(first)
    assert first.headers["Content-Language"] == "ar"
    client.post(link, headers=ENGLISH)
    page = client.get(reverse("interviews:consent", args=[interview.pk]), headers=ENGLISH)
    assert '<html lang="ar" dir="rtl"' in text(page)


def test_what_she_chooses_stays(client, interview, link):
    client.get(link, headers=ENGLISH)
    client.post(reverse("set_language"), {"language": "en", "next": link})
    assert '<html lang="en" dir="ltr"' in text(client.get(link, headers=ENGLISH))
    client.post(link)
    assert '<html lang="en" dir="ltr"' in text(client.get(reverse("interviews:consent", args=[interview.pk])))


def test_a_clinician_who_looks_at_the_link_keeps_her_language(client, clinician, link):
    client.force_login(clinician)
    response = client.get(link, headers=ENGLISH)
    assert '<html lang="en"' in text(response)
    assert "django_language" not in response.cookies


def test_a_link_of_nobody_changes_no_language(client, db):
    response = client.get(reverse("interviews:invitation", args=["nonsense"]), headers=ENGLISH)
    assert '<html lang="en"' in text(response)
    assert "django_language" not in response.cookies


def test_the_crisis_text_comes_in_the_language_of_the_page(client, interview, link, settings):
    settings.CRISIS_TEXT, settings.CRISIS_TEXT_AR = "Call 112 now.", "اتصل بالرقم 112 الآن."
    client.get(link)
    client.post(link)
    page = text(client.get(reverse("interviews:consent", args=[interview.pk])))
    assert "اتصل بالرقم 112 الآن." in page
    assert "Call 112 now." not in page


def test_a_day_is_written_the_arabic_way_with_western_digits(client, interview, link):
    consent = record_consent(interview.patient)
    client.force_login(interview.patient.user)
    client.get(link)
    page = text(client.get(reverse("interviews:consent", args=[interview.pk])))
    with translation.override("ar"):
        month = translation.gettext(consent.given_at.strftime("%B"))
    assert f"{consent.given_at.day} {month} {consent.given_at.year}" in page


def test_alerts_are_mailed_in_the_clinics_language(answer, settings):
    settings.MAIL_LANGUAGE = "ar"
    hear(answer)
    check(answer)
    tell_people()
    assert mail.outbox[0].subject == "Anamnesis: إجابة تحتاج إليك الآن"


def test_a_changed_arabic_consent_text_needs_a_new_version_as_the_english_one_does(interview):
    with translation.override("ar"):
        words = render_to_string("interviews/_consent_text.html", {"interview": interview, "crisis_text": "…"})
    digest = hashlib.sha256(" ".join(words.split()).encode()).hexdigest()
    assert ARABIC_WORDINGS[WORDING[Consent.Purpose.CARE]] == digest, "New words need a new version in clinic.services."
