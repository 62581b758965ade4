"""Who may: the object, or a 404. Clinicians review interviews; only the patient herself answers one."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from clinic.models import User
from interviews.models import Answer, Interview, Invitation, Recording, RiskFlag, Scale

SAME_SITTING = timedelta(minutes=10)  # a clinician looking at the same thing again within it is noted once


def interview_for(user: User, pk: int) -> Interview:
    """An interview of the clinician's own caseload."""
    rows = Interview.objects.visible_to(user).select_related("patient", "question_set__disorder")
    return get_object_or_404(rows, pk=pk)


def answer_for(user: User, pk: int) -> Answer:
    """An answer that a patient of the clinician's caseload gave."""
    rows = Answer.objects.select_related("interview__patient", "interview__question_set__disorder", "question")
    return get_object_or_404(rows, pk=pk, interview__in=Interview.objects.visible_to(user))


def flag_for(user: User, pk: int) -> RiskFlag:
    """What was found in an answer of the clinician's caseload, by the answer's id."""
    visible = Interview.objects.visible_to(user)
    return get_object_or_404(RiskFlag, answer=pk, answer__interview__in=visible)


def scale_flag_for(user: User, pk: int, number: int) -> RiskFlag:
    """The same of an answer to a scale, by the scale's id and the item's number."""
    visible = Interview.objects.visible_to(user)
    rows = RiskFlag.objects.filter(scale_answer__scale__interview__in=visible)
    return get_object_or_404(rows, scale_answer__scale=pk, scale_answer__number=number)


def own_scale(user: User, pk: int) -> Scale:
    """A scale of the patient's own interview."""
    rows = Scale.objects.select_related("interview__patient__clinician", "interview__question_set", "instrument")
    return get_object_or_404(rows, pk=pk, interview__in=Interview.objects.answerable_by(user))


def recording_for(user: User, pk: UUID) -> Recording:
    """The kept, joined take of such an answer."""
    rows = Recording.objects.select_related("answer__interview").exclude(joined_path="")
    visible = Interview.objects.visible_to(user)
    return get_object_or_404(rows, pk=pk, state=Recording.State.KEPT, answer__interview__in=visible)


def invitation_for(user: User, pk: int) -> Invitation:
    """A link into an interview of the clinician's caseload."""
    rows = Invitation.objects.select_related("interview")
    return get_object_or_404(rows, pk=pk, interview__in=Interview.objects.visible_to(user))


def own_interview(user: User, pk: int) -> Interview:
    """The patient's own interview."""
    rows = Interview.objects.answerable_by(user).select_related("patient__clinician", "question_set")
    return get_object_or_404(rows, pk=pk)


def own_answer(user: User, pk: int) -> Answer:
    """An answer that the patient herself gives."""
    rows = Answer.objects.select_related("interview__patient", "question")
    return get_object_or_404(rows, pk=pk, interview__in=Interview.objects.answerable_by(user))


def own_recording(user: User, pk: UUID) -> Recording:
    """A take of the patient's own answer."""
    rows = Recording.objects.select_related("answer__interview__patient")
    return get_object_or_404(rows, pk=pk, answer__interview__in=Interview.objects.answerable_by(user))


def patient_only(page: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page for patients. They have no password: the signed-out learn how to come back, not how to sign in."""

    @wraps(page)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not request.user.is_authenticated:
            return render(request, "interviews/signed_out.html", status=403)
        if request.user.role != User.Role.PATIENT:
            raise Http404
        return page(request, *args, **kwargs)

    return guarded
