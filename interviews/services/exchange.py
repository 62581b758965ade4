"""Question sets out of the clinic and into it. What comes in is a draft, whoever wrote it."""

from __future__ import annotations

from django.db import transaction

from clinic.models import User
from clinic.services import note_access
from interviews import exchange
from interviews.models import Disorder, Question, QuestionSet
from interviews.questions import Asked, CuratedSet
from interviews.services.drafting import new_draft


def export(question_set: QuestionSet, by: User) -> str:
    """As JSON."""
    disorder = question_set.disorder
    note_access(by, "export", question_set.subject)
    return exchange.write(
        CuratedSet(
            name=disorder.name,
            slug=disorder.slug,
            icd10=disorder.icd10,
            description=disorder.description,
            title=question_set.title,
            language=question_set.language,
            licence=question_set.licence,
            questions=tuple(Asked(one.text, one.hint) for one in question_set.questions.all()),
        )
    )


def known_disorder(found: CuratedSet) -> Disorder | None:
    """The clinic's own, by its slug or its name."""
    by_slug = Disorder.objects.filter(slug=found.slug).first()
    return by_slug or Disorder.objects.filter(name__iexact=found.name).first()


@transaction.atomic
def bring_in(found: CuratedSet, by: User) -> QuestionSet:
    """A draft with these questions, all of them or none; its disorder is made where the clinic has none like it."""
    disorder = known_disorder(found)
    if disorder is None:
        disorder = Disorder.objects.create(
            name=found.name, slug=found.slug, icd10=found.icd10, description=found.description
        )
        note_access(by, "create", f"disorder:{disorder.pk}")
    made = new_draft(disorder, found.title, found.language, licence=found.licence)
    for position, asked in enumerate(found.questions, start=1):
        Question.objects.create(question_set=made, position=position, text=asked.text, hint=asked.hint)
    note_access(by, "import", made.subject)
    return made
