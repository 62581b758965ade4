"""What pages show of an interview: how far the work is, and the replies, at a price that does not grow."""

import pytest

from clinic import jobs, vault
from clinic.integrations.hearing import Word
from clinic.models import Job
from emotion.ml.readings import Point, Reading
from emotion.services import store_reading
from interviews.models import Answer, Interview, Recording, Transcript
from interviews.queries import progress, progress_of, replies, state, transcript_name
from interviews.stages import ANSWER_STAGES, REPORT
from tests import factories

WORDS = [{"word": "fine", "start": 0.2, "end": 0.6, "confidence": 0.9}]


def analysed(answer: Answer) -> Recording:
    """An answer as it is after all its work, made by hand."""
    key = answer.interview.key
    take = factories.a_recording(answer, state="kept", joined_path="x.joined", joined_type="video/webm", duration=2.0)
    answer.state = Answer.State.RECORDED
    answer.save()
    sealed = key.seal_json({"text": "fine", "words": WORDS}, transcript_name(answer.pk))
    Transcript.objects.create(answer=answer, sealed=sealed, engine="scripted", language="en")
    store_reading(Reading((Point(at=0.0, speech=1.0),), 2.0, "starter", "ab"), take.pk, key)
    jobs.open_jobs(answer.subject, ANSWER_STAGES)
    Job.objects.filter(subject=answer.subject).update(state=Job.State.DONE, percent=100)
    return take


def set_stage(answer: Answer, stage: str, **fields) -> None:
    Job.objects.filter(subject=answer.subject, stage=stage).update(**fields)


def finish(interview: Interview) -> None:
    interview.state = Interview.State.FINISHED
    interview.save()


def test_a_question_without_an_answer_has_no_stages(interview):
    now = progress(interview)
    assert [answer.stages for answer in now.answers] == [(), ()]
    assert (now.badge, now.percent, now.is_finished) == ("waiting", 0, False)


def test_answers_come_in_the_order_of_their_questions(interview):
    assert [answer.question for answer in progress(interview).answers] == ["How have you been?", "What helps?"]


def test_progress_is_that_of_the_rows(interview, answer):
    analysed(answer)
    set_stage(answer, "faces", state=Job.State.RUNNING, percent=40)
    set_stage(answer, "voice", state=Job.State.FAILED, reason="No voice net.")
    set_stage(answer, "timeline", state=Job.State.WAITING, percent=0)
    first, second = progress(interview).answers
    assert [stage.name for stage in first.stages] == list(ANSWER_STAGES)
    assert first.percent == (100 + 100 + 100 + 40 + 100 + 0) // 6
    assert first.badge == "running"
    assert not first.is_settled
    assert second.percent == 0


def test_a_finished_interview_with_everything_done_is_done(interview, answer):
    analysed(answer)
    finish(interview)
    assert (progress(interview).badge, progress(interview).percent) == ("running", 50)
    jobs.open_jobs(interview.subject, [REPORT])
    Job.objects.filter(stage=REPORT).update(state=Job.State.DONE, percent=100)
    assert (progress(interview).badge, progress(interview).percent) == ("done", 100)


def test_one_failed_stage_shows_once_the_work_is_over(interview, answer):
    analysed(answer)
    finish(interview)
    jobs.open_jobs(interview.subject, [REPORT])
    Job.objects.filter(stage=REPORT).update(state=Job.State.DONE)
    set_stage(answer, "faces", state=Job.State.FAILED, reason="No face net.")
    assert progress(interview).badge == "failed"
    assert progress(interview).is_analysed


def test_the_state_for_a_page_is_plain_json_without_a_patients_word(interview, answer):
    import json

    take = analysed(answer)
    text = json.dumps(state(interview))
    assert str(take.pk) in text
    assert "fine" not in text
    assert state(interview)["answers"][0]["stages"][0] == {
        "name": "join",
        "label": "recording put together",
        "state": "done",
        "state_label": "done",
        "percent": 100,
        "reason": "",
    }


def test_a_reply_holds_what_was_said_and_read(interview, answer):
    take = analysed(answer)
    first, second = replies(interview)
    assert (first.question, first.text, first.words) == ("How have you been?", "fine", (Word(**WORDS[0]),))
    assert (first.recording_id, first.is_playable, first.mime_type, first.duration) == (take.pk, True, "video/webm", 2)
    assert [point.speech for point in first.points] == [1.0]
    assert first.stage("faces").state == Job.State.DONE
    assert (second.text, second.points, second.is_recorded) == ("", (), False)


def test_another_interviews_key_opens_nothing(interview, answer):
    analysed(answer)
    with pytest.raises(vault.VaultError):
        replies(interview, factories.an_interview().key)


def test_a_take_that_was_made_again_is_not_shown(interview, answer):
    factories.a_recording(answer, state="discarded", joined_path="old.joined")
    take = analysed(answer)
    factories.a_recording(answer, state="discarded", joined_path="late.joined")
    assert replies(interview)[0].recording_id == take.pk


def test_ten_more_answers_cost_no_more_queries(django_assert_num_queries, db):
    def queries_for(questions: int, ask, most: int) -> None:
        interview = factories.an_interview(
            question_set=factories.a_question_set(tuple(f"Question {number}?" for number in range(questions)))
        )
        for answer in interview.answers.all():
            analysed(answer)
        interview = Interview.objects.get(pk=interview.pk)
        with django_assert_num_queries(most):
            assert len(ask(interview)) == questions

    for questions in (1, 11):
        queries_for(questions, lambda interview: progress(interview).answers, 4)
        queries_for(questions, replies, 5)


def test_ten_more_interviews_cost_a_list_no_more_queries(django_assert_num_queries, db):
    for count in (1, 11):
        interviews = [factories.an_interview() for _ in range(count)]
        for interview in interviews:
            analysed(interview.answers.first())
        with django_assert_num_queries(4):
            assert len(progress_of(interviews)) == count
