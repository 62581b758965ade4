"""The clinician's doors to a report; the stranger tries each of them."""

import re

import pytest
from django.urls import reverse

from reports import services
from reports.models import Report, ReportVersion
from reports.queries import latest, text_of
from tests.reports.cases import answered, finished, points

SAID = "It has been hard … but my sister visits me"


@pytest.fixture
def report(interview) -> Report:
    answered(interview.answers.first(), SAID, points(("sad", 8), ("happy", 6)))
    return services.draft(finished(interview), None).report


@pytest.fixture
def hers(client, clinician, report):
    client.force_login(clinician)
    return client


def url(name: str, report: Report, *more: int) -> str:
    return reverse(f"reports:{name}", args=[report.interview_id, *more])


def body(response) -> str:
    return response.content.decode()


def test_the_report_is_shown_with_its_quotation_and_its_links_into_the_recording(hers, report):
    response = hers.get(url("report", report))
    html = body(response)
    assert response.status_code == 200
    assert "It has been hard but my sister visits me" in html
    answer = report.interview.answers.first()
    link = re.search(r'<a class="evidence" href="([^"]+)" data-answer="(\d+)" data-seconds="([\d.]+)"', html)
    assert link[1] == f"/interviews/{report.interview_id}/?answer={answer.pk}#t={link[3]}"
    assert link[2] == str(answer.pk)
    assert "composed without a language model" in html


def test_the_part_for_the_interviews_page_is_the_text_alone(hers, report):
    html = body(hers.get(url("report", report) + "?part"))
    assert "<html" not in html
    assert "<h3" in html
    assert "<h1" not in html
    assert "my sister visits me" in html


def test_a_page_has_one_heading_of_the_first_level(hers, report):
    assert len(re.findall("<h1", body(hers.get(url("report", report))))) == 1


@pytest.mark.parametrize("name", ["report", "edit", "sign", "download"])
@pytest.mark.parametrize("who", ["stranger", "admin", "engineer", "strange_patient", "patient"])
def test_nobody_but_her_clinician_learns_that_there_is_a_report(client, report, name, who, request):
    person = request.getfixturevalue(who)
    client.force_login(getattr(person, "user", person))
    assert client.get(url(name, report)).status_code == 404
    assert client.post(url(name, report), {"text": "x", "seen": 1}).status_code in (404, 405)
    assert client.get(url("version", report, 1)).status_code == 404
    assert ReportVersion.objects.count() == 1


def test_the_signed_out_are_sent_to_the_sign_in_page(client, report):
    assert client.get(url("report", report)).status_code == 302


def test_no_report_yet_is_a_404(client, clinician, interview):
    client.force_login(clinician)
    assert client.get(reverse("reports:report", args=[interview.pk])).status_code == 404


def test_an_erased_interviews_report_is_a_404(hers, report):
    report.interview.wrapped_key = b""
    report.interview.save()
    assert hers.get(url("report", report)).status_code == 404


def test_a_change_is_saved_as_a_new_version(hers, report, clinician):
    page = hers.get(url("edit", report))
    assert "Interview report" in body(page)
    response = hers.post(url("edit", report), {"text": "# Mine\n\nMy words.", "seen": 1}, follow=True)
    assert "My words." in body(response)
    assert "changed by Dr Amari" in body(response)
    assert latest(report).written_by == clinician


def test_a_preview_shows_the_text_and_keeps_nothing(hers, report):
    sent = {"text": "# Mine\n\n<script>alert(1)</script>My *words*.", "seen": 1, "preview": "1"}
    html = body(hers.post(url("edit", report), sent))
    assert "My <em>words</em>." in html
    assert "<script>alert" not in html
    assert ReportVersion.objects.count() == 1


def test_somebody_elses_version_is_not_overwritten_and_the_text_typed_is_not_lost(hers, report, clinician):
    services.revise(report, "Hers.", clinician, seen=1)
    response = hers.post(url("edit", report), {"text": "Mine, typed for an hour.", "seen": 1})
    assert response.status_code == 422
    assert "Another version was saved" in body(response)
    assert "Mine, typed for an hour." in body(response)
    assert text_of(latest(report)) == "Hers.\n"


@pytest.mark.parametrize("sent", [{}, {"text": ""}, {"text": "x"}, {"text": "x", "seen": "soon"}])
def test_a_form_that_lacks_something_keeps_nothing(hers, report, sent):
    assert hers.post(url("edit", report), sent).status_code == 422
    assert ReportVersion.objects.count() == 1


def test_an_older_version_stays_to_be_looked_at(hers, report, clinician):
    services.revise(report, "Mine.", clinician, seen=1)
    html = body(hers.get(url("version", report, 1)))
    assert "You are looking at an older version." in html
    assert "my sister visits me" in html
    assert hers.get(url("version", report, 9)).status_code == 404


def test_signing_takes_the_name_and_a_tick(hers, report):
    for sent in ({}, {"name": "Dr Amari"}, {"name": "Somebody", "is_read": "on"}):
        assert hers.post(url("sign", report), {**sent, "seen": 1}).status_code == 422
    report.refresh_from_db()
    assert report.state == "draft"
    response = hers.post(url("sign", report), {"name": " dr  amari ", "is_read": "on", "seen": 1}, follow=True)
    assert "Signed by Dr Amari" in body(response)
    report.refresh_from_db()
    assert report.state == "signed"


def test_a_signed_report_offers_no_change_and_refuses_one(hers, report, clinician):
    services.sign(report, clinician, seen=1)
    assert url("edit", report) not in body(hers.get(url("report", report)))
    for name in ("edit", "sign"):
        for response in (
            hers.get(url(name, report), follow=True),
            hers.post(
                url(name, report), {"text": "Other.", "seen": 1, "name": "Dr Amari", "is_read": "on"}, follow=True
            ),
        ):
            assert "signed" in body(response)
    assert ReportVersion.objects.count() == 1


def test_the_report_can_be_taken_away_as_markdown(hers, report):
    response = hers.get(url("download", report))
    assert response["Content-Type"].startswith("text/markdown")
    assert "attachment" in response["Content-Disposition"]
    assert body(response).startswith("# Interview report")
    assert "not signed by anybody" in body(response)


def test_what_holds_a_patients_words_is_not_kept_by_any_cache(hers, report):
    for name in ("report", "edit", "sign", "download"):
        assert "no-store" in hers.get(url(name, report))["Cache-Control"]


def test_a_page_runs_nothing_inline(hers, report):
    response = hers.get(url("report", report))
    assert "script-src 'self'" in response["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*src=)|\sstyle=|\son\w+=", body(response))


def test_a_hostile_answer_is_shown_as_text(client, clinician, interview):
    answered(interview.answers.first(), "<img src=https://evil.example/b.png> # Diagnosis")
    report = services.draft(finished(interview), None).report
    client.force_login(clinician)
    html = body(client.get(url("report", report)))
    assert "&lt;img src=https://evil.example/b.png&gt; # Diagnosis" in html
