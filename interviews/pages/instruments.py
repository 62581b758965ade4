"""The admin's instruments: what ships with the project and what the clinic brings, under a licence and a name."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import jobs
from clinic.access import SignedInRequest, must_be
from clinic.models import User
from interviews import queries, scale_tasks, scales
from interviews.errors import InterviewError
from interviews.models import Instrument
from interviews.services import instruments as verbs

admins_only = must_be(User.Role.ADMIN)


@never_cache
@require_safe
@admins_only
def index(request: SignedInRequest) -> HttpResponse:
    return _index(request)


def _index(request: SignedInRequest, typed: str = "", error: str = "") -> HttpResponse:
    context = {
        "installed": Instrument.objects.select_related("approved_by"),
        "offered": queries.not_installed(),
        "typed": typed,
        "error": error,
    }
    return render(request, "interviews/instruments/list.html", context, status=422 if error else 200)


@require_POST
@admins_only
def install(request: SignedInRequest, slug: str, language: str) -> HttpResponse:
    """One that ships with the project, as a draft."""
    found = next((one for one in scales.shipped() if (one.slug, one.language) == (slug, language)), None)
    if found is None:
        return _index(request, error=_("No such instrument ships with the project."))
    return _installed(request, lambda: found)


@require_POST
@admins_only
def bring(request: SignedInRequest) -> HttpResponse:
    """One that the clinic brings as JSON, typed or as a file."""
    sent = request.FILES.get("file")
    text = sent.read(4 * verbs.MOST_JSON).decode("utf-8", "replace") if sent else request.POST.get("json", "")
    return _installed(request, lambda: verbs.read_json(text), typed="" if sent else text[: verbs.MOST_JSON])


def _installed(request: SignedInRequest, definition: Callable[[], scales.Definition], typed: str = "") -> HttpResponse:
    try:
        made = verbs.install(definition(), request.user)
    except InterviewError as error:
        return _index(request, typed, str(error))
    messages.success(request, _("It is installed as a draft. Look at it, then publish it under your name."))
    return redirect("interviews:instrument", made.pk)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@admins_only
def instrument(request: SignedInRequest, pk: int) -> HttpResponse:
    """One version: read, and while it is a draft changed."""
    found = get_object_or_404(Instrument.objects.select_related("approved_by"), pk=pk)
    error, typed = "", None
    if request.method == "POST":
        words = {name: value for name, value in request.POST.items() if isinstance(value, str)}
        try:
            verbs.fill(found, words, request.user)
        except InterviewError as refusal:
            error, typed = str(refusal), words
        else:
            messages.success(request, _("The words are kept."))
            return redirect("interviews:instrument", pk)
    context = _context(found, typed) | {"error": error}
    return render(request, "interviews/instruments/instrument.html", context, status=422 if error else 200)


def _context(found: Instrument, typed: dict[str, str] | None) -> dict[str, Any]:
    definition = found.parsed
    return {
        "instrument": found,
        "definition": definition,
        "fields": queries.words_to_type(definition, typed or {}),
        "is_skeleton": found.wording == scales.SKELETON,
        "wording": scales.WORDINGS[found.wording],
        "speaking": next(iter(jobs.of(found.subject)), None),
    }


@require_POST
@admins_only
def publish(request: SignedInRequest, pk: int) -> HttpResponse:
    def do(found: Instrument) -> None:
        scale_tasks.enqueue_speaking(verbs.publish(found, request.user))

    return _done(request, pk, do, _("It is published; its audio is being made."))


@require_POST
@admins_only
def retire(request: SignedInRequest, pk: int) -> HttpResponse:
    def do(found: Instrument) -> None:
        verbs.retire(found, request.user)

    return _done(request, pk, do, _("It is offered no more."))


@require_POST
@admins_only
def next_version(request: SignedInRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Instrument, pk=pk)
    try:
        made = verbs.next_version(found, request.user)
    except InterviewError as error:
        messages.error(request, str(error))
        return redirect("interviews:instrument", pk)
    return redirect("interviews:instrument", made.pk)


@require_safe
@admins_only
def export(request: SignedInRequest, pk: int) -> JsonResponse:
    found = get_object_or_404(Instrument, pk=pk)
    name = f"{found.slug}.{found.language}.v{found.version}.json"
    return JsonResponse(
        found.definition,
        json_dumps_params={"ensure_ascii": False, "indent": 2},
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _done(request: SignedInRequest, pk: int, verb: Callable[[Instrument], None], told: str) -> HttpResponse:
    found = get_object_or_404(Instrument, pk=pk)
    try:
        with transaction.atomic():
            verb(found)
    except InterviewError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, told)
    is_there = Instrument.objects.filter(pk=pk).exists()
    return redirect("interviews:instrument", pk) if is_there else redirect("interviews:instruments")
