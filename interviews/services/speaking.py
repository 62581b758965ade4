"""Questions' audio: made when a set is published, made again for many sets at once, cleared when no set uses it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic import jobs
from clinic.integrations.speaking import Speaking, SpeakingError, Spoken, voice_for
from clinic.jobs import Outcome
from clinic.models import Job, User
from clinic.services import note_access
from interviews.errors import InterviewError
from interviews.models import Question, QuestionSet
from interviews.queries.voices import WANTED, unused_audio, voices_of

REFUSALS = (InterviewError, SpeakingError)
SUBJECT = "voices"  # of the one job that makes the audio of many sets


@dataclass(frozen=True)
class SetSpoken:
    """How a set's audio was made: `notes` say where another voice than the wanted one spoke."""

    made: int
    voices: tuple[str, ...]
    notes: tuple[str, ...]


def speak_questions(
    question_set: QuestionSet, on_progress: Callable[[float], None] | None = None, voice: Speaking | None = None
) -> SetSpoken:
    """Audio for each question of a published set, made before anybody is asked. May run twice: it is made again.

    Raises SpeakingError when all were tried and some could not be spoken; those rows say why, keep the audio they had,
    and are shown as text anyway.
    """
    if question_set.is_draft:
        raise InterviewError(_("A draft may still change: publish it first, then have it spoken."))
    voice = voice or voice_for(question_set.language)
    questions, voices, notes, failures = list(question_set.questions.all()), [], [], []
    for number, question in enumerate(questions, start=1):
        try:
            spoken = _speak(question, voice)
        except SpeakingError as error:
            failures.append(str(error))
        else:
            voices.append(spoken.voice)
            notes.append(spoken.note)
        if on_progress:
            on_progress(number / len(questions))
    if failures:
        raise SpeakingError(" ".join(dict.fromkeys(failures)))
    return SetSpoken(len(questions), tuple(dict.fromkeys(voices)), tuple(dict.fromkeys(filter(None, notes))))


def speak(question_set: QuestionSet, job: Job) -> dict[str, Outcome]:
    """The same as a stage of work: its row says how far it is, and which voice stood in for another."""
    spoken = speak_questions(question_set, lambda share: jobs.beat(job, 100 * share))
    return {job.stage: Outcome(" ".join(spoken.notes))}


# --- Many sets at once: what is due stands in the rows, so that a worker may die and another stop it ---


def due() -> QuerySet[Question]:
    return Question.objects.filter(audio_due=True)


@transaction.atomic
def ask_for_voices(question_sets: Iterable[QuestionSet], by: User, only_missing: bool = False) -> int:
    """Have the audio of these sets made again; how many questions that are. Drafts are left out.

    only_missing  those that are silent, or spoken by a stand-in
    """
    asked = 0
    for found in voices_of(one for one in question_sets if not one.is_draft):
        wanted = [one.pk for one in found.questions if not only_missing or one.state != WANTED]
        if Question.objects.filter(pk__in=wanted).update(audio_due=True):
            note_access(by, "have spoken", found.question_set.subject)
            asked += len(wanted)
    return asked


def stop_speaking(by: User) -> int:
    """Leave what is still due as it is; how many questions that are. The one being spoken is finished."""
    left = due().update(audio_due=False)
    if left:
        note_access(by, "stop", SUBJECT)
    return left


def speak_due(
    job: Job, on_progress: Callable[[float], None], new_voice: Callable[[str], Speaking] = voice_for
) -> dict[str, Outcome]:
    """Every question that is due, one after the other, until none is left or somebody stopped it."""
    voices: dict[str, Speaking] = {}
    made = failed = 0
    while question := due().select_related("question_set").order_by("question_set", "position").first():
        language = question.question_set.language
        try:
            if language not in voices:
                voices[language] = new_voice(language)
            _speak(question, voices[language], again=True)
            made += 1
        except SpeakingError as error:  # also where the language has no voice at all
            _note_trouble(question, str(error))
            failed += 1
        over = made + failed
        on_progress(over / (over + due().count()))
    told = ngettext("One question was spoken.", "%(count)d questions were spoken.", made) % {"count": made}
    if failed:
        trouble = ngettext("One could not be.", "%(count)d could not be.", failed) % {"count": failed}
        return {job.stage: Outcome(f"{told} {trouble}", failed=not made)}
    return {job.stage: Outcome(told)}


def is_waiting(job: Job) -> bool:
    """Whether questions became due after the job that should speak them had ended."""
    return jobs.is_final(job) and due().exists()


def _speak(question: Question, voice: Speaking, again: bool = False) -> Spoken:
    """Raises SpeakingError, and the row says why."""
    try:
        spoken = voice.speak(question.text, again=again)
    except SpeakingError as error:
        _note_trouble(question, str(error))
        raise
    Question.objects.filter(pk=question.pk).update(
        audio=spoken.name, audio_voice=spoken.voice[:60], audio_trouble=spoken.note[:300], audio_due=False
    )
    return spoken


def _note_trouble(question: Question, trouble: str) -> None:
    Question.objects.filter(pk=question.pk).update(audio_trouble=trouble[:300], audio_due=False)


# --- What no set uses any more ---


def remove_unused_audio(by: User) -> int:
    """Delete the files that unused_audio() finds; how many there were. Each could be made again."""
    files = unused_audio().files
    for path in files:
        path.unlink(missing_ok=True)
    if files:
        note_access(by, "remove unused audio", SUBJECT)
    return len(files)
