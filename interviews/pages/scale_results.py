"""The clinician's results of scales: totals, each answer, what was answered before, and what calls for a person."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from clinic import vault
from clinic.access import SignedInRequest, must_be
from clinic.models import User
from clinic.services import note_access_once
from interviews import access, live, queries, services
from interviews.access import SAME_SITTING
from interviews.models import Interview

clinicians_only = must_be(User.Role.CLINICIAN)


@never_cache
@require_safe
@clinicians_only
def results(request: SignedInRequest, pk: int) -> HttpResponse:
    """The results, as a part of the interview's page."""
    interview = access.interview_for(request.user, pk)
    context = {"interview": interview, **results_context(request, interview)}
    return render(request, "interviews/instruments/_results.html", context)


@require_POST
@clinicians_only
def acknowledge(request: SignedInRequest, pk: int, number: int) -> HttpResponse:
    """She has seen the answer that calls for a person."""
    found = access.scale_flag_for(request.user, pk, number)
    flag = services.acknowledge(found, request.user, request.POST.get("note", "")[:2000])
    live.tell(flag.interview.pk, scale=pk)
    messages.success(request, _("Noted: you have seen this answer."))
    return redirect(f"{reverse('interviews:watch', args=[flag.interview.pk])}#interview-scales")


def results_context(request: SignedInRequest, interview: Interview) -> dict[str, Any]:
    """Empty trends where the interview asks no scale."""
    version = queries.scales_version(interview)
    if not version:
        return {"scales_version": ""}
    note_access_once(request.user, "read", f"scales:{interview.pk}", SAME_SITTING)
    try:
        return {"scales_version": version, "trends": queries.trends(interview)}
    except vault.KeyErased:
        return {"scales_version": version, "scales_are_erased": True}
