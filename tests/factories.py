"""Rows with good defaults. Plain functions: what a test does not name does not matter to it."""

from itertools import count
from typing import Any

from clinic.models import Patient, User
from interviews.models import Answer, Disorder, Interview, Question, QuestionSet, Recording

numbers = count(1)


def a_user(role: str = User.Role.CLINICIAN, **fields: Any) -> User:
    fields.setdefault("email", f"{role}{next(numbers)}@clinic.example")
    return User.objects.create_user(password="correct horse", role=role, **fields)


def a_patient(clinician: User | None = None, **fields: Any) -> Patient:
    fields.setdefault("name", "Mina Haddad")
    user = fields.pop("user", None) or a_user(User.Role.PATIENT)
    return Patient.objects.create(user=user, clinician=clinician or a_user(), **fields)


def a_question_set(questions: tuple[str, ...] = ("How have you been?", "What helps?"), **fields: Any) -> QuestionSet:
    """A published set."""
    from django.utils import timezone

    number = next(numbers)
    disorder = fields.pop("disorder", None) or Disorder.objects.create(name=f"Disorder {number}", slug=f"d{number}")
    made = QuestionSet.objects.create(disorder=disorder, title=disorder.name, **fields)
    for position, text in enumerate(questions, start=1):
        Question.objects.create(question_set=made, position=position, text=text)
    made.state, made.published_at = QuestionSet.State.PUBLISHED, timezone.now()
    made.save()
    return made


def an_interview(patient: Patient | None = None, question_set: QuestionSet | None = None, **fields: Any) -> Interview:
    """An interview with a waiting answer for each question."""
    patient = patient or a_patient()
    question_set = question_set or a_question_set()
    fields.setdefault("created_by", patient.clinician)
    interview = Interview.objects.create(patient=patient, question_set=question_set, **fields)
    for question in question_set.questions.all():
        Answer.objects.create(interview=interview, question=question)
    return interview


def a_recording(answer: Answer, **fields: Any) -> Recording:
    fields.setdefault("mime_type", "video/webm;codecs=vp9,opus")
    return Recording.objects.create(answer=answer, **fields)


def a_training_run(engineer: User, epochs: int = 0, **fields: Any) -> Any:
    """A run with so many epochs behind it, whose curves look like a net that learns."""
    from math import exp

    from django.utils import timezone

    from emotion.ml.labels import LABELS
    from emotion.models import Epoch
    from emotion.services import runs
    from tests.emotion.training_configs import tiny

    run = runs.queue(fields.pop("name", "A run"), fields.pop("config", None) or tiny(), engineer)
    more = fields.pop("figures", 0)  # so many further ones in every epoch
    run.epochs_done = epochs
    for name, value in fields.items():
        setattr(run, name, value)
    run.save()
    rows = []
    for number in range(1, epochs + 1):
        left = exp(-5 * number / max(20, epochs))
        right = round(18 * (1 - left))
        figures = {
            "train_loss": 2 * left + 0.1 * (number % 3) / 3,
            "validation_loss": 1.8 * left + 0.3,
            "validation_uar": 1 - 0.85 * left,
            "learning_rate": 1e-3,
            "clips_per_second": 80.0 + number % 7,
            "memory": 600_000_000,
            **{f"further_{name}": left * name for name in range(more)},
        }
        wrong = [[right if row == column else (18 - right) // 7 for column in range(8)] for row in range(len(LABELS))]
        rows.append(Epoch(run=run, number=number, figures=figures, confusion=wrong, ended_at=timezone.now()))
    Epoch.objects.bulk_create(rows)
    return run
