"""Answers to scales: kept at once, sealed, changed until the end, and told of where they call for a person."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from clinic import vault
from clinic.errors import ConsentMissing
from clinic.models import AuditEntry
from clinic.services import withdraw_consent
from interviews import queries, services
from interviews.errors import InstrumentRefused, InterviewEnded
from interviews.models import Instrument, Interview, RiskFlag, ScaleAnswer
from interviews.services import risk
from interviews.services.scales import choose_instruments, keep_answer
from tests import factories
from tests.interviews import asking


@pytest.fixture
def scale(interview):
    return asking.asked(interview)


def result(scale) -> queries.ScaleResult:
    return queries.scale_results(scale.interview)[0]


def test_answers_are_sealed_with_the_interviews_key_and_read_as_a_result(scale):
    asking.answer_all(scale, 1, item_9=0)
    told = result(scale)
    assert (told.instrument, told.version, told.score, told.most, told.band) == ("PHQ-9", "en v1", 8, 27, "mild")
    assert [item.value for item in told.item_scores] == [1] * 8 + [0, 1]
    assert told.item_scores[0].label == "Several days"
    assert "Pfizer" in told.licence
    assert told.answered_at is not None
    assert all(b"value" not in bytes(row.sealed) for row in ScaleAnswer.objects.all())


def test_an_answer_changes_until_the_interview_is_finished(scale):
    keep_answer(scale, 1, 1)
    keep_answer(scale, 1, 3)
    assert result(scale).item_scores[0].value == 3
    services.finish(scale.interview)
    with pytest.raises(InterviewEnded):
        keep_answer(scale, 1, 0)
    assert result(scale).item_scores[0].value == 3
    assert result(scale).is_finished


def test_an_item_left_out_stays_without_a_value_and_there_is_no_total(scale):
    asking.answer_all(scale, 1, item_4=None)
    told = result(scale)
    assert (told.score, told.band, told.missing, told.given) == (None, "", (4,), 9)


def test_the_first_answer_begins_the_interview(scale):
    keep_answer(scale, 1, 0)
    scale.interview.refresh_from_db()
    scale.refresh_from_db()
    assert scale.interview.state == Interview.State.STARTED
    assert scale.started_at


@pytest.mark.parametrize(("number", "value"), [(1, 4), (1, -1), (11, 0)])
def test_what_is_no_answer_is_refused(scale, number, value):
    with pytest.raises(InstrumentRefused):
        keep_answer(scale, number, value)
    assert not ScaleAnswer.objects.exists()


def test_without_consent_nothing_is_kept(scale):
    withdraw_consent(scale.interview.patient)
    with pytest.raises(ConsentMissing):
        keep_answer(scale, 1, 1)


def test_only_a_published_instrument_is_asked(interview):
    instrument = asking.published()
    Instrument.objects.update(state=Instrument.State.RETIRED)
    instrument.refresh_from_db()
    with pytest.raises(InstrumentRefused):
        choose_instruments(interview, [instrument])


def test_erasing_the_interviews_key_erases_the_answers(scale):
    asking.answer_all(scale)
    Interview.objects.update(wrapped_key=b"")
    with pytest.raises(vault.KeyErased):
        queries.scale_results(Interview.objects.get())


def test_results_cost_the_same_however_many_scales_and_answers(interview, django_assert_num_queries):
    for slug in ("phq-9", "gad-7", "pcl-5"):
        asking.answer_all(asking.asked(interview, slug))
    with django_assert_num_queries(3):
        assert [told.score for told in queries.scale_results(interview)] == [9, 7, 20]


# --- The ninth item ---


@pytest.fixture
def no_outside(monkeypatch):
    """No model, no speech, no queue: whatever reaches for one fails."""

    def away(*_arguments, **_options):
        raise AssertionError("this must work without it")

    for name in (
        "clinic.integrations.language.language_model",
        "clinic.integrations.hearing.hearing_for",
        "celery.app.task.Task.apply_async",
    ):
        monkeypatch.setattr(name, away)


@pytest.mark.parametrize("value", [1, 2, 3])
def test_item_nine_above_nought_calls_a_person_at_once_with_workers_and_models_down(
    scale, value, no_outside, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        keep_answer(scale, 9, value)
    flag = RiskFlag.objects.get()
    assert (flag.is_open, flag.interview) == (True, scale.interview)
    [sent] = mail.outbox
    assert sent.to == [scale.interview.patient.clinician.email]
    assert f"/interviews/{scale.interview_id}/#interview-scales" in sent.body
    assert scale.interview.patient.name not in sent.subject + sent.body
    assert queries.progress(scale.interview).needs_person
    assert queries.open_flags(scale.interview.patient.clinician_id) == [flag]
    item = result(scale).item_scores[8]
    assert [(one.kind, one.words) for one in item.alert.findings] == [("self", item.label)]
    assert AuditEntry.objects.filter(verb="flag").count() == 1


@pytest.mark.parametrize(("number", "value"), [(9, 0), (9, None), (2, 3)])
def test_other_answers_call_nobody(scale, number, value):
    keep_answer(scale, number, value)
    assert not RiskFlag.objects.exists()


def test_the_flag_stays_when_the_answer_is_taken_back(scale):
    keep_answer(scale, 9, 2)
    keep_answer(scale, 9, 0)
    keep_answer(scale, 9, None)
    keep_answer(scale, 9, 1)
    item = result(scale).item_scores[8]
    assert item.value == 1
    assert [one.words for one in item.alert.findings] == ["More than half the days"]


def test_a_worse_answer_calls_again_although_the_milder_one_was_seen(
    scale, clinician, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        keep_answer(scale, 9, 1)
    services.acknowledge(RiskFlag.objects.get(), clinician, "Called her.")
    assert not queries.progress(scale.interview).needs_person
    with django_capture_on_commit_callbacks(execute=True):
        keep_answer(scale, 9, 1)
    assert len(mail.outbox) == 1
    with django_capture_on_commit_callbacks(execute=True):
        keep_answer(scale, 9, 3)
    assert RiskFlag.objects.get().is_open
    assert len(mail.outbox) == 2


def test_when_nobody_answers_it_escalates_as_for_phrases(scale, admin):
    keep_answer(scale, 9, 1)
    risk.tell_people(timezone.now() + timedelta(minutes=31))
    assert set(mail.outbox[-1].to) >= {admin.email}


def test_mail_that_cannot_be_sent_is_tried_again_by_the_sweep(scale, settings, django_capture_on_commit_callbacks):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 9, 1
    with django_capture_on_commit_callbacks(execute=True):
        keep_answer(scale, 9, 1)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert risk.tell_people() == [RiskFlag.objects.get()]


def test_a_stranger_has_no_alert_of_it(scale, stranger):
    keep_answer(scale, 9, 1)
    assert queries.open_flags(stranger.pk) == []
    assert not queries.progress(factories.an_interview()).needs_person
