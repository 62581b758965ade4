"""Question sets in the admin pages: the stock admin, under our strict policy, at the doors as an admin meets them."""

import re

import pytest
from django.urls import reverse

from clinic.models import Job
from interviews.models import Disorder, Question, QuestionSet
from interviews.services import questions as verbs
from tests import factories

INLINE = re.compile(r"<script(?![^>]*(src=|type=\"application/json\"))|<style|\sstyle=|\son\w+=")


@pytest.fixture
def draft(db) -> QuestionSet:
    disorder = Disorder.objects.create(name="Low mood", slug="low-mood")
    made = QuestionSet.objects.create(disorder=disorder, title="Low mood")
    for position, text in enumerate(("How are you?", "What helps?", "Who helps?"), start=1):
        Question.objects.create(question_set=made, position=position, text=text)
    return made


@pytest.fixture
def published(draft, admin) -> QuestionSet:
    return verbs.publish(draft, admin)


@pytest.fixture
def hers(client, admin):
    client.force_login(admin)
    return client


def page(question_set: QuestionSet) -> str:
    return reverse("admin:interviews_questionset_change", args=[question_set.pk])


def press(client, question_set: QuestionSet, name: str) -> str:
    url = reverse(f"admin:interviews_questionset_{name}", args=[question_set.pk])
    return client.post(url, follow=True).content.decode()


def typed(question_set: QuestionSet, rows: list[tuple[int | None, object, str]], **fields) -> dict:
    """What the change page sends: each row is an id (or None), a position and a text."""
    data = {"disorder": question_set.disorder_id, "title": question_set.title, "language": "en", "licence": "CC0"}
    known = sum(pk is not None for pk, _position, _text in rows)
    data |= {"questions-TOTAL_FORMS": len(rows), "questions-INITIAL_FORMS": known}
    for number, (pk, position, text) in enumerate(rows):
        data |= {f"questions-{number}-position": position, f"questions-{number}-text": text}
        data |= {f"questions-{number}-hint": "", f"questions-{number}-question_set": question_set.pk}
        if pk:
            data[f"questions-{number}-id"] = pk
    return data | fields


def texts(question_set: QuestionSet) -> list[str]:
    return list(question_set.questions.values_list("text", flat=True))


def ids(question_set: QuestionSet) -> list[int]:
    return list(question_set.questions.values_list("pk", flat=True))


# --- A draft ---


def test_a_new_set_is_written_with_its_questions(hers):
    disorder = Disorder.objects.create(name="Grief", slug="grief")
    new = QuestionSet(disorder=disorder, title="Grief")
    rows = [(None, "", "How have you been?"), (None, "", "What helps?")]
    sent = typed(new, rows)
    sent = {name: value for name, value in sent.items() if not name.endswith("question_set")}
    response = hers.post(reverse("admin:interviews_questionset_add"), sent)
    assert response.status_code == 302, response.content.decode()
    made = QuestionSet.objects.get(disorder=disorder)
    assert (made.version, made.state, made.licence) == (1, "draft", "CC0")
    assert list(made.questions.values_list("position", "text")) == [(1, "How have you been?"), (2, "What helps?")]


def test_questions_change_places(hers, draft):
    first, second, third = ids(draft)
    rows = [(first, 2, "How are you?"), (second, 1, "What helps?"), (third, 3, "Who helps?")]
    assert hers.post(page(draft), typed(draft, rows)).status_code == 302
    assert texts(draft) == ["What helps?", "How are you?", "Who helps?"]
    assert list(draft.questions.values_list("position", flat=True)) == [1, 2, 3]


def test_a_question_goes_and_another_comes_in_its_place(hers, draft):
    first, second, third = ids(draft)
    rows = [(first, 1, "How are you?"), (second, 2, "What helps?"), (third, 3, "Who helps?"), (None, 2, "And you?")]
    sent = typed(draft, rows, **{"questions-1-DELETE": "on"})
    assert hers.post(page(draft), sent).status_code == 302
    assert texts(draft) == ["How are you?", "And you?", "Who helps?"]


def test_an_empty_question_is_refused_and_nothing_changes(hers, draft):
    first, second, third = ids(draft)
    rows = [(first, 1, "  "), (second, 2, "What now?"), (third, 3, "Who helps?")]
    response = hers.post(page(draft), typed(draft, rows))
    assert response.status_code == 200
    assert "This field is required" in response.content.decode()
    assert texts(draft) == ["How are you?", "What helps?", "Who helps?"]


def test_a_doubtful_question_is_pointed_out(hers, draft):
    Question.objects.create(question_set=draft, position=4, text="Do you feel sad?")
    assert "answered with yes or no" in hers.get(page(draft)).content.decode()


# --- The buttons ---


def test_publishing_freezes_the_set_and_has_it_spoken(hers, draft, admin, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        html = press(hers, draft, "publish")
    assert "The set is published" in html
    draft.refresh_from_db()
    assert (draft.state, draft.approved_by) == ("published", admin)
    assert all(question.audio for question in draft.questions.all())
    assert Job.objects.get(subject=draft.subject).state == "done"


def test_a_published_set_is_read_only_and_says_so(hers, published):
    html = hers.get(page(published)).content.decode()
    assert "cannot change any more" in html
    assert not re.search(r'<(textarea|input type="text")[^>]*name="questions-', html)
    first, second, third = ids(published)
    rows = [(first, 1, "Changed?"), (second, 2, "What helps?"), (third, 3, "Who helps?")]
    assert hers.post(page(published), typed(published, rows, title="Changed")).status_code == 403
    assert texts(published)[0] == "How are you?"
    delete = reverse("admin:interviews_questionset_delete", args=[published.pk])
    assert hers.post(delete, {"post": "yes"}).status_code == 403


def test_the_next_version_opens_as_a_draft(hers, published):
    html = press(hers, published, "next_version")
    assert "This is version 2, a draft." in html
    assert QuestionSet.objects.get(version=2).is_draft
    assert "Version 2 is a draft already" in press(hers, published, "next_version")


def test_retiring_takes_it_off_the_list_for_new_interviews(hers, published):
    assert "offered no more" in press(hers, published, "retire")
    published.refresh_from_db()
    assert published.state == "retired"


def test_audio_can_be_made_again(hers, published, django_capture_on_commit_callbacks):
    for _again in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            assert "audio is being made" in press(hers, published, "speak")
    assert Job.objects.get(subject=published.subject).state == "done"
    assert "3/3" in hers.get(page(published)).content.decode()


def test_a_language_without_a_voice_says_so_on_the_sets_page(hers, published, django_capture_on_commit_callbacks):
    QuestionSet.objects.update(language="xx")
    with django_capture_on_commit_callbacks(execute=True):
        press(hers, published, "speak")
    assert Job.objects.get(subject=published.subject).state == "failed"
    assert "No voice for the language" in hers.get(page(published)).content.decode()


@pytest.mark.parametrize("name", ["speak", "retire"])
def test_a_draft_can_be_neither_spoken_nor_retired(hers, draft, name):
    assert re.search("publish it first|not offered to anybody", press(hers, draft, name))
    assert not Job.objects.exists()


def test_a_set_without_questions_is_not_published(hers, draft):
    draft.questions.all().delete()
    assert "at least one question" in press(hers, draft, "publish")
    draft.refresh_from_db()
    assert draft.is_draft


def test_several_are_published_at_once_and_those_that_cannot_say_why(hers, draft, published):
    following = verbs.next_version(published)
    sent = {"action": "publish_selected", "_selected_action": [published.pk, following.pk]}
    html = hers.post(reverse("admin:interviews_questionset_changelist"), sent, follow=True).content.decode()
    assert "published already" in html
    assert "One set done." in html
    following.refresh_from_db()
    assert following.state == "published"


# --- Who may ---


@pytest.mark.parametrize("who", ["clinician", "engineer", "patient", "stranger"])
@pytest.mark.parametrize("name", ["publish", "next_version", "retire", "speak"])
def test_only_an_admin_may(client, draft, who, name, request):
    person = request.getfixturevalue(who)
    client.force_login(getattr(person, "user", person))
    response = client.post(reverse(f"admin:interviews_questionset_{name}", args=[draft.pk]))
    assert response.status_code == 302
    assert "login" in response["Location"]
    draft.refresh_from_db()
    assert draft.is_draft


def test_a_button_is_a_post(hers, draft):
    assert hers.get(reverse("admin:interviews_questionset_publish", args=[draft.pk])).status_code == 405


def test_a_set_that_is_not_there_is_a_404(hers):
    assert hers.post(reverse("admin:interviews_questionset_publish", args=[4711])).status_code == 404


def test_the_admin_pages_run_nothing_inline(hers, draft, published):
    for url in (page(published), reverse("admin:interviews_questionset_changelist"), reverse("admin:index")):
        response = hers.get(url)
        assert "script-src 'self'" in response["Content-Security-Policy"]
        assert not re.search(
            r"<script(?![^>]*(src=|type=\"application/json\"))|\sstyle=|\son\w+=", response.content.decode()
        )


def test_ten_more_sets_cost_no_more_queries(hers, django_assert_max_num_queries):
    url = reverse("admin:interviews_questionset_changelist")
    factories.a_question_set()
    with django_assert_max_num_queries(20) as few:
        hers.get(url)
    for _number in range(10):
        factories.a_question_set()
    with django_assert_max_num_queries(len(few)):
        hers.get(url)


def test_a_disorder_shows_its_sets(hers, published):
    html = hers.get(reverse("admin:interviews_disorder_change", args=[published.disorder_id])).content.decode()
    assert page(published) in html
