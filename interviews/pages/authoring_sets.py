"""Doors to one question set: read it, change a draft, approve and publish it, begin the next version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from clinic.access import SignedInRequest
from clinic.models import User
from interviews import tasks
from interviews.errors import InterviewError
from interviews.models import QuestionSet
from interviews.pages.authoring import admins_only, authors_only
from interviews.queries.authoring import questions_of
from interviews.questions import Asked
from interviews.services import editing
from interviews.services import questions as verbs
from interviews.services.editing import Removed


@never_cache
@require_safe
@authors_only
def question_set(request: SignedInRequest, pk: int) -> HttpResponse:
    return _page(request, _found(pk))


@require_POST
@admins_only
def change(request: SignedInRequest, pk: int) -> HttpResponse:
    """What was typed is kept first, whatever button was pressed; then a question moves or goes."""
    found = _found(pk)
    verb, _colon, question_id = request.POST.get("do", "save").partition(":")
    try:
        with transaction.atomic():
            editing.change(found, request.POST.get("title", ""), _typed(request), _added(request), request.user)
            _move_or_remove(request, found, verb, int(question_id) if question_id.isdecimal() else 0)
    except InterviewError as error:
        return _page(request, found, str(error), _typed(request))
    page = reverse("interviews:question_set", args=[pk])
    if verb == "publish":
        return redirect(f"{page}?publish")
    if verb == "save":
        messages.success(request, _("Saved."))
    return redirect(f"{page}#question-{question_id}" if verb in ("up", "down") else page)


def _move_or_remove(request: SignedInRequest, found: QuestionSet, verb: str, question_id: int) -> None:
    if verb in ("up", "down"):
        editing.move(found, question_id, -1 if verb == "up" else 1)
    elif verb == "remove" and (removed := editing.remove(found, question_id)):
        request.session[_undo_name(found.pk)] = asdict(removed)


@require_POST
@admins_only
def undo(request: SignedInRequest, pk: int) -> HttpResponse:
    """The question that was removed last, back where it stood."""
    removed = request.session.pop(_undo_name(pk), None)
    if removed:
        return _do(request, pk, lambda found: editing.bring_back(found, Removed(**removed)), _("It is back."))
    return redirect("interviews:question_set", pk)


@require_POST
@admins_only
def publish(request: SignedInRequest, pk: int) -> HttpResponse:
    def do(found: QuestionSet) -> None:
        tasks.enqueue_speaking(verbs.publish(found, request.user))

    return _do(request, pk, do, _("The set is published under your name; its audio is being made."))


@require_POST
@admins_only
def retire(request: SignedInRequest, pk: int) -> HttpResponse:
    return _do(request, pk, lambda found: verbs.retire(found, request.user), _("The set is offered no more."))


@require_POST
@admins_only
def next_version(request: SignedInRequest, pk: int) -> HttpResponse:
    try:
        made = verbs.next_version(_found(pk))
    except InterviewError as error:
        messages.error(request, str(error))
        return redirect("interviews:question_set", pk)
    messages.success(request, _("This is version %(version)s, a draft.") % {"version": made.version})
    return redirect("interviews:question_set", made.pk)


@require_POST
@admins_only
def delete(request: SignedInRequest, pk: int) -> HttpResponse:
    found = _found(pk)
    try:
        editing.delete(found, request.user)
    except InterviewError as error:
        messages.error(request, str(error))
        return redirect("interviews:question_set", pk)
    messages.success(request, _("The draft is deleted."))
    return redirect("interviews:disorder", found.disorder_id)


def _do(request: SignedInRequest, pk: int, verb: Callable[[QuestionSet], object], told: str) -> HttpResponse:
    found = _found(pk)
    try:
        with transaction.atomic():
            verb(found)
    except InterviewError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, told)
    return redirect("interviews:question_set", pk)


def _page(
    request: SignedInRequest, found: QuestionSet, error: str = "", typed: dict[int, Asked] | None = None
) -> HttpResponse:
    rows = questions_of(found)
    for row in rows:  # what could not be kept stays in the fields
        if typed and (asked := typed.get(row.question.pk)):
            row.question.text, row.question.hint = asked.text, asked.hint
    is_admin = request.user.role == User.Role.ADMIN
    context = {
        "set": found,
        "rows": rows,
        "doubtful": sum(bool(row.faults) for row in rows),
        "error": error,
        "added": _added(request) if error else None,
        "is_admin": is_admin,
        "is_editable": is_admin and found.is_draft,
        "is_publishing": is_admin and found.is_draft and "publish" in request.GET,
        "removed": request.session.get(_undo_name(found.pk)),
    }
    return render(request, "interviews/authoring/set.html", context, status=422 if error else 200)


def _found(pk: int) -> QuestionSet:
    return get_object_or_404(QuestionSet.objects.select_related("disorder", "approved_by"), pk=pk)


def _typed(request: HttpRequest) -> dict[int, Asked]:
    return {
        int(name[5:]): Asked(text, request.POST.get(f"hint-{name[5:]}", ""))
        for name, text in request.POST.items()
        if name.startswith("text-") and name[5:].isdecimal() and isinstance(text, str)
    }


def _added(request: HttpRequest) -> Asked:
    return Asked(request.POST.get("text-new", ""), request.POST.get("hint-new", ""))


def _undo_name(pk: int) -> str:
    return f"removed-question:{pk}"
