"""A question set's life: curated or drafted, published for good, followed by a next version."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.models import User
from clinic.services import note_access
from interviews.errors import InterviewError, SetIsPublished
from interviews.models import Disorder, Question, QuestionSet
from interviews.questions import CuratedSet


@transaction.atomic
def publish(question_set: QuestionSet, by: User) -> QuestionSet:
    """Approve a draft under a name. From now on it never changes; the version before it is offered no more.

    Raises SetIsPublished, InterviewError where there is nothing to ask.
    """
    found = QuestionSet.objects.select_for_update().get(pk=question_set.pk)
    if not found.is_draft:
        raise SetIsPublished(_("%(set)s is published already.") % {"set": found})
    texts = list(found.questions.values_list("text", flat=True))
    if not texts or not all(text.strip() for text in texts):
        raise InterviewError(_("A set needs at least one question, and none of them may be empty."))
    older = QuestionSet.objects.filter(disorder=found.disorder, language=found.language)
    older.filter(state=QuestionSet.State.PUBLISHED).update(state=QuestionSet.State.RETIRED)
    found.state, found.approved_by, found.published_at = QuestionSet.State.PUBLISHED, by, timezone.now()
    found.save(update_fields=["state", "approved_by", "published_at"])
    note_access(by, "publish", found.subject)
    return found


@transaction.atomic
def retire(question_set: QuestionSet, by: User) -> QuestionSet:
    """Offer it for new interviews no more; those that were asked it keep it. May run twice."""
    found = QuestionSet.objects.select_for_update().get(pk=question_set.pk)
    if found.is_draft:
        raise InterviewError(_("A draft is not offered to anybody yet; delete it if it is not needed."))
    if found.state != QuestionSet.State.RETIRED:
        found.state = QuestionSet.State.RETIRED
        found.save(update_fields=["state"])
        note_access(by, "retire", found.subject)
    return found


@transaction.atomic
def next_version(question_set: QuestionSet) -> QuestionSet:
    """A draft with the same questions, to be changed and published in its turn."""
    Disorder.objects.select_for_update().get(pk=question_set.disorder_id)  # two at once would take the same number
    family = QuestionSet.objects.filter(disorder=question_set.disorder, language=question_set.language)
    draft = family.filter(state=QuestionSet.State.DRAFT).first()
    if draft:
        raise InterviewError(_("Version %(version)s is a draft already: change that one.") % {"version": draft.version})
    made = QuestionSet.objects.create(
        disorder=question_set.disorder,
        title=question_set.title,
        language=question_set.language,
        licence=question_set.licence,
        version=(family.aggregate(newest=Max("version"))["newest"] or 0) + 1,
    )
    for question in question_set.questions.all():
        Question.objects.create(question_set=made, position=question.position, text=question.text, hint=question.hint)
    return made


def order_questions(question_set: QuestionSet, wanted: list[int]) -> None:
    """Number a draft's questions from 1 in this order of ids. Caller holds the transaction."""
    rows = Question.objects.filter(question_set=question_set)
    highest = rows.aggregate(highest=Max("position"))["highest"] or 0
    # Out of the way first: two questions may not share a position, not even for a moment.
    for shift, pk in enumerate(wanted, start=1):
        rows.filter(pk=pk).update(position=highest + shift)
    for position, pk in enumerate(wanted, start=1):
        rows.filter(pk=pk).update(position=position)


@transaction.atomic
def install_curated(curated: CuratedSet, by: User) -> QuestionSet | None:
    """A set that ships with the project, published as the first version; None where the disorder has sets already."""
    disorder, _is_new = Disorder.objects.get_or_create(
        slug=curated.slug,
        defaults={"name": curated.name, "icd10": curated.icd10, "description": curated.description},
    )
    if disorder.question_sets.filter(language=curated.language).exists():
        return None
    made = QuestionSet.objects.create(
        disorder=disorder, title=curated.title, language=curated.language, licence=curated.licence
    )
    for position, asked in enumerate(curated.questions, start=1):
        Question.objects.create(question_set=made, position=position, text=asked.text, hint=asked.hint)
    return publish(made, by)
