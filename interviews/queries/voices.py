"""Who speaks the questions: set by set, and the audio files that no question uses any more."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from clinic.integrations.speaking import FOLDER, wanted_voice
from interviews.models import ItemAudio, Question, QuestionSet

YOUNG = timedelta(hours=1)  # a file may be written before the row that names it
WANTED, STAND_IN, SILENT = "wanted", "stand-in", "silent"


@dataclass(frozen=True)
class SpokenQuestion:
    """One question: `state` is wanted, stand-in or silent; `trouble` why it is not the wanted voice."""

    pk: int
    position: int
    text: str
    voice: str
    state: str
    trouble: str
    is_due: bool


@dataclass(frozen=True)
class SetVoices:
    question_set: QuestionSet
    questions: tuple[SpokenQuestion, ...]

    @property
    def voices(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(question.voice for question in self.questions if question.state != SILENT))

    @property
    def count(self) -> Counter[str]:
        return Counter(question.state for question in self.questions)

    @property
    def stand_ins(self) -> int:
        return self.count[STAND_IN]

    @property
    def silent(self) -> int:
        return self.count[SILENT]

    @property
    def due(self) -> int:
        return sum(question.is_due for question in self.questions)

    @property
    def troubled(self) -> tuple[SpokenQuestion, ...]:
        """Those that the page must explain: another voice, or none."""
        return tuple(question for question in self.questions if question.state != WANTED or question.trouble)


def spoken_sets() -> list[QuestionSet]:
    """All that were ever published: interviews may still ask them."""
    return list(QuestionSet.objects.exclude(state=QuestionSet.State.DRAFT).select_related("disorder"))


def voices_of(question_sets: Iterable[QuestionSet]) -> list[SetVoices]:
    """In the order given, by one query. Looks on the disk whether each file is there."""
    sets, there = list(question_sets), _files()
    questions: dict[int, list[SpokenQuestion]] = {found.pk: [] for found in sets}
    languages = {found.pk: found.language for found in sets}
    wanted = lru_cache(wanted_voice)
    for question in Question.objects.filter(question_set__in=sets).order_by("position"):
        is_there = bool(question.audio) and Path(question.audio.name or "").name in there
        is_wanted = question.audio_voice == wanted(languages[question.question_set_id])[:60]
        state = (WANTED if is_wanted else STAND_IN) if is_there else SILENT
        questions[question.question_set_id].append(
            SpokenQuestion(
                question.pk,
                question.position,
                question.text,
                question.audio_voice,
                state,
                question.audio_trouble,
                question.audio_due,
            )
        )
    return [SetVoices(found, tuple(questions[found.pk])) for found in sets]


@dataclass(frozen=True)
class Unused:
    files: tuple[Path, ...]
    size: int  # bytes


def unused_audio(now: float | None = None) -> Unused:
    """Files that no question and no item of an instrument uses. Young ones are left out: their row may come yet."""
    of_questions = Question.objects.exclude(audio="").values_list("audio", flat=True)
    used = {Path(name).name for name in (*of_questions, *ItemAudio.objects.values_list("file", flat=True))}
    oldest = (now or time.time()) - YOUNG.total_seconds()
    facts = {path: path.stat() for name, path in _files().items() if name not in used}
    old = {path: fact.st_size for path, fact in sorted(facts.items()) if fact.st_mtime < oldest}
    return Unused(tuple(old), sum(old.values()))


def _files() -> dict[str, Path]:
    folder = Path(settings.MEDIA_ROOT) / FOLDER
    return {path.name: path for path in folder.glob("*") if path.is_file()} if folder.is_dir() else {}
