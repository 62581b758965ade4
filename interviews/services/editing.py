"""What an admin does to a draft: change, move, remove, bring back, delete. A published version is never touched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from clinic.models import User
from clinic.services import note_access
from interviews.errors import InterviewError, SetIsPublished
from interviews.models import Question, QuestionSet
from interviews.questions import Asked
from interviews.services.questions import order_questions

MOST_QUESTIONS = 40


@dataclass(frozen=True)
class Removed:
    """A question that was taken out, and where it stood."""

    position: int
    text: str
    hint: str


@transaction.atomic
def change(draft: QuestionSet, title: str, changed: Mapping[int, Asked], added: Asked, by: User) -> None:
    """The title and each question as it was typed; `added` at the end, where it says something.

    Raises InterviewError; then nothing has changed.
    """
    draft = _locked(draft)
    title = title.strip()
    if not title:
        raise InterviewError(_("The set needs a title."))
    questions = {question.pk: question for question in draft.questions.all()}
    for pk, asked in changed.items():
        if not asked.text.strip():
            raise InterviewError(_("A question cannot be empty. Remove it if it is not needed."))
        if question := questions.get(pk):  # one that was removed meanwhile is not brought back
            question.text, question.hint = asked.text.strip(), asked.hint.strip()[:300]
            question.save(update_fields=["text", "hint"])
    if added.text.strip():
        _append(draft, added)
    if draft.title != title:
        draft.title = title[:160]
        draft.save(update_fields=["title"])
    note_access(by, "change", draft.subject)


@transaction.atomic
def move(draft: QuestionSet, question_id: int, places: int) -> None:
    """A question so many places down, or up where negative; at the ends it stays."""
    draft = _locked(draft)
    order = list(draft.questions.values_list("pk", flat=True))
    if question_id in order:
        at = order.index(question_id)
        order.insert(max(0, min(len(order) - 1, at + places)), order.pop(at))
        order_questions(draft, order)


@transaction.atomic
def remove(draft: QuestionSet, question_id: int) -> Removed | None:
    """A question out of a draft; what it was, so that it can be brought back."""
    draft = _locked(draft)
    question = draft.questions.filter(pk=question_id).first()
    if question is None:
        return None
    removed = Removed(question.position, question.text, question.hint)
    question.delete()
    order_questions(draft, list(draft.questions.values_list("pk", flat=True)))
    return removed


@transaction.atomic
def bring_back(draft: QuestionSet, removed: Removed) -> None:
    draft = _locked(draft)
    question = _append(draft, Asked(removed.text, removed.hint))
    order = [pk for pk in draft.questions.values_list("pk", flat=True) if pk != question.pk]
    order.insert(max(0, removed.position - 1), question.pk)
    order_questions(draft, order)


@transaction.atomic
def delete(draft: QuestionSet, by: User) -> None:
    """A draft and its questions, for good."""
    draft = _locked(draft)
    note_access(by, "delete", draft.subject)
    draft.delete()


def _append(draft: QuestionSet, asked: Asked) -> Question:
    last = draft.questions.last()
    if draft.questions.count() >= MOST_QUESTIONS:
        raise InterviewError(_("A set has %(most)s questions at most.") % {"most": MOST_QUESTIONS})
    return Question.objects.create(
        question_set=draft,
        position=last.position + 1 if last else 1,
        text=asked.text.strip(),
        hint=asked.hint.strip()[:300],
    )


def _locked(draft: QuestionSet) -> QuestionSet:
    """Raises SetIsPublished."""
    found = QuestionSet.objects.select_for_update().filter(pk=draft.pk).first()
    if found is None:
        raise InterviewError(_("This draft was deleted."))
    if not found.is_draft:
        raise SetIsPublished(_("This version is published and cannot change. Make a new version instead."))
    return found
