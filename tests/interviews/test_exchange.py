"""Question sets as JSON: out, back in, and what is refused with its place."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from interviews import exchange
from interviews.exchange import ImportRefused
from interviews.models import Disorder, QuestionSet
from interviews.questions import SETS, curated_sets
from tests import factories

GOOD = (SETS / "panic.json").read_text()


def changed(**fields) -> str:
    return json.dumps(json.loads(GOOD) | fields)


# --- The form, without a database ---


@pytest.mark.parametrize("curated", curated_sets(), ids=lambda one: f"{one.slug}-{one.language}")
def test_what_was_written_is_read_back(curated):
    assert exchange.read(exchange.write(curated)) == curated


@pytest.mark.parametrize(
    ("text", "place", "sentence"),
    [
        ("{\n oops", "line 2", "not JSON"),
        ("[" * 100_000, "", "not JSON"),
        ("[]", "", "form that is needed"),
        (changed(title=""), "title", "empty"),
        (changed(title=3), "title", "has to be text"),
        (changed(language="xx"), "language", "Only these languages"),
        (changed(format="other-1"), "format", "not known here"),
        (changed(colour="red"), "colour", "belongs here"),
        (changed(questions=[]), "questions", "no question"),
        (changed(questions=[{"text": "How?"}, {"hint": "x"}]), "questions.2.text", "missing"),
        (changed(questions=[{"text": "x" * 1001}]), "questions.1.text", "1000"),
        (changed(disorder={"name": "Migraine", "slug": "migraine", "icd10": "G43"}), "disorder.icd10", "chapter V"),
        (changed(disorder={"name": "Panic", "slug": "../etc"}), "disorder.slug", "small Latin letters"),
        (changed(source="x" * 300_000), "", "too large"),
    ],
    ids=range(14),
)
def test_what_is_wrong_is_told_with_its_place(text, place, sentence):
    with pytest.raises(ImportRefused) as refused:
        exchange.read(text)
    assert any(at == place and sentence in told for at, told in refused.value.faults), refused.value.faults


# --- The pages ---


@pytest.fixture
def hers(client, admin):
    client.force_login(admin)
    return client


def send(client, **data):
    return client.post(reverse("interviews:import_set"), data)


def test_a_set_is_looked_at_first_and_comes_in_as_a_draft(hers):
    file = SimpleUploadedFile("panic.json", GOOD.encode(), "application/json")
    html = send(hers, file=file).content.decode()
    assert "The disorder Panic is new here" in html
    assert not QuestionSet.objects.exists()
    response = send(hers, text=GOOD, keep="")
    made = QuestionSet.objects.get()
    assert response["Location"].endswith(f"/sets/{made.pk}/")
    assert (made.state, made.approved_by, made.questions.count(), made.licence) == ("draft", None, 7, "CC-BY-4.0")


def test_a_second_import_is_a_next_version_of_the_same_disorder(hers):
    send(hers, text=GOOD, keep="")
    assert "For the disorder Panic." in send(hers, text=GOOD).content.decode()
    send(hers, text=GOOD, keep="")
    assert list(QuestionSet.objects.values_list("version", flat=True).order_by("version")) == [1, 2]
    assert Disorder.objects.count() == 1


def test_a_doubtful_question_is_pointed_out_before_it_comes_in(hers):
    html = send(hers, text=changed(questions=[{"text": "Are you sad?"}])).content.decode()
    assert "It can be answered with yes or no." in html


@pytest.mark.parametrize("text", ["", "nonsense", changed(questions=[{"text": "How?"}, {"text": ""}])])
def test_nothing_comes_in_half(hers, text):
    response = send(hers, text=text, keep="")
    assert response.status_code == 422
    assert "Nothing was imported" in response.content.decode()
    assert not Disorder.objects.exists()
    assert not QuestionSet.objects.exists()


def test_a_file_that_is_no_text_is_refused(hers):
    assert "not text in UTF-8" in send(hers, file=SimpleUploadedFile("x.json", b"\xff\xfe\x00")).content.decode()


def test_an_export_is_a_file_that_comes_back_in(hers):
    made = factories.a_question_set()
    response = hers.get(reverse("interviews:export_set", args=[made.pk]))
    assert response["Content-Disposition"].startswith("attachment")
    assert exchange.read(response.content.decode()).title == made.title


@pytest.mark.parametrize("who", ["clinician", "engineer", "patient"])
def test_only_an_admin_imports(client, who, request):
    person = request.getfixturevalue(who)
    client.force_login(getattr(person, "user", person))
    assert client.get(reverse("interviews:import_set")).status_code == 404
    assert send(client, text=GOOD, keep="").status_code == 404
    assert not QuestionSet.objects.exists()


@pytest.mark.parametrize("who", ["engineer", "patient"])
def test_engineers_and_patients_export_nothing(client, db, who, request):
    made, person = factories.a_question_set(), request.getfixturevalue(who)
    client.force_login(getattr(person, "user", person))
    assert client.get(reverse("interviews:export_set", args=[made.pk])).status_code == 404
