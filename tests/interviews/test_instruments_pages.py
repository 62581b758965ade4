"""Questionnaires at the doors: the patient answers, her clinician reads, strangers learn nothing."""

import pytest
from django.urls import reverse

from interviews import queries, services
from interviews.models import Interview, RiskFlag, Scale
from interviews.services.scales import keep_answer
from tests import factories
from tests.interviews import asking

JSON = {"Accept": "application/json"}


@pytest.fixture
def scale(interview):
    return asking.asked(interview)


@pytest.fixture
def hers(client, patient):
    client.force_login(patient.user)
    return client


@pytest.fixture
def doctors(client, clinician):
    client.force_login(clinician)
    return client


def item(scale: Scale, number: int) -> str:
    return reverse("interviews:scale_item", args=[scale.pk, number])


def text(response) -> str:
    return response.content.decode()


# --- The patient ---


def test_an_item_shows_its_time_its_answers_its_progress_and_its_licence(hers, scale):
    page = text(hers.get(item(scale, 3)))
    for shown in ("Over the last 2 weeks", "Trouble falling", "Nearly every day", "Question 3 of 10", "Pfizer"):
        assert shown in page
    assert page.count('type="radio"') == 4


def test_the_button_keeps_the_answer_and_goes_on_and_it_survives_a_reload(hers, scale):
    response = hers.post(item(scale, 1), {"value": 2, "how": "click"})
    assert response.url == item(scale, 2)
    assert 'value="2" checked' in text(hers.get(item(scale, 1)))


def test_a_click_is_kept_at_once_for_a_script(hers, scale):
    response = hers.post(item(scale, 1), {"value": 3}, headers=JSON)
    assert response.json() == {"kept": True}
    assert queries.scale_results(scale.interview)[0].item_scores[0].value == 3


def test_an_item_may_be_left_out_but_not_passed_over_unseen(hers, scale):
    refused = hers.post(item(scale, 1), {})
    assert refused.status_code == 422
    assert "or leave this question out" in text(refused)
    assert hers.post(item(scale, 1), {"value": 1, "leave_out": 1}).url == item(scale, 2)
    assert "You left this question out" in text(hers.get(item(scale, 1)))


@pytest.mark.parametrize("sent", [{"value": 7}, {"value": "many"}, {"value": -1}], ids=str)
def test_what_is_no_answer_is_refused_in_a_sentence(hers, scale, sent):
    assert hers.post(item(scale, 1), sent).status_code == 422
    assert hers.post(item(scale, 1), sent, headers=JSON).json()["detail"]


def test_after_the_last_item_the_interview_can_be_finished(hers, scale):
    asking.answer_all(scale)
    assert hers.post(item(scale, 10), {"value": 1}).url == reverse("interviews:scales", args=[scale.interview_id])
    page = text(hers.get(reverse("interviews:scales", args=[scale.interview_id])))
    assert "Finish the interview" in page
    done = hers.post(reverse("interviews:finish", args=[scale.interview_id]), {"scales": "seen"})
    assert done.url.endswith("/done/")
    assert "10 of 10 questions" in text(hers.get(done.url))
    assert hers.get(item(scale, 1)).status_code == 302


def test_the_room_leads_to_questionnaires_that_are_still_open(hers, scale):
    room = text(hers.get(reverse("interviews:room", args=[scale.interview_id])))
    assert "On to the questionnaires" in room
    finish = reverse("interviews:finish", args=[scale.interview_id])
    assert hers.post(finish).url == reverse("interviews:scales", args=[scale.interview_id])
    assert Interview.objects.get().state != Interview.State.FINISHED
    asking.answer_all(scale)
    assert hers.post(finish).url.endswith("/done/")


def test_the_crisis_text_is_in_the_page_of_item_nine_and_shows_after_an_answer_above_nought(hers, scale, settings):
    hidden = 'data-part="crisis" hidden'
    assert hidden in text(hers.get(item(scale, 9)))
    hers.post(item(scale, 9), {"value": 1})
    following = text(hers.get(item(scale, 10)))
    assert hidden not in following
    assert "You do not have to be alone with this" in following
    assert settings.CRISIS_TEXT in following


def test_an_arabic_questionnaire_reads_from_right_to_left_and_says_that_it_is_unofficial(hers, interview):
    scale = asking.asked(interview, "phq-9", "ar")
    page = text(hers.get(item(scale, 1)))
    assert 'lang="ar"' in page
    assert "عدة أيام" in page
    assert "an unofficial translation" in page


def test_without_consent_there_is_no_questionnaire(hers, scale):
    scale.interview.patient.consents.all().delete()
    assert hers.get(item(scale, 1)).status_code == 302
    assert hers.post(item(scale, 1), {"value": 1}).status_code == 302
    assert queries.scale_results(scale.interview)[0].given == 0


def test_an_item_that_is_not_there_is_not_found(hers, scale):
    assert hers.get(item(scale, 11)).status_code == 404


# --- The clinician ---


def test_she_chooses_questionnaires_when_she_invites(doctors, patient):
    instrument, questions = asking.published("gad-7"), factories.a_question_set()
    page = text(doctors.get(reverse("interviews:new")))
    assert "GAD-7" in page
    assert "checked" not in page.split('name="instruments"')[1].split(">")[0]
    sent = {"patient": patient.pk, "question_set": questions.pk, "instruments": [instrument.pk]}
    doctors.post(reverse("interviews:new"), sent)
    assert [scale.instrument for scale in Scale.objects.all()] == [instrument]


def test_she_sees_total_band_answers_date_and_licence_beside_the_interview(doctors, scale):
    asking.answer_all(scale, 2, item_9=0)
    page = text(doctors.get(reverse("interviews:watch", args=[scale.interview_id])))
    for shown in ("PHQ-9", ">16<", "of 27", "moderately severe", "Little interest", "last answer", "Pfizer"):
        assert shown in page
    assert "diagnosis" not in page.split('id="interview-scales"')[1].split("</section>")[0]


def test_a_missing_item_means_no_total_and_says_which(doctors, scale):
    asking.answer_all(scale, 1, item_4=None)
    page = text(doctors.get(reverse("interviews:scale_results", args=[scale.interview_id])))
    assert "No total: item 4 has no answer" in page


def test_earlier_results_of_the_same_patient_stand_beside_it(doctors, scale, patient):
    asking.answer_all(scale, 1)
    later = asking.asked(factories.an_interview(patient))
    asking.answer_all(later, 2)
    page = text(doctors.get(reverse("interviews:scale_results", args=[later.interview_id])))
    assert "Over 2 interviews" in page
    assert "9/27" in page
    assert "18/27" in page
    other = asking.asked(factories.an_interview(factories.a_patient(patient.clinician, name="Another")))
    asking.answer_all(other, 0)
    assert len(queries.trends(other.interview)[0].points) == 1


def test_her_alert_is_on_today_on_the_list_and_on_the_interview_until_she_has_seen_it(doctors, scale):
    keep_answer(scale, 9, 1)
    today = text(doctors.get("/"))
    assert "Needs you now" in today
    assert "PHQ-9, item 9" in today
    assert "needs a person" in text(doctors.get("/interviews/"))
    watch = reverse("interviews:watch", args=[scale.interview_id])
    assert "The answer to item 9 calls for a person" in text(doctors.get(watch))
    seen = doctors.post(reverse("interviews:scale_acknowledge", args=[scale.pk, 9]), {"note": "Called her."})
    assert seen.url == f"{watch}#interview-scales"
    page = text(doctors.get(watch))
    assert "Called her." in page
    assert "called for a person" in page
    assert "Needs you now" not in text(doctors.get("/"))


def test_an_erased_interview_shows_no_answers(doctors, scale):
    asking.answer_all(scale)
    Interview.objects.update(wrapped_key=b"")
    page = text(doctors.get(reverse("interviews:watch", args=[scale.interview_id])))
    assert "its answers cannot be opened any more" in page


def test_the_api_tells_results_as_json(doctors, scale):
    asking.answer_all(scale, 1, item_9=0)
    [told] = doctors.get(f"/api/interviews/{scale.interview_id}/scales/").json()
    assert (told["instrument"], told["score"], told["most"], told["band"]) == ("PHQ-9", 8, 27, "mild")
    assert told["items"][0]["answer"] == "Several days"


def test_an_interview_without_questionnaires_shows_none(doctors, interview):
    assert "interview-scales" not in text(doctors.get(reverse("interviews:watch", args=[interview.pk])))
    assert doctors.get(f"/api/interviews/{interview.pk}/scales/").json() == []


# --- Strangers ---

PATIENTS = ["scales", "scale_item", "scale_spoken"]
CLINICIANS = ["scale_results", "scale_acknowledge", "api"]


def address(scale: Scale, name: str) -> str:
    if name == "api":
        return f"/api/interviews/{scale.interview_id}/scales/"
    if name in ("scales", "scale_results"):
        return reverse(f"interviews:{name}", args=[scale.interview_id])
    return reverse(f"interviews:{name}", args=[scale.pk, 9])


@pytest.mark.parametrize("name", PATIENTS + CLINICIANS)
@pytest.mark.parametrize("who", ["stranger", "strange_patient", "admin", "engineer"])
def test_nobody_else_opens_a_questionnaire(client, request, scale, name, who):
    keep_answer(scale, 9, 1)
    person = request.getfixturevalue(who)
    client.force_login(getattr(person, "user", person))
    ask = client.post if name == "scale_acknowledge" else client.get
    assert ask(address(scale, name)).status_code == 404
    if name == "scale_item":
        assert client.post(address(scale, name), {"value": 0}).status_code == 404
    assert RiskFlag.objects.get().is_open


@pytest.mark.parametrize("name", PATIENTS)
def test_her_clinician_does_not_answer_for_her(doctors, scale, name):
    assert doctors.get(address(scale, name)).status_code == 404


@pytest.mark.parametrize("name", CLINICIANS)
def test_the_patient_does_not_open_the_clinicians_pages(hers, scale, name):
    keep_answer(scale, 9, 1)
    ask = hers.post if name == "scale_acknowledge" else hers.get
    assert ask(address(scale, name)).status_code == 404


@pytest.mark.parametrize("name", PATIENTS + CLINICIANS)
def test_the_signed_out_are_told_how_to_come_back(client, scale, name):
    ask = client.post if name == "scale_acknowledge" else client.get
    assert ask(address(scale, name)).status_code in (302, 403)


def test_finishing_ends_a_questionnaire(scale):
    services.finish(scale.interview)
    scale.refresh_from_db()
    assert scale.finished_at
