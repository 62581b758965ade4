"""The report's verbs on real rows, with and without a language model that speaks Ollama's protocol."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from clinic import jobs, vault
from clinic.integrations.language import InvalidReply, NotReachable, OllamaModel
from clinic.models import AuditEntry, Consent, Job
from clinic.services import record_consent, withdraw_consent
from interviews.stages import REPORT
from reports import services, tasks
from reports.drafting import Watcher
from reports.errors import AlreadySigned, ChangedMeanwhile, NothingToReport, ReportError
from reports.models import Report, ReportVersion
from reports.queries import history, latest, text_of
from reports.shapes import AnswerNotes
from tests.fakes import ScriptedModel
from tests.ollama_server import DIGEST, serving
from tests.reports.cases import answered, finished
from tests.reports.scripts import BAD, GOOD, SAID, SEEN, as_replies, writing


@pytest.fixture
def ended(interview):
    answered(interview.answers.first(), SAID, SEEN)
    return finished(interview)


@pytest.fixture
def report(ended):
    return services.draft(ended, None).report


# --- Without a model ---


def test_a_report_is_composed_where_there_is_no_model(ended):
    version = services.draft(ended, None)
    assert (version.number, version.engine, version.written_by) == (1, "composed", None)
    text = text_of(version)
    assert "No language model wrote any of this report" in text
    assert "“It has been hard but my sister visits me”" in text
    assert "Patient: Mina Haddad" in text


def test_the_text_is_sealed_with_the_interviews_own_key(report, ended):
    version = latest(report)
    assert b"sister" not in bytes(version.sealed)
    ended.wrapped_key = b""
    ended.save()
    with pytest.raises(vault.KeyErased):
        text_of(ReportVersion.objects.get(pk=version.pk))


def test_drafting_twice_makes_one_version(ended):
    assert services.draft(ended, None) == services.draft(ended, None)
    assert ReportVersion.objects.count() == 1


def test_evidence_that_changed_makes_another_version(ended):
    services.draft(ended, None)
    answered(ended.answers.last(), "Walking helps me a lot")
    assert services.draft(ended, None).number == 2


def test_nothing_answered_is_nothing_to_report(interview):
    with pytest.raises(NothingToReport, match="No question was answered"):
        services.draft(finished(interview), None)


def test_drafting_costs_no_more_queries_for_more_answers(ended):
    with CaptureQueriesContext(connection) as few:
        services.draft(ended, None)
    answered(ended.answers.last(), "Walking helps me", SEEN)
    Report.objects.all().delete()
    with CaptureQueriesContext(connection) as more:
        services.draft(ended, None)
    assert len(more) == len(few)


# --- With a model ---


def test_a_models_sentences_stand_with_their_anchors_and_the_model_is_named(ended):
    version = services.draft(ended, ScriptedModel(writing(GOOD, conclusion=GOOD)))
    text = text_of(version)
    line = "- The patient speaks about a sister. “my sister visits me” [0:05](#answer-1@5.5)"
    short, ending = text.index("**Answer in short (drafted):**"), text.index("## Conclusion")
    assert text.index(line) > short
    assert text.index(line, ending) < text.index("## For the clinician")
    assert (version.engine, version.engine_digest, version.prompt_version) == ("scripted", "d" * 64, "report-2")
    assert "written by the language model scripted (digest dddddddddddd, prompt report-2)" in text
    assert version.trouble == ""


def test_sentences_without_evidence_are_struck_and_counted(ended):
    text = text_of(services.draft(ended, ScriptedModel(writing(GOOD, BAD, BAD))))
    assert "brother" not in text
    assert "2 of its sentences were struck (points at words that are not there: 2)." in text


def test_when_nothing_the_model_wrote_stands_the_report_is_composed_and_says_why(ended):
    nothing = AnswerNotes(answer_summary=[BAD], expression=[], analysis=[])
    version = services.draft(ended, ScriptedModel(nothing))
    assert (version.engine, version.trouble) == ("composed", "nothing stands")
    assert "none of its 1 sentences pointed at the evidence" in text_of(version)


def test_when_the_model_fails_the_report_is_composed_and_says_why(ended):
    version = services.draft(ended, ScriptedModel(NotReachable("Ollama did not answer in time.")))
    assert (version.engine, version.trouble) == ("composed", "down")
    assert "*Ollama did not answer in time.*" in text_of(version)


def test_a_reply_that_cannot_be_used_costs_its_own_answers_sentences_only(ended):
    answered(ended.answers.last(), "Walking helps me a lot")
    write = writing(GOOD)

    def answer(shape, prompt):
        if "Walking" in prompt:
            raise InvalidReply("The form was wrong.")
        return write(shape, prompt)

    version = services.draft(ended, ScriptedModel(answer))
    assert (version.engine, version.trouble) == ("scripted", "invalid")
    assert "The patient speaks about a sister." in text_of(version)
    assert "1 of its replies could not be used: The form was wrong." in text_of(version)


def test_the_model_is_told_words_measurements_and_results_but_no_name(ended):
    model = ScriptedModel(writing(GOOD))
    services.draft(ended, model)
    (system, prompt), (_conclusion, second) = model.asked
    assert "but my sister visits" in prompt
    assert "the face reading leans to sad" in prompt
    assert "The patient speaks about a sister." in second
    assert "hard" not in second  # a conclusion is drawn from what stood, not from a patient's words
    assert "Haddad" not in system + prompt + second


def test_over_ollamas_own_protocol_a_report_is_drafted(ended):
    with serving(as_replies(writing(GOOD, BAD, conclusion=GOOD))) as server:
        version = services.draft(ended, OllamaModel(server.url, "llama3.2:3b", 30.0))
    assert version.engine == "ollama llama3.2:3b"
    assert version.engine_digest == DIGEST
    assert server.asked[0]["format"] == AnswerNotes.model_json_schema()
    assert "## Conclusion" in text_of(version)
    assert "**Answer in short (drafted):**" in text_of(version)


@pytest.mark.parametrize(
    ("reply", "trouble"),
    [("", "empty"), ('{"answer_summary": [', "cut off"), (json.dumps({"answer_summary": "I obey"}), "invalid")],
)
def test_over_ollamas_own_protocol_a_bad_reply_ends_in_a_composed_report(ended, reply, trouble):
    with serving(reply) as server:
        version = services.draft(ended, OllamaModel(server.url, "llama3.2:3b", 30.0))
    assert len(server.asked) == 2
    assert (version.engine, version.trouble) == ("composed", trouble)
    assert "language model llama3.2:3b" in text_of(version)


def test_a_server_that_goes_away_in_the_middle_leaves_a_composed_report(ended):
    with serving(as_replies(writing(GOOD)), manner="break") as server:
        version = services.draft(ended, OllamaModel(server.url, "llama3.2:3b", 30.0))
    assert (version.engine, version.trouble) == ("composed", "broke off")


@pytest.mark.model
@pytest.mark.timeout(900)  # seconds: a very busy machine writes four tokens in one
def test_a_real_model_over_ollamas_own_protocol_ends_in_a_whole_report(ended, small_model):
    """Structure only: what so small a model writes means nothing, and nearly all of it is struck."""
    model = OllamaModel(small_model.url, small_model.name, 300.0)
    shares, grown = [], []
    version = services.draft(ended, model, Watcher(shares.append, grown.append))
    text = text_of(version)
    assert version.engine in ("ollama smollm2:135m", "composed")
    assert "smollm2:135m" in text  # as who wrote, or as who was asked and why not
    for title in ("## Question 1", "## Question 2", "## For the clinician", "## Limits"):
        assert title in text
    assert grown
    assert shares == sorted(shares)
    drafted = [line for block in text.split("(drafted):**\n\n")[1:] for line in block.split("\n\n")[0].splitlines()]
    assert all("](#answer-1@" in line for line in drafted)  # what points at nothing was struck
    assert bool(drafted) == (version.engine != "composed")


def test_a_report_is_written_in_the_interviews_language(ended, monkeypatch):
    ended.question_set.language, spoken = "ar", []
    monkeypatch.setattr(services, "compose", lambda *parts: spoken.append(translation.get_language()) or "نص")
    model = ScriptedModel(writing(GOOD.model_copy(update={"text": "تتحدث المريضة عن أختها."})))
    services.draft(ended, model)
    assert spoken == ["ar"]
    assert "القواعد" in model.asked[0][0]


# --- A person's hand ---


def test_a_revision_is_a_new_version_by_name_and_the_old_one_stays(report, clinician):
    version = services.revise(report, "# Mine\r\n\nMy words.", clinician, seen=1)
    assert (version.number, version.written_by) == (2, clinician)
    assert text_of(version) == "# Mine\n\nMy words.\n"
    assert "Interview report" in text_of(history(report)[-1])


def test_saving_the_same_text_makes_no_version(report, clinician):
    assert services.revise(report, text_of(latest(report)), clinician, seen=1).number == 1


def test_a_revision_of_a_version_that_is_no_longer_the_newest_is_refused(report, clinician):
    services.revise(report, "Mine.", clinician, seen=1)
    with pytest.raises(ChangedMeanwhile, match="Another version was saved"):
        services.revise(report, "Also mine.", clinician, seen=1)
    assert text_of(latest(report)) == "Mine.\n"


@pytest.mark.parametrize("text", ["", " \n ", "x" * 200_001])
def test_an_empty_or_endless_report_is_refused(report, clinician, text):
    with pytest.raises(ReportError, match=r"cannot be empty|characters at most"):
        services.revise(report, text, clinician, seen=1)


def test_a_draft_never_replaces_what_a_person_wrote(report, ended, clinician):
    mine = services.revise(report, "Mine.", clinician, seen=1)
    answered(ended.answers.last(), "Walking helps me")
    assert services.draft(ended, None) == mine


def test_a_signed_report_never_changes(report, ended, clinician):
    signed = services.sign(report, clinician, seen=1)
    assert (signed.state, signed.signed_by) == ("signed", clinician)
    with pytest.raises(AlreadySigned):
        services.revise(report, "Other words.", clinician, seen=1)
    with pytest.raises(AlreadySigned):
        services.sign(report, clinician, seen=1)
    answered(ended.answers.last(), "Walking helps me")
    services.draft(ended, None)
    assert ReportVersion.objects.count() == 1


def test_only_the_version_that_was_seen_can_be_signed(report, clinician):
    services.revise(report, "Mine.", clinician, seen=1)
    with pytest.raises(ChangedMeanwhile):
        services.sign(report, clinician, seen=1)


def test_an_export_says_whether_it_is_signed(report, clinician):
    assert services.export(report, clinician).endswith("Draft: not signed by anybody.\n")
    signed = services.sign(report, clinician, seen=1)
    assert "Signed by Dr Amari, 20" in services.export(signed, clinician)


def test_reading_changing_signing_and_taking_away_are_noted(report, clinician):
    services.revise(report, "Mine.", clinician, seen=1)
    services.export(services.sign(report, clinician, seen=2), clinician)
    noted = AuditEntry.objects.filter(subject=f"interview:{report.interview_id}").values_list("actor", "verb")
    me = f"user:{clinician.pk}"
    assert list(noted) == [("worker:report", "read"), (me, "revise"), (me, "sign"), (me, "export")]


# --- The task ---


def job_of(interview) -> Job:
    return Job.objects.get(subject=interview.subject, stage=REPORT)


def test_the_task_drafts_and_ends_its_job(ended):
    tasks.draft_report(ended.pk)
    assert (job_of(ended).state, job_of(ended).percent) == ("done", 100)
    assert ReportVersion.objects.count() == 1


def test_the_task_may_be_delivered_twice(ended):
    tasks.draft_report(ended.pk)
    tasks.draft_report(ended.pk)
    assert ReportVersion.objects.count() == 1
    assert job_of(ended).attempts == 1


def test_the_task_leaves_work_that_somebody_alive_holds(ended):
    jobs.open_jobs(ended.subject, [REPORT])
    jobs.claim(ended.subject, REPORT, "another worker")
    tasks.draft_report(ended.pk)
    assert job_of(ended).state == "running"
    assert not Report.objects.exists()


def test_work_of_a_dead_worker_is_taken_over(ended):
    jobs.open_jobs(ended.subject, [REPORT])
    jobs.claim(ended.subject, REPORT, "a dead worker")
    Job.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    tasks.draft_report(ended.pk)
    assert (job_of(ended).state, job_of(ended).attempts) == ("done", 2)


def test_nothing_to_report_is_a_failed_job_with_a_sentence(interview):
    tasks.draft_report(finished(interview).pk)
    assert job_of(interview).state == "failed"
    assert job_of(interview).reason == "No question was answered, so there is nothing to report."


def test_an_erased_interview_is_a_failed_job_with_a_sentence(ended):
    ended.wrapped_key = b""
    ended.save()
    tasks.draft_report(ended.pk)
    assert "erased" in job_of(ended).reason


def test_after_consent_was_withdrawn_no_report_is_drafted(ended):
    record_consent(ended.patient)
    withdraw_consent(ended.patient)
    tasks.draft_report(ended.pk)
    assert (job_of(ended).state, Report.objects.count()) == ("failed", 0)
    assert "withdrew consent" in job_of(ended).reason


def test_an_agreement_to_an_older_text_still_covers_what_was_given_under_it(ended):
    Consent.objects.create(patient=ended.patient, purpose="care", wording="care-0")
    tasks.draft_report(ended.pk)
    assert job_of(ended).state == "done"


def test_an_interview_that_is_gone_is_nothing_to_do(db):
    tasks.draft_report(12345)
    assert not Job.objects.exists()


def test_the_model_in_the_settings_is_asked(ended, settings):
    with serving(as_replies(writing(GOOD))) as server:
        settings.OLLAMA_HOST, settings.OLLAMA_MODEL = server.url, "llama3.2:3b"
        tasks.draft_report(ended.pk)
    assert latest(Report.objects.get()).engine == "ollama llama3.2:3b"
    assert job_of(ended).state == "done"
