"""Doors for question sets as JSON: out, and in after a look at them."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from clinic.access import SignedInRequest
from interviews import exchange
from interviews.exchange import ImportRefused
from interviews.models import QuestionSet
from interviews.pages.authoring import admins_only, authors_only
from interviews.questions import faults_of_set
from interviews.services import exchange as verbs


@never_cache
@require_safe
@authors_only
def export(request: SignedInRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(QuestionSet.objects.select_related("disorder"), pk=pk)
    name = f"{found.disorder.slug}-{found.language}-{found.version}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(verbs.export(found, request.user), content_type="application/json", headers=headers)


@never_cache
@require_http_methods(["GET", "POST"])
@admins_only
def bring_in(request: SignedInRequest) -> HttpResponse:
    """First what would come in, with its faults; then, on a second press, the draft."""
    if request.method == "GET":
        return render(request, "interviews/authoring/import.html")
    try:
        text = _sent(request)
        found = exchange.read(text)
    except ImportRefused as refused:
        typed = request.POST.get("text", "")[: exchange.LARGEST]
        told = {"faults": refused.faults, "text": typed}
        return render(request, "interviews/authoring/import.html", told, status=422)
    if "keep" in request.POST:
        made = verbs.bring_in(found, request.user)
        messages.success(request, _("The set is here, as a draft."))
        return redirect("interviews:question_set", made.pk)
    doubts = faults_of_set([asked.text for asked in found.questions], found.language)
    context = {
        "found": found,
        "text": text,
        "rows": list(zip(found.questions, doubts, strict=True)),
        "known": verbs.known_disorder(found),
    }
    return render(request, "interviews/authoring/import.html", context)


def _sent(request: SignedInRequest) -> str:
    """The file's text, or what was typed. Raises ImportRefused."""
    file = request.FILES.get("file")
    if file is None:
        text = request.POST.get("text", "")
        if not text.strip():
            raise ImportRefused([("", _("Choose a file, or paste its text."))])
        return text
    if (file.size or 0) > exchange.LARGEST:
        raise ImportRefused([("", _("The file is too large for a question set."))])
    try:
        return file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportRefused([("", _("This file is not text in UTF-8."))]) from error
