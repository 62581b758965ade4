"""Doors for those who prepare interviews: the clinic's disorders, and the name of a new one."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from clinic.access import SignedInRequest, must_be
from clinic.integrations.language import trouble
from clinic.models import User
from interviews import authoring_tasks
from interviews.errors import InterviewError
from interviews.models import NameCheck
from interviews.queries.authoring import disorders_with_sets, name_job
from interviews.services import intake

authors_only = must_be(User.Role.ADMIN, User.Role.CLINICIAN)
admins_only = must_be(User.Role.ADMIN)


@never_cache
@require_safe
@authors_only
def disorders(request: SignedInRequest) -> HttpResponse:
    return _disorders(request)


def _disorders(request: SignedInRequest, typed: str = "", error: str = "") -> HttpResponse:
    context = {"rows": disorders_with_sets(), "typed": typed, "error": error}
    return render(request, "interviews/authoring/disorders.html", context, status=422 if error else 200)


# --- A name ---


@require_POST
@authors_only
def type_name(request: SignedInRequest) -> HttpResponse:
    typed = request.POST.get("name", "")
    try:
        with transaction.atomic():
            check = intake.check_name(typed, request.user)
            _ask_where_needed(check)
    except InterviewError as error:
        return _disorders(request, typed[:200], str(error))
    return redirect("interviews:name", check.pk)


@never_cache
@require_safe
@authors_only
def name(request: SignedInRequest, pk: int) -> HttpResponse:
    """What a typed name was taken for. With ?part it is the answer alone, for a page that was told to look."""
    check = _check(pk)
    return render(
        request,
        "interviews/authoring/_name.html" if "part" in request.GET else "interviews/authoring/name.html",
        _name_context(request, check),
    )


@require_POST
@authors_only
def ask_further(request: SignedInRequest, pk: int) -> HttpResponse:
    """None of the offers, or once more: the language model is asked."""
    with transaction.atomic():
        _ask_where_needed(intake.ask_further(_check(pk), request.user))
    return redirect("interviews:name", pk)


@require_POST
@admins_only
def overrule(request: SignedInRequest, pk: int) -> HttpResponse:
    check = _check(pk)
    try:
        intake.overrule(check, request.user, request.POST.get("reason", ""))
    except InterviewError as error:
        context = _name_context(request, check) | {"error": str(error), "why": request.POST.get("reason", "")[:500]}
        return render(request, "interviews/authoring/name.html", context, status=422)
    return redirect("interviews:name", pk)


@require_POST
@authors_only
def create(request: SignedInRequest, pk: int) -> HttpResponse:
    try:
        disorder = intake.create_disorder(_check(pk), request.user)
    except InterviewError as error:
        messages.error(request, str(error))
        return redirect("interviews:name", pk)
    messages.success(request, _("%(name)s is among the clinic's disorders.") % {"name": disorder})
    return redirect("interviews:disorder", disorder.pk)


def _check(pk: int) -> NameCheck:
    return get_object_or_404(NameCheck.objects.select_related("disorder", "decider", "asked_by"), pk=pk)


def _ask_where_needed(check: NameCheck) -> None:
    if check.state == NameCheck.State.ASKING:
        authoring_tasks.enqueue_name(check)


def _name_context(request: SignedInRequest, check: NameCheck) -> dict[str, object]:
    is_offered = check.state == NameCheck.State.OFFERED
    return {
        "check": check,
        "offers": intake.look_up(check.typed).offers if is_offered else (),
        "job": name_job(check),
        "existing": check.disorder or (intake.same_disorder(check) if check.may_be_created else None),
        "may_overrule": request.user.role == User.Role.ADMIN and not check.may_be_created,
        "trouble": trouble() if check.state == NameCheck.State.UNDECIDED else "",
    }
