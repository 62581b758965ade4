"""A question set's life: curated or drafted, published for good, spoken ahead, followed by a next version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import jobs
from clinic.integrations.speaking import Speaking, SpeakingError, voice_for
from clinic.jobs import Outcome
from clinic.models import Job, User
from clinic.services import note_access
from interviews.errors import InterviewError, SetIsPublished
from interviews.models import Disorder, Question, QuestionSet
from interviews.questions import CuratedSet

REFUSALS = (InterviewError, SpeakingError)


@dataclass(frozen=True)
class SetSpoken:
    """How a set's audio was made: `notes` say where another voice than the wanted one spoke."""

    made: int
    voices: tuple[str, ...]
    notes: tuple[str, ...]


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


def speak_questions(
    question_set: QuestionSet, on_progress: Callable[[float], None] | None = None, voice: Speaking | None = None
) -> SetSpoken:
    """Audio for each question of a published set, made before anybody is asked. May run twice: it is made again.

    Raises SpeakingError; questions spoken until then keep their audio, and all are shown as text anyway.
    """
    if question_set.is_draft:
        raise InterviewError(_("A draft may still change: publish it first, then have it spoken."))
    voice = voice or voice_for(question_set.language)
    questions, voices, notes = list(question_set.questions.all()), [], []
    for number, question in enumerate(questions, start=1):
        spoken = voice.speak(question.text)
        question.audio.name, question.audio_voice = spoken.name, spoken.voice[:60]
        question.save(update_fields=["audio", "audio_voice"])
        voices.append(spoken.voice)
        notes.append(spoken.note)
        if on_progress:
            on_progress(number / len(questions))
    return SetSpoken(len(questions), tuple(dict.fromkeys(voices)), tuple(dict.fromkeys(filter(None, notes))))


def speak(question_set: QuestionSet, job: Job) -> dict[str, Outcome]:
    """The same as a stage of work: its row says how far it is, and which voice stood in for another."""
    spoken = speak_questions(question_set, lambda share: jobs.beat(job, 100 * share))
    return {job.stage: Outcome(" ".join(spoken.notes))}


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
