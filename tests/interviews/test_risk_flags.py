"""Words that call for a person, from the transcript to somebody who has seen them."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from clinic.errors import ConsentMissing
from clinic.models import AuditEntry, Job
from clinic.services import record_consent, withdraw_consent
from interviews import queries, services, tasks
from interviews.errors import NothingToCheck
from interviews.models import RiskFlag, Transcript
from interviews.services import risk
from interviews.stages import RISK
from tests.interviews import scenes

WORDS = "At night I want to die and then it passes"


def hear(answer, text: str = WORDS) -> None:
    said = {"text": text, "words": queries.words_as_json(scenes.words_of(text))}
    sealed = answer.interview.key.seal_json(said, queries.transcript_name(answer.pk))
    Transcript.objects.update_or_create(answer=answer, defaults={"sealed": sealed, "engine": "made", "language": "en"})


def check(answer):
    return risk.check_risk(answer, lambda stage, share: None)


@pytest.fixture
def flag(answer) -> RiskFlag:
    hear(answer)
    check(answer)
    return answer.risk_flag


@pytest.fixture
def signed_in(client, clinician):
    client.force_login(clinician)
    return client


def late() -> object:
    return timezone.now() + timedelta(minutes=31)


def test_words_that_call_for_a_person_raise_a_flag_and_are_sealed(answer, flag):
    alert = queries.alert(answer.interview, answer.pk)
    assert [(one.kind, one.words) for one in alert.findings] == [("self", "want to die")]
    assert b"want" not in bytes(flag.sealed)
    assert AuditEntry.objects.filter(verb="flag", subject=answer.subject).count() == 1


def test_everyday_words_raise_none(answer):
    hear(answer, "I sleep badly and wake up at four")
    assert check(answer)[RISK].reason == ""
    assert not RiskFlag.objects.exists()


def test_a_flag_stays_when_a_second_transcript_has_lost_the_words(answer, flag):
    hear(answer, "At night I want to dye my hair")
    check(answer)
    assert RiskFlag.objects.get().sealed == flag.sealed


def test_without_a_transcript_somebody_is_told_to_listen(answer):
    with pytest.raises(NothingToCheck, match="listen to this answer"):
        check(answer)


def test_nothing_is_checked_after_consent_was_withdrawn(answer):
    hear(answer)
    record_consent(answer.interview.patient)
    withdraw_consent(answer.interview.patient)
    with pytest.raises(ConsentMissing):
        check(answer)


def test_her_clinician_is_mailed_once_and_no_mail_names_or_quotes_anybody(flag, clinician, answer):
    assert risk.tell_people() == [flag]
    assert risk.tell_people() == []
    [sent] = mail.outbox
    assert sent.to == [clinician.email]
    text = sent.subject + sent.body
    assert f"/interviews/{answer.interview_id}/?answer={answer.pk}" in text
    assert "die" not in text
    assert answer.interview.patient.name not in text


def test_when_nobody_answers_in_time_the_admins_are_told(flag, clinician, admin):
    risk.tell_people()
    assert risk.tell_people(timezone.now() + timedelta(minutes=29)) == []
    assert risk.tell_people(late()) == [flag]
    assert risk.tell_people(late()) == []
    assert mail.outbox[-1].to == [admin.email]
    assert str(clinician) in mail.outbox[-1].body


def test_others_may_be_named_for_it(flag, settings):
    settings.RISK_ESCALATION_EMAILS = ["duty@clinic.example"]
    risk.tell_people(late())
    assert mail.outbox[-1].to == ["duty@clinic.example"]


def test_what_was_acknowledged_is_told_to_nobody_else(flag, clinician):
    services.acknowledge(flag, clinician, "  Called her; her sister is with her.  ")
    assert risk.tell_people(late()) == []
    alert = queries.alert(flag.answer.interview, flag.answer_id)
    assert (alert.is_open, alert.note) == (False, "Called her; her sister is with her.")
    assert b"sister" not in bytes(RiskFlag.objects.get().sealed_note)
    assert AuditEntry.objects.filter(verb="acknowledge").count() == 1


def test_the_first_who_acknowledged_is_kept(flag, clinician, stranger):
    first = services.acknowledge(flag, clinician, "mine")
    second = services.acknowledge(flag, stranger, "not mine")
    assert (second.acknowledged_by, second.sealed_note) == (clinician, first.sealed_note)


def test_mail_that_cannot_be_sent_is_tried_again(flag, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 9, 1
    assert risk.tell_people() == []
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert risk.tell_people() == [flag]


def test_the_task_checks_tells_and_ends_its_row(answer):
    hear(answer)
    scenes.set_stages(answer.subject, ["join", "transcribe"], Job.State.DONE)
    scenes.set_stages(answer.subject, [RISK], Job.State.WAITING, percent=0)
    tasks.check_risk(answer.pk)
    assert Job.objects.get(subject=answer.subject, stage=RISK).state == Job.State.DONE
    assert len(mail.outbox) == 1


# --- What her clinician sees ---


def test_today_puts_it_first_and_the_list_and_the_answer_show_it(signed_in, flag, answer):
    today = signed_in.get("/").content.decode()
    assert today.index("Needs you now") < today.index("To review")
    assert "needs a person" in signed_in.get("/interviews/").content.decode()
    page = signed_in.get(f"/interviews/{answer.interview_id}/?answer={answer.pk}").content.decode()
    assert "Words in this answer call for a person" in page
    assert '<q dir="auto">want to die</q>' in page
    assert signed_in.get(f"/interviews/{answer.interview_id}/state/").json()["answers"][0]["risk"] == "open"


def test_she_says_that_she_has_seen_it(signed_in, flag, answer, clinician):
    said = signed_in.post(f"/answers/{answer.pk}/acknowledge/", {"note": "Called her."})
    assert said.url == f"/interviews/{answer.interview_id}/?answer={answer.pk}"
    page = signed_in.get(said.url).content.decode()
    assert f"Seen by {clinician}" in page
    assert "Called her." in page
    assert "Needs you now" not in signed_in.get("/").content.decode()


def test_another_clinician_cannot(client, flag, answer, stranger):
    client.force_login(stranger)
    assert client.post(f"/answers/{answer.pk}/acknowledge/").status_code == 404
    assert client.get("/").content.decode().count("Needs you now") == 0
    assert RiskFlag.objects.get().is_open


def test_an_answer_without_a_flag_has_nothing_to_acknowledge(signed_in, answer):
    assert signed_in.post(f"/answers/{answer.pk}/acknowledge/").status_code == 404
