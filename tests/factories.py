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
