import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from clinic.services import record_consent
from interviews import services
from interviews.models import Answer, Interview, Recording
from tests import factories
from tests.interviews.uploads import complete, open_take, put


@pytest.fixture
def room(client, interview):
    record_consent(interview.patient)
    client.force_login(interview.patient.user)
    return reverse("interviews:room", args=[interview.pk])


@pytest.fixture
def finish(interview):
    return reverse("interviews:finish", args=[interview.pk])


def test_the_room_asks_every_question_in_order(client, room):
    page = client.get(room).content.decode()
    assert page.index("Question 1 of 2") < page.index("How have you been?") < page.index("Question 2 of 2")
    assert 'data-first="1"' in page


def test_before_its_script_arrives_the_room_says_what_to_do(client, room):
    assert "does not run scripts" in client.get(room).content.decode()


def test_coming_back_leads_to_the_first_question_without_an_answer(client, room, answer):
    take = open_take(client, answer)
    put(client, take, 0, b"bytes")
    receipt = complete(client, take, 1).json()["receipt"]
    page = client.get(room).content.decode()
    assert 'data-first="2"' in page
    assert receipt in page


def test_a_take_left_between_stop_and_keep_is_offered_again(client, room, answer):
    take = open_take(client, answer)
    put(client, take, 0, b"one")
    put(client, take, 1, b"two")
    page = client.get(room).content.decode()
    assert f'data-take="{take}"' in page
    assert 'data-take-count="2"' in page


def test_a_take_of_which_nothing_arrived_is_not_offered(client, room, answer):
    open_take(client, answer)
    assert "data-take=" not in client.get(room).content.decode()


def test_ten_more_questions_cost_no_more_queries(client, patient, django_assert_max_num_queries):
    record_consent(patient)
    client.force_login(patient.user)
    interview = factories.an_interview(patient, factories.a_question_set(tuple(f"Question {n}?" for n in range(12))))
    with django_assert_max_num_queries(9):
        client.get(reverse("interviews:room", args=[interview.pk]))


def test_the_question_is_spoken_to_its_patient_only(client, room, interview, strange_patient, clinician):
    answer = interview.answers.first()
    question = answer.question
    path = reverse("interviews:spoken", args=[answer.pk])
    assert client.get(path).status_code == 404
    question.audio.save("q.wav", ContentFile(b"RIFF"), save=False)
    question.save(update_fields=["audio", "audio_voice"])
    response = client.get(path)
    assert response.content == b"RIFF"
    assert response["Content-Type"].startswith("audio/")
    assert path in client.get(room).content.decode()
    for user in (strange_patient.user, clinician):
        client.force_login(user)
        assert client.get(path).status_code == 404


def test_finishing_shows_the_receipts_and_then_only_thanks(client, room, finish, interview, answer):
    take = open_take(client, answer)
    put(client, take, 0, b"bytes")
    receipt = complete(client, take, 1).json()["receipt"]
    response = client.post(finish, follow=True)
    interview.refresh_from_db()
    page = response.content.decode()
    assert interview.state == Interview.State.FINISHED
    assert receipt in page
    assert "left out" in page
    assert client.get(room).url == reverse("interviews:done", args=[interview.pk])


def test_finishing_twice_is_finishing_once(interview):
    finished_at = services.finish(interview).finished_at
    assert services.finish(interview).finished_at == finished_at


def test_an_undecided_recording_is_not_lost_by_finishing(client, room, finish, interview, answer):
    take = open_take(client, answer)
    put(client, take, 0, b"bytes")
    response = client.post(finish)
    interview.refresh_from_db()
    assert response.status_code == 409
    assert "neither kept nor made again" in response.content.decode()
    assert interview.state == Interview.State.STARTED
    assert Recording.objects.get(pk=take).chunks.count() == 1


def test_thanks_come_only_when_finished(client, room, interview):
    assert client.get(reverse("interviews:done", args=[interview.pk])).url.endswith("/check/")


def test_finishing_asks_for_the_report(client, room, finish, interview, monkeypatch):
    asked = []
    monkeypatch.setattr("interviews.tasks.enqueue_finish", asked.append)
    client.post(finish)
    assert asked == [interview.pk]


def test_patients_pages_are_kept_by_no_cache(client, room):
    assert "no-store" in client.get(room)["Cache-Control"]


def test_the_answers_keep_their_state_when_the_interview_is_finished(client, room, finish, interview):
    client.post(finish)
    assert set(interview.answers.values_list("state", flat=True)) == {Answer.State.WAITING}
