"""A set of questions, drafted by a language model: never asked of anybody before an admin has approved it."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from django.db.models import Max
from django.utils import translation
from django.utils.translation import gettext as _

from clinic.integrations.language import LanguageModel, LanguageModelError
from clinic.jobs import Outcome
from clinic.models import User
from clinic.services import note_access
from interviews import drafting
from interviews.drafting import Drafted, Wanted
from interviews.models import Disorder, Question, QuestionDraft, QuestionSet
from interviews.stages import DRAFT


@transaction.atomic
def ask_for_draft(disorder: Disorder, by: User, number: int, kind: str, language: str) -> QuestionDraft:
    asked = QuestionDraft.objects.create(disorder=disorder, asked_by=by, number=number, kind=kind, language=language)
    note_access(by, "ask for a draft", asked.subject)
    return asked


def write(
    asked: QuestionDraft, model: LanguageModel | None, on_progress: Callable[[float], None]
) -> dict[str, Outcome]:
    """The draft, as a stage of work. May run twice: one that is written stays as it is."""
    if asked.question_set_id:
        return {DRAFT: Outcome()}
    if model is None:
        return {DRAFT: Outcome(_("No language model is set up, so no draft was written."), failed=True)}
    wanted = Wanted(asked.disorder.name, asked.number, asked.kind, asked.language)
    try:
        drafted = drafting.draft(model, wanted, on_progress)
    except LanguageModelError as error:
        return {DRAFT: Outcome(str(error), failed=True)}
    made = _keep(asked, drafted)
    return {DRAFT: Outcome(made.draft_note)}


@transaction.atomic
def new_draft(disorder: Disorder, title: str, language: str, **fields: str) -> QuestionSet:
    """An empty draft with the next number of its family."""
    Disorder.objects.select_for_update().get(pk=disorder.pk)  # two at once would take the same number
    family = QuestionSet.objects.filter(disorder=disorder, language=language)
    version = (family.aggregate(newest=Max("version"))["newest"] or 0) + 1
    return QuestionSet.objects.create(
        disorder=disorder, title=title[:160], language=language, version=version, **fields
    )


@transaction.atomic
def _keep(asked: QuestionDraft, drafted: Drafted) -> QuestionSet:
    asked = QuestionDraft.objects.select_for_update(of=("self",)).select_related("disorder").get(pk=asked.pk)
    if asked.question_set:  # another worker was quicker
        return asked.question_set
    with translation.override(asked.language):
        title = str(asked)
    made = new_draft(
        asked.disorder,
        title,
        asked.language,
        drafted_by=drafted.engine[:120],
        draft_digest=drafted.digest[:80],
        prompt_version=drafting.VERSION,
        draft_note=_note(drafted)[:500],
    )
    for position, one in enumerate(drafted.questions, start=1):
        Question.objects.create(question_set=made, position=position, text=one.text, hint=one.hint)
    asked.question_set = made
    asked.save(update_fields=["question_set"])
    return made


def _note(drafted: Drafted) -> str:
    if not drafted.struck:
        return ""
    return _("%(struck)s of its questions were left out: %(faults)s") % {
        "struck": drafted.struck,
        "faults": " ".join(drafted.faults),
    }
