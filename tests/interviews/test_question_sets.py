"""Question sets: the curated ones, and a set's life from draft to retired."""

import pytest
from django.db import IntegrityError

from clinic.models import AuditEntry
from interviews.errors import InterviewError, SetIsPublished
from interviews.models import Disorder, Question, QuestionSet
from interviews.questions import CuratedSet, curated_sets, faults, faults_of_set, reading_grade
from interviews.services import questions as verbs
from tests import factories

CURATED = {f"{curated.slug}-{curated.language}": curated for curated in curated_sets()}
STRENGTH = {
    "en": ("help", "calm", "safe", "free", "ease", "steady", "well"),
    "ar": ("ساعد", "هدوء", "هادئة", "الأمان", "الراحة"),
}


@pytest.fixture
def draft(db) -> QuestionSet:
    disorder = Disorder.objects.create(name="Low mood", slug="low-mood")
    made = QuestionSet.objects.create(disorder=disorder, title="Low mood", licence="CC0-1.0")
    for position, text in enumerate(("How are you?", "What helps?", "Who helps?"), start=1):
        Question.objects.create(question_set=made, position=position, text=text)
    return made


# --- The curated sets ---


def test_at_least_six_disorders_ship_with_questions():
    assert len(CURATED) >= 6
    assert {"F32", "F41.1", "F41.0", "F43.1", "F42", "F40.1"} <= {curated.icd10 for curated in CURATED.values()}


@pytest.mark.parametrize("curated", CURATED.values(), ids=CURATED.keys())
def test_a_curated_set_is_five_to_seven_good_questions_with_a_licence(curated: CuratedSet):
    assert 5 <= len(curated.questions) <= 7
    assert curated.licence
    assert "do not make a diagnosis" in curated.description
    found = faults_of_set([asked.text for asked in curated.questions], curated.language)
    assert dict(zip((asked.text for asked in curated.questions), found, strict=True)) == {
        asked.text: [] for asked in curated.questions
    }
    if curated.language == "en":
        assert all(reading_grade(asked.hint) < 8 for asked in curated.questions if asked.hint)


def test_every_disorder_has_its_questions_in_english_and_arabic():
    families = {curated.slug: set() for curated in curated_sets()}
    for curated in curated_sets():
        families[curated.slug].add(curated.language)
    assert set(map(frozenset, families.values())) == {frozenset({"en", "ar"})}
    alike = {(curated.slug, curated.name, curated.icd10, curated.description) for curated in curated_sets()}
    assert len(alike) == len(families)


@pytest.mark.parametrize("curated", CURATED.values(), ids=CURATED.keys())
def test_a_curated_set_ends_with_something_that_strengthens(curated: CuratedSet):
    last = curated.questions[-1].text.lower()
    assert any(word in last for word in STRENGTH[curated.language])


def test_no_question_is_asked_twice_in_one_set():
    for curated in CURATED.values():
        assert len({asked.text for asked in curated.questions}) == len(curated.questions)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Do you feel sad?", "yes or no"),
        ("Think of last week. Were you sad?", "yes or no"),
        ("How do you sleep, and what do you dream?", "two things"),
        ("How do you sleep? What do you dream?", "one question"),
        ("Tell us about your day.", "one question"),
        ("How bad is it for you?", "suggests"),
        ("What symptoms bother you?", "clinical word"),
        ("How would you characterise the deterioration of your interpersonal relationships?", "hard to read"),
    ],
)
def test_what_makes_a_question_a_bad_one_is_found(text, fault):
    assert any(fault in found for found in faults(text))


# --- From draft to retired ---


def test_publishing_names_who_approved_and_when(draft, admin):
    published = verbs.publish(draft, admin)
    assert (published.state, published.approved_by) == ("published", admin)
    assert published.published_at
    assert AuditEntry.objects.filter(verb="publish", subject=f"question-set:{draft.pk}").exists()


def test_a_published_set_cannot_change(draft, admin):
    published = verbs.publish(draft, admin)
    question = published.questions.first()
    question.text = "Something else?"
    with pytest.raises(SetIsPublished):
        question.save()
    with pytest.raises(SetIsPublished):
        question.delete()
    with pytest.raises(SetIsPublished):
        Question.objects.create(question_set=published, position=9, text="One more?")
    with pytest.raises(SetIsPublished, match="published already"):
        verbs.publish(draft, admin)


def test_a_set_without_questions_is_not_published(draft, admin):
    draft.questions.all().delete()
    with pytest.raises(InterviewError, match="at least one question"):
        verbs.publish(draft, admin)


def test_the_next_version_is_a_copy_that_may_change(draft, admin):
    published = verbs.publish(draft, admin)
    following = verbs.next_version(published)
    assert (following.version, following.state, following.licence) == (2, "draft", "CC0-1.0")
    assert texts(following) == texts(published)
    question = following.questions.first()
    question.text = "How have you been?"
    question.save()
    assert texts(published)[0] == "How are you?"


def test_a_second_draft_is_refused(draft, admin):
    published = verbs.publish(draft, admin)
    verbs.next_version(published)
    with pytest.raises(InterviewError, match="Version 2 is a draft already"):
        verbs.next_version(published)


def test_publishing_the_next_version_retires_the_one_before_but_interviews_keep_it(draft, admin):
    first = verbs.publish(draft, admin)
    interview = factories.an_interview(question_set=first)
    verbs.publish(verbs.next_version(first), admin)
    first.refresh_from_db()
    interview.refresh_from_db()
    assert first.state == "retired"
    assert interview.question_set == first


def test_a_draft_cannot_be_retired(draft, admin):
    with pytest.raises(InterviewError, match="not offered"):
        verbs.retire(draft, admin)


def test_questions_are_numbered_in_the_order_asked_for(draft):
    ids = list(draft.questions.values_list("pk", flat=True))
    verbs.order_questions(draft, [ids[2], ids[0], ids[1]])
    assert texts(draft) == ["Who helps?", "How are you?", "What helps?"]
    assert list(draft.questions.values_list("position", flat=True)) == [1, 2, 3]


def test_two_questions_cannot_share_a_position(draft):
    with pytest.raises(IntegrityError):
        Question.objects.create(question_set=draft, position=1, text="Again?")


# --- Curated sets in the database ---


def test_installing_the_curated_sets_twice_changes_nothing(admin):
    made = [verbs.install_curated(curated, admin) for curated in curated_sets()]
    assert all(one.state == "published" for one in made)
    assert [verbs.install_curated(curated, admin) for curated in curated_sets()] == [None] * len(made)
    assert QuestionSet.objects.count() == len(made)


def texts(question_set: QuestionSet) -> list[str]:
    return list(question_set.questions.values_list("text", flat=True))
