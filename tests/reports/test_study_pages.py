"""The doors of the study: engineers make and read it, clinicians grade it blind, nobody else finds it."""

import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from reports.study import queries, services, tasks
from reports.study.queries import ASK
from reports.study.rows import Study, StudyVerdict
from tests.reports.study_cases import Reader, a_study, answered, grade_all, some_cases

pytestmark = pytest.mark.django_db
TYPED = {"name": "Pilot", "runs": "1", "seed": "1", "model": ""}


@pytest.fixture
def study(engineer) -> Study:
    return answered(a_study(engineer))


def url(name: str, study: Study) -> str:
    return reverse(f"reports:{name}", args=[study.pk])


def body(response) -> str:
    return response.content.decode()


@pytest.fixture
def making(client, engineer, monkeypatch, django_capture_on_commit_callbacks):
    """Sends the form; what the study's work does then, it does at once."""
    monkeypatch.setattr(tasks, "language_model", lambda name: Reader())
    client.force_login(engineer)

    def send(**typed):
        with django_capture_on_commit_callbacks(execute=True):
            return client.post(reverse("reports:new_study"), {**TYPED, **typed})

    return send


def test_an_engineer_starts_a_study_of_the_shipped_vignettes(client, making):
    response = making()
    study = Study.objects.get()
    assert response["Location"] == url("study", study)
    place = queries.place(study)
    assert (place.state, place.done) == ("done", 24)
    page = body(client.get(url("study", study)))
    assert "24 of 24" in page
    assert "no clinical evaluation" in page


def test_cases_of_her_own_are_read_from_a_file(making):
    text = some_cases(2).model_dump_json().encode()
    making(cases=SimpleUploadedFile("cases.json", text), runs="2")
    assert Study.objects.get().replies.count() == 8


def test_a_file_that_is_no_case_is_refused_with_the_place(making):
    response = making(cases=SimpleUploadedFile("cases.json", b'{"title": "T", "cases": [{"id": "1"}]}'))
    assert response.status_code == 422
    assert "cases.0.diagnosis" in body(response)
    assert not Study.objects.exists()


@pytest.mark.parametrize(
    "wrong", [{"runs": "0"}, {"runs": "21"}, {"seed": "-1"}, {"model": "a b"}, {"name": ""}], ids=str
)
def test_a_form_that_does_not_fit_starts_nothing(making, wrong):
    assert making(**wrong).status_code == 422
    assert not Study.objects.exists()


def test_stop_and_go_on(client, engineer, monkeypatch, django_capture_on_commit_callbacks):
    study = a_study(engineer)
    client.force_login(engineer)
    client.post(url("stop_study", study))
    monkeypatch.setattr(tasks, "language_model", lambda name: Reader())
    tasks.work_on_study(study.pk, ASK)
    assert queries.place(study).state == "stopped"
    assert "go-on" in body(client.get(url("study", study) + "?part"))
    with django_capture_on_commit_callbacks(execute=True):
        client.post(url("go_on_study", study))
    assert queries.place(study).state == "done"


def test_a_failed_case_shows_its_reason(client, engineer):
    from clinic.integrations.language import BadReply

    study = answered(a_study(engineer), Reader(failing=[BadReply("Not in the form asked for.")]))
    client.force_login(engineer)
    assert "Not in the form asked for." in body(client.get(url("study", study)))


def test_the_grading_page_tells_neither_arm_nor_labels_nor_run(client, clinician, study):
    client.force_login(clinician)
    page = body(client.get(url("grade_study", study)))
    main = page[page.index("<grading-keys") : page.index("</grading-keys>")]
    assert "Panic disorder" in main
    assert not re.search(r"fearful|with labels|without labels|\brun\b|seed", main)
    ids = {str(reply.pk) for reply in study.replies.all()}
    assert not ids & set(re.findall(r'value="(\d+)"', main)) - {"1"}


def test_a_clinician_grades_takes_back_and_sees_the_arms_at_the_end(client, clinician, study):
    client.force_login(clinician)
    address = url("grade_study", study)
    assert client.get(url("study", study)).status_code == 404

    def grade(verdict: str) -> None:
        token = re.search(r'name="reply" value="([0-9a-f-]+)"', body(client.get(address)))[1]
        assert client.post(address, {"reply": token, "verdict": verdict}).status_code == 302

    grade("yes")
    client.post(address, {"undo": "1"})
    assert not StudyVerdict.objects.exists()
    for _ in range(5):
        grade("partial")
    assert client.get(url("study", study)).status_code == 404
    grade("no")
    assert "You have graded every answer." in body(client.get(address))
    page = body(client.get(url("study", study)))
    assert "graded by a person" in page
    assert "Delete the study" not in page
    assert client.post(url("discard_study", study)).status_code == 404


def test_a_verdict_that_is_none_is_refused(client, clinician, study):
    client.force_login(clinician)
    token = str(study.replies.first().token)
    client.post(url("grade_study", study), {"reply": token, "verdict": "maybe"})
    assert client.post(url("grade_study", study), {"reply": "x"}, follow=True).status_code == 200
    assert not StudyVerdict.objects.exists()


def test_a_second_models_verdicts_are_marked(client, engineer, study, monkeypatch, django_capture_on_commit_callbacks):
    monkeypatch.setattr(tasks, "language_model", lambda name: Reader(engine=f"ollama {name}"))
    client.force_login(engineer)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(url("judge_study", study), {"model": "llama3:70b"})
    page = body(client.get(url("study", study)))
    assert "ollama llama3:70b" in page
    assert "graded by a model" in page
    refused = client.post(url("judge_study", study), {"model": queries.asked_model(study)})
    assert "cannot grade its own answers" in body(refused)


def test_results_are_taken_away_as_json_and_csv(client, engineer, clinician, study):
    study.replies.filter(arm="with").update(diagnosis='=HYPERLINK("http://evil.example")')
    grade_all(study, clinician)
    client.force_login(engineer)
    told = json.loads(body(client.get(url("study_json", study))))
    assert told["results"][0]["grader"] == "Dr Amari"
    assert told["results"][0]["figures"]["with"]["cases"] == 3
    assert len(told["replies"]) == 6
    lines = body(client.get(url("study_csv", study))).splitlines()
    assert len(lines) == 7
    assert "'=HYPERLINK" in lines[2]


def test_the_published_verdicts_have_a_page(client, engineer):
    client.force_login(engineer)
    page = body(client.get(reverse("reports:published_study")))
    for figure in ("76.67 %", "86.67 %", "2 discordant cases", "p = 0.5"):
        assert figure in page


def test_ten_more_studies_cost_no_more_queries(client, engineer, clinician, django_assert_max_num_queries):
    a_study(engineer)
    client.force_login(clinician)
    client.get(reverse("reports:studies"))
    for _ in range(10):
        a_study(engineer)
    with django_assert_max_num_queries(12):
        assert body(client.get(reverse("reports:studies"))).count("Pilot") == 11


ENGINEERS = ["stop_study", "go_on_study", "judge_study", "discard_study"]
READING = ["study", "study_json", "study_csv"]


@pytest.mark.parametrize("who", ["admin", "patient", "strange_patient", "clinician"])
def test_nobody_but_engineers_makes_or_steers_a_study(client, study, who, request):
    person = request.getfixturevalue(who)
    client.force_login(getattr(person, "user", person))
    assert client.get(reverse("reports:new_study")).status_code == 404
    for name in ENGINEERS:
        assert client.post(url(name, study)).status_code == 404
    for name in READING:
        assert client.get(url(name, study)).status_code == 404
    assert Study.objects.count() == 1


@pytest.mark.parametrize("who", ["admin", "patient", "engineer"])
def test_nobody_but_clinicians_grades(client, study, who, request):
    person = request.getfixturevalue(who)
    client.force_login(getattr(person, "user", person))
    token = str(study.replies.first().token)
    assert client.get(url("grade_study", study)).status_code == 404
    assert client.post(url("grade_study", study), {"reply": token, "verdict": "yes"}).status_code == 404
    assert not StudyVerdict.objects.exists()


def test_the_signed_out_are_sent_to_the_sign_in_page(client, study):
    for address in (reverse("reports:studies"), url("study", study), url("grade_study", study)):
        assert "/accounts/login/" in client.get(address)["Location"]


def test_a_deleted_study_is_gone(client, engineer, study):
    client.force_login(engineer)
    assert "The study is deleted." in body(client.post(url("discard_study", study), follow=True))
    assert client.get(url("study", study)).status_code == 404


def test_a_study_under_way_is_not_deleted(client, engineer, study):
    from clinic import jobs

    services.go_on(study, ASK)
    jobs.claim(study.subject, ASK, jobs.new_owner())
    client.force_login(engineer)
    assert "still at work" in body(client.post(url("discard_study", study), follow=True))
