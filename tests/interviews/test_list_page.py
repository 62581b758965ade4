"""The clinician's list: her interviews only, how far each is, at a price that does not grow."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinic.models import Job
from interviews.models import Interview
from interviews.pages.clinician import INTERVIEWS_A_PAGE
from interviews.stages import ANSWER_STAGES
from tests import factories
from tests.interviews import scenes

LIST = "/interviews/"


@pytest.fixture
def signed_in(client, clinician):
    client.force_login(clinician)
    return client


def named(clinician, *names: str) -> None:
    for name in names:
        factories.an_interview(factories.a_patient(clinician, name=name))


def test_she_sees_her_own_caseload_only(signed_in, clinician, stranger):
    named(clinician, "Mina Haddad")
    named(stranger, "Somebody Else")
    page = signed_in.get(LIST).content.decode()
    assert "Mina Haddad" in page
    assert "Somebody Else" not in page


def test_an_empty_list_says_what_to_do(signed_in):
    assert "No interviews yet" in signed_in.get(LIST).content.decode()


def test_the_search_finds_by_name_and_record_number(signed_in, clinician):
    named(clinician, "Mina Haddad", "Oskar Lindqvist")
    numbered = factories.an_interview(factories.a_patient(clinician, name="Tom Becker", record_number="MR-77"))
    assert "Oskar" not in signed_in.get(LIST, {"q": "haddad"}).content.decode()
    assert f"interview-{numbered.pk}" in signed_in.get(LIST, {"q": "mr-77"}).content.decode()
    assert "None of your interviews" in signed_in.get(LIST, {"q": "nobody"}).content.decode()


@pytest.mark.parametrize(
    ("only", "state"),
    [("review", Interview.State.FINISHED), ("underway", Interview.State.STARTED), ("invited", Interview.State.INVITED)],
)
def test_each_tab_shows_its_own(signed_in, patient, only, state):
    made = {each: factories.an_interview(patient, state=each) for each in Interview.State}
    page = signed_in.get(LIST, {"only": only}).content.decode()
    shown = {each for each, interview in made.items() if f'id="interview-{interview.pk}"' in page}
    assert shown == {state}


def test_an_unknown_tab_shows_all(signed_in, interview):
    assert f"interview-{interview.pk}" in signed_in.get(LIST, {"only": "nonsense"}).content.decode()


def test_the_part_alone_is_the_table_as_it_is_now(signed_in, interview, answer):
    scenes.reviewed(answer)
    scenes.set_stages(answer.subject, ANSWER_STAGES, Job.State.RUNNING, percent=50)
    part = signed_in.get(LIST, {"part": ""}).content.decode()
    assert "<html" not in part
    assert 'value="16"' in part  # 50 % of one of two answers, and the report


def test_a_long_list_has_pages(signed_in, clinician, patient):
    question_set = factories.a_question_set()
    for _ in range(INTERVIEWS_A_PAGE + 1):
        factories.an_interview(patient, question_set)
    first, second = (signed_in.get(LIST, {"page": page}).content.decode() for page in (1, 2))
    assert first.count('<tr id="interview-') == INTERVIEWS_A_PAGE
    assert second.count('<tr id="interview-') == 1
    assert "Page 2 of 2" in second


def test_ten_more_rows_cost_no_more_queries(signed_in, clinician):
    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            assert signed_in.get(LIST).status_code == 200
        return len(caught)

    scenes.a_finished_interview(factories.a_patient(clinician))
    few = queries()
    for _ in range(10):
        scenes.a_finished_interview(factories.a_patient(clinician))
    assert queries() == few
