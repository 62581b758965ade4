"""The study asks, keeps what failed, stops, goes on, and is graded blind."""

import json

import pytest

from clinic import jobs
from clinic.integrations.language import BadReply, NotReachable
from clinic.models import Job
from reports.study import asking, queries, services, tasks
from reports.study.errors import Interrupted, NoModel, StillAtWork, StudyError
from reports.study.queries import ASK, JUDGE
from reports.study.rows import Study, StudyReply, StudyVerdict
from reports.study.statistics import Arm, Verdict
from tests.reports.study_cases import Reader, a_study, answered, grade_all, some_cases, states

pytestmark = pytest.mark.django_db


def quietly(done: int, everything: int) -> None:
    pass


@pytest.fixture
def study(engineer) -> Study:
    return a_study(engineer)


def test_each_case_is_sent_twice_and_only_the_labels_differ(study):
    reader = Reader()
    assert services.ask_all(study, reader, quietly).is_all
    without, with_labels = (one["prompt"] for one in reader.asked[:2])
    assert "emotions" not in without
    assert json.loads(with_labels.split("\n", 1)[1].rsplit("\n", 1)[0])[0]["emotions"] == ["fearful"]
    assert "Panic" not in without + with_labels  # the right answer is in neither
    assert [reply.diagnosis for reply in study.replies.all()[:2]] == ["Asthma", "Panic disorder"]
    assert {(one.engine, one.prompt_version) for one in study.replies.all()} == {("scripted reader", "diagnose-1")}


def test_each_run_has_its_seed_and_both_arms_the_same(engineer):
    study, reader = a_study(engineer, 1, runs=3, seed=7), Reader()
    services.ask_all(study, reader, quietly)
    assert [one["seed"] for one in reader.asked] == [7, 7, 8, 8, 9, 9]
    assert {one["temperature"] for one in reader.asked} == {0.7}
    assert study.replies.count() == 6


def test_a_case_that_fails_keeps_its_reason_and_the_others_are_asked(study):
    services.ask_all(study, Reader(failing=[BadReply("Not in the form asked for.")]), quietly)
    first, *others = study.replies.all()
    assert (first.state, first.reason) == ("failed", "Not in the form asked for.")
    assert set(states(others)) == {"done"}


def test_a_model_that_went_away_ends_it_and_going_on_asks_only_what_is_missing(study):
    away = [None, NotReachable("Away."), NotReachable("Away.")]
    with pytest.raises(Interrupted):
        services.ask_all(study, Reader(failing=list(away)), quietly)
    assert states(study.replies.all()) == ["done", "failed", "failed", "waiting", "waiting", "waiting"]
    services.go_on(study, ASK)
    reader = Reader()
    assert services.ask_all(study, reader, quietly).is_all
    assert len(reader.asked) == 5
    assert set(states(study.replies.all())) == {"done"}


def test_stop_is_heard_between_two_questions(study):
    reader = Reader()

    def stop_after_two(done: int, everything: int) -> None:
        if done == 2:
            services.stop(study)

    assert not services.ask_all(study, reader, stop_after_two).is_all
    assert states(study.replies.all()).count("done") == 3
    services.go_on(study, ASK)
    assert services.ask_all(study, reader, quietly).is_all
    assert len(reader.asked) == 6


def test_a_slice_of_time_ends_and_the_rest_waits(study):
    assert not services.ask_all(study, Reader(), quietly, seconds=-1).is_all
    assert set(states(study.replies.all())) == {"waiting"}


def test_the_task_works_slice_by_slice_until_nothing_is_left(study, monkeypatch, django_capture_on_commit_callbacks):
    reader = Reader()
    monkeypatch.setattr(tasks, "language_model", lambda name: reader)
    monkeypatch.setattr(tasks, "SLICE", -1.0)
    with django_capture_on_commit_callbacks() as more:
        tasks.work_on_study(study.pk, ASK)
    assert len(more) == 1
    assert queries.place(study).state == "waiting"
    monkeypatch.setattr(tasks, "SLICE", 60.0)
    with django_capture_on_commit_callbacks(execute=True):
        more[0]()
    place = queries.place(study)
    assert (place.state, place.done, place.percent) == ("done", 6, 100)


def test_without_a_model_the_job_fails_with_a_sentence(study, settings):
    settings.OLLAMA_HOST = ""
    tasks.work_on_study(study.pk, ASK)
    place = queries.place(study)
    assert place.state == "failed"
    assert "OLLAMA_HOST" in place.reason


def test_a_study_whose_worker_died_is_taken_up_again(study, monkeypatch):
    monkeypatch.setattr(tasks, "language_model", lambda name: Reader())
    tasks.look_after_studies()
    assert queries.place(study).state == "done"


def test_a_second_model_grades_blind_and_is_marked_so(study):
    answered(study)
    judge = Reader(engine="scripted judge")
    services.judge_all(study, judge, quietly)
    assert all("emotions" not in one["prompt"] and "Answer 1" not in one["prompt"] for one in judge.asked)
    [found] = queries.judged(study)
    assert (found.grader.name, found.grader.is_model, found.is_whole) == ("scripted judge", True, True)
    assert (found.results.without.score, found.results.with_labels.score) == (0, 1)
    assert found.results.test.p == 0.25
    services.judge_all(study, judge, quietly)
    assert len(judge.asked) == 6


def test_a_model_does_not_grade_itself(study, settings):
    answered(study)
    with pytest.raises(NoModel, match="its own answers"):
        services.judge_all(study, Reader(), quietly)
    with pytest.raises(NoModel, match="its own answers"):
        services.ask_to_judge(study, settings.OLLAMA_MODEL)
    with pytest.raises(NoModel):
        services.ask_to_judge(study, "")
    assert services.ask_to_judge(study, "another").stage == JUDGE


def test_the_order_mixes_the_arms_is_her_own_and_stays(study, clinician, stranger):
    answered(study)
    order = [reply.pk for reply in queries.to_grade(study, clinician)]
    assert order == [reply.pk for reply in queries.to_grade(study, clinician)]
    assert sorted(order) == [reply.pk for reply in study.replies.all()]
    assert order != [reply.pk for reply in queries.to_grade(study, stranger)] or order != sorted(order)


def test_a_verdict_stands_until_it_is_undone(study, clinician):
    answered(study)
    reply = queries.to_grade(study, clinician)[0]
    services.give_verdict(reply, clinician, Verdict.YES)
    assert services.give_verdict(reply, clinician, Verdict.NO).verdict == "yes"
    assert queries.graded_by(study, clinician) == 1
    assert services.undo_verdict(study, clinician) == reply
    assert queries.to_grade(study, clinician)[0] == reply
    assert services.undo_verdict(study, clinician) is None


def test_graders_have_a_table_each_and_their_agreement(study, clinician, stranger):
    answered(study)
    grade_all(study, clinician)
    grade_all(study, stranger, Verdict.PARTIAL)
    assert [one.results.with_labels.score for one in queries.judged(study)] in ([1, 0.5], [0.5, 1])
    [pair] = queries.pairs(study)
    assert (pair.agreement.shared, pair.agreement.same, pair.agreement.kappa) == (6, 0, 0)


def test_a_grader_sees_the_arms_once_she_has_graded_everything(study, clinician):
    answered(study)
    assert not queries.is_graded_whole_by(study, clinician)
    grade_all(study, clinician)
    assert queries.is_graded_whole_by(study, clinician)


def test_nothing_is_graded_by_a_model_while_cases_are_still_asked(study):
    with pytest.raises(StillAtWork):
        services.ask_to_judge(study, "another")


def test_what_is_at_work_is_neither_started_again_nor_deleted(study):
    job = jobs.claim(study.subject, ASK, jobs.new_owner())
    with pytest.raises(StillAtWork):
        services.go_on(study, ASK)
    with pytest.raises(StillAtWork):
        services.discard(study)
    jobs.finish(job)
    services.discard(study)
    assert not Study.objects.exists()
    assert not StudyReply.objects.exists()
    assert not Job.objects.exists()


@pytest.mark.parametrize("wrong", [{"runs": 0}, {"runs": 21}, {"seed": -1}, {"seed": 2**31}], ids=str)
def test_runs_and_seed_have_bounds(engineer, wrong):
    with pytest.raises(StudyError):
        services.new_study(engineer, "Pilot", some_cases(), **wrong)


def test_a_hostile_case_stays_between_the_marks():
    case = some_cases(1).cases[0]
    assert asking.prompt(case, Arm.WITH).startswith(asking.BEGIN)
    assert asking.prompt(case, Arm.WITH).endswith(asking.END)


def test_verdicts_are_deleted_with_their_study(study, clinician):
    answered(study)
    grade_all(study, clinician)
    services.discard(study)
    assert not StudyVerdict.objects.exists()
