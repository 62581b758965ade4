"""The pages on which questions are drafted, changed, approved and published; and who may not."""

import json

import pytest
from django.urls import reverse

from clinic.models import AuditEntry, Job
from interviews.forms import NewInterviewForm
from interviews.models import Disorder, Question, QuestionDraft, QuestionSet
from interviews.services import drafting as verbs
from tests import factories
from tests.interviews.test_drafting import ARABIC, GOOD, reply
from tests.ollama_server import DIGEST, serving


@pytest.fixture
def disorder(db) -> Disorder:
    return Disorder.objects.create(name="Low mood", slug="low-mood", icd10="F32")


@pytest.fixture
def draft(disorder) -> QuestionSet:
    made = verbs.new_draft(disorder, "Low mood", "en")
    for position, text in enumerate(("How are you?", "What helps?", "Do you sleep?"), start=1):
        Question.objects.create(question_set=made, position=position, text=text)
    return made


@pytest.fixture
def hers(client, admin):
    client.force_login(admin)
    return client


@pytest.fixture
def write(client, settings, disorder, django_capture_on_commit_callbacks):
    """Asks for a draft while a model gives these replies; the disorder's page after it."""

    def write(*replies: str, number: int = 4, language: str = "en", url: str = "", **options) -> str:
        with serving(*replies, **options) as server, django_capture_on_commit_callbacks(execute=True):
            settings.OLLAMA_HOST, settings.OLLAMA_MODEL, settings.OLLAMA_TIMEOUT = server.url, "llama3.2:3b", 5.0
            sent = {"number": number, "kind": "first", "language": language}
            response = client.post(url or reverse("interviews:ask_for_draft", args=[disorder.pk]), sent)
        if response.status_code == 422:
            return response.content.decode()
        return client.get(response["Location"]).content.decode()

    return write


def texts(question_set: QuestionSet) -> list[str]:
    return list(question_set.questions.values_list("text", flat=True))


def send(client, draft: QuestionSet, do: str = "save", **fields):
    data = {"title": draft.title, "do": do, "text-new": "", "hint-new": ""}
    for question in draft.questions.all():
        data |= {f"text-{question.pk}": question.text, f"hint-{question.pk}": question.hint}
    return client.post(reverse("interviews:change_set", args=[draft.pk]), data | fields)


def page(client, question_set: QuestionSet) -> str:
    return client.get(reverse("interviews:question_set", args=[question_set.pk])).content.decode()


# --- Drafted by a language model ---


def test_a_draft_says_which_model_wrote_it_and_waits_for_an_admin(client, clinician, write):
    client.force_login(clinician)
    assert "drafted by a language model" in write(reply(*GOOD))
    made = QuestionSet.objects.get()
    assert (made.state, made.drafted_by, made.draft_digest) == ("draft", "ollama llama3.2:3b", DIGEST)
    assert (made.prompt_version, texts(made), made.approved_by) == ("questions-1", GOOD, None)
    assert QuestionDraft.objects.get().question_set == made
    html = page(client, made)
    assert "an administrator has not approved it" in html
    assert "<textarea" not in html


def test_what_a_model_wrote_reaches_no_patient_unapproved(client, clinician, write, admin):
    client.force_login(clinician)
    write(reply(*GOOD))
    made, patient = QuestionSet.objects.get(), factories.a_patient(clinician)
    assert made not in NewInterviewForm(clinician).sets
    response = client.post(reverse("interviews:new"), {"patient": patient.pk, "question_set": made.pk})
    assert response.status_code == 422
    assert not patient.interviews.exists()
    client.force_login(admin)
    client.post(reverse("interviews:publish_set", args=[made.pk]))
    assert made in NewInterviewForm(clinician).sets


def test_questions_with_a_fault_are_left_out_and_the_draft_says_so(hers, write):
    write(reply(*GOOD, "Are you sad?"), number=5)
    made = QuestionSet.objects.get()
    assert texts(made) == GOOD
    assert "1 of its questions were left out: It can be answered with yes or no." in page(hers, made)


def test_an_arabic_draft_is_in_arabic(hers, write):
    write(reply(*ARABIC), number=3, language="ar")
    made = QuestionSet.objects.get()
    assert (made.language, texts(made)) == ("ar", ARABIC)


@pytest.mark.parametrize(
    ("replies", "options", "said"),
    [
        (["no JSON"], {}, "in a form that cannot be used"),
        ([""], {}, "answered with nothing"),
        ([reply("Are you sad?", "Do you eat?", "Is it hard?", "Can you go?")], {}, "cannot be asked, twice"),
        ([reply(*GOOD)], {"manner": "break"}, "while it was writing"),
        ([reply(*GOOD)], {"models": ("other",)}, "ollama pull"),
        ([reply(*GOOD)], {"manner": "error"}, "refused (status 500)"),
    ],
    ids=["no form", "empty", "bad questions", "broken stream", "model unknown", "server error"],
)
def test_each_failure_has_a_sentence_and_a_retry(hers, write, replies, options, said):
    html = write(*replies, **options)
    assert said in html
    assert "Try again" in html
    assert not QuestionSet.objects.exists()
    again = reverse("interviews:retry_draft", args=[QuestionDraft.objects.get().pk])
    write(reply(*GOOD), url=again)
    assert texts(QuestionSet.objects.get()) == GOOD
    assert Job.objects.get(stage="draft").state == "done"


def test_without_a_model_the_page_says_so_beforehand(hers, disorder, settings):
    settings.OLLAMA_HOST = ""
    html = hers.get(reverse("interviews:disorder", args=[disorder.pk])).content.decode()
    assert "No language model is set up" in html


@pytest.mark.parametrize("number", [2, 16, "many"])
def test_three_to_fifteen_questions_may_be_asked_for(hers, write, number):
    assert "field__error" in write(reply(*GOOD), number=number)
    assert not QuestionDraft.objects.exists()


# --- Changed by an admin ---


def test_an_admin_changes_adds_and_moves_questions_by_buttons(hers, draft):
    first, second, third = draft.questions.all()
    typed = {f"text-{first.pk}": "How have you been?", "text-new": "Who helps?", "title": "Mood"}
    response = send(hers, draft, f"down:{first.pk}", **typed)
    assert response["Location"].endswith(f"#question-{first.pk}")
    draft.refresh_from_db()
    assert draft.title == "Mood"
    assert texts(draft) == ["What helps?", "How have you been?", "Do you sleep?", "Who helps?"]
    send(hers, draft, f"up:{third.pk}")
    assert texts(draft) == ["What helps?", "Do you sleep?", "How have you been?", "Who helps?"]
    send(hers, draft, f"up:{second.pk}")  # the first one stays the first
    assert texts(draft)[0] == "What helps?"


def test_a_removed_question_can_be_brought_back_to_its_place(hers, draft):
    second = draft.questions.all()[1]
    send(hers, draft, f"remove:{second.pk}")
    assert texts(draft) == ["How are you?", "Do you sleep?"]
    assert "Bring it back" in page(hers, draft)
    hers.post(reverse("interviews:undo_removal", args=[draft.pk]))
    assert texts(draft) == ["How are you?", "What helps?", "Do you sleep?"]
    assert list(draft.questions.values_list("position", flat=True)) == [1, 2, 3]
    assert "Bring it back" not in page(hers, draft)


def test_an_empty_question_is_refused_and_what_was_typed_stays(hers, draft):
    first, second, _third = draft.questions.all()
    response = send(hers, draft, **{f"text-{first.pk}": " ", f"text-{second.pk}": "What helps most?"})
    assert response.status_code == 422
    assert "cannot be empty" in response.content.decode()
    assert "What helps most?" in response.content.decode()
    assert texts(draft)[1] == "What helps?"


def test_a_doubtful_question_is_pointed_out_where_it_stands(hers, draft):
    html = page(hers, draft)
    assert "Look again" in html
    assert "It can be answered with yes or no." in html
    assert "One question should be looked at again." in html


def test_publishing_asks_first_and_names_who_approved(hers, draft, admin, django_capture_on_commit_callbacks):
    response = send(hers, draft, "publish")
    assert "Approve and publish" in hers.get(response["Location"]).content.decode()
    draft.refresh_from_db()
    assert draft.is_draft
    with django_capture_on_commit_callbacks(execute=True):
        hers.post(reverse("interviews:publish_set", args=[draft.pk]))
    draft.refresh_from_db()
    assert (draft.state, draft.approved_by) == ("published", admin)
    assert AuditEntry.objects.filter(verb="publish", subject=draft.subject).exists()
    assert "<textarea" not in page(hers, draft)


def test_a_published_set_can_neither_be_changed_nor_deleted(hers, draft):
    hers.post(reverse("interviews:publish_set", args=[draft.pk]))
    first = draft.questions.first()
    assert send(hers, draft, **{f"text-{first.pk}": "Changed?"}).status_code == 422
    send(hers, draft, f"remove:{first.pk}")
    hers.post(reverse("interviews:delete_set", args=[draft.pk]))
    assert texts(draft)[0] == "How are you?"
    response = hers.post(reverse("interviews:next_version", args=[draft.pk]))
    following = QuestionSet.objects.get(version=2)
    assert response["Location"].endswith(f"/sets/{following.pk}/")
    hers.post(reverse("interviews:retire_set", args=[draft.pk]))
    draft.refresh_from_db()
    assert draft.state == "retired"


def test_a_draft_is_begun_by_hand_and_deleted(hers, disorder):
    url = reverse("interviews:write_by_hand", args=[disorder.pk])
    hers.post(url, {"title": "By hand", "language": "ar"})
    made = QuestionSet.objects.get()
    assert (made.title, made.language, made.drafted_by) == ("By hand", "ar", "")
    hers.post(reverse("interviews:delete_set", args=[made.pk]))
    assert not QuestionSet.objects.exists()


# --- Who may ---

ADMINS_DOORS = ["change_set", "undo_removal", "publish_set", "retire_set", "next_version", "delete_set"]


@pytest.mark.parametrize("name", ADMINS_DOORS)
@pytest.mark.parametrize("who", ["clinician", "engineer", "patient"])
def test_only_an_admin_changes_a_set(client, draft, who, name, request):
    person = request.getfixturevalue(who)
    client.force_login(getattr(person, "user", person))
    assert client.post(reverse(f"interviews:{name}", args=[draft.pk])).status_code == 404
    draft.refresh_from_db()
    assert draft.is_draft
    assert len(texts(draft)) == 3


@pytest.mark.parametrize("who", ["engineer", "patient"])
def test_engineers_and_patients_see_no_set(client, draft, who, request):
    person = request.getfixturevalue(who)
    client.force_login(getattr(person, "user", person))
    for name, pk in (("question_set", draft.pk), ("disorder", draft.disorder_id)):
        assert client.get(reverse(f"interviews:{name}", args=[pk])).status_code == 404
    assert client.post(reverse("interviews:ask_for_draft", args=[draft.disorder_id])).status_code == 404


def test_what_is_not_there_is_a_404(hers):
    for name in ("disorder", "question_set", "name"):
        assert hers.get(reverse(f"interviews:{name}", args=[4711])).status_code == 404


def test_a_page_of_questions_runs_nothing_inline(hers, draft):
    html = page(hers, draft)
    assert " style=" not in html
    assert json.dumps("onclick") not in html
