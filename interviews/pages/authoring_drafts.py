"""Doors to one disorder: its sets, and drafts that a language model is asked for."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from clinic import jobs
from clinic.access import SignedInRequest
from clinic.integrations.language import trouble
from clinic.models import User
from interviews import authoring_tasks, drafting
from interviews.models import Disorder, QuestionDraft
from interviews.pages.authoring import admins_only, authors_only
from interviews.queries.authoring import drafts_of, sets_of
from interviews.services import drafting as verbs
from interviews.stages import DRAFT


class DraftForm(forms.Form):
    number = forms.IntegerField(
        label=_("Number of questions"), min_value=drafting.FEWEST, max_value=drafting.MOST, initial=7
    )
    kind = forms.ChoiceField(label=_("Kind of interview"), choices=QuestionDraft.Kind.choices)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)


class EmptyForm(forms.Form):
    title = forms.CharField(label=_("Title"), max_length=160)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)


@never_cache
@require_safe
@authors_only
def disorder(request: SignedInRequest, pk: int) -> HttpResponse:
    """Its sets and drafts. With ?part these alone, for a page that was told to look."""
    found = get_object_or_404(Disorder, pk=pk)
    return _page(request, found, "_sets" if "part" in request.GET else "disorder")


@require_POST
@authors_only
def ask_for_draft(request: SignedInRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Disorder, pk=pk)
    form = DraftForm(request.POST)
    if not form.is_valid():
        return _page(request, found, "disorder", form)
    with transaction.atomic():
        authoring_tasks.enqueue_draft(verbs.ask_for_draft(found, request.user, **form.cleaned_data))
    return redirect("interviews:disorder", pk)


@require_POST
@authors_only
def retry_draft(request: SignedInRequest, pk: int) -> HttpResponse:
    asked = get_object_or_404(QuestionDraft, pk=pk, question_set=None)
    if any(job.stage == DRAFT and jobs.is_final(job) for job in jobs.of(asked.subject)):
        with transaction.atomic():
            authoring_tasks.enqueue_draft(asked)
    return redirect("interviews:disorder", asked.disorder_id)


@require_POST
@admins_only
def write_by_hand(request: SignedInRequest, pk: int) -> HttpResponse:
    """An empty draft, to be filled by a person."""
    found = get_object_or_404(Disorder, pk=pk)
    form = EmptyForm(request.POST)
    if not form.is_valid():
        return _page(request, found, "disorder", by_hand=form)
    return redirect("interviews:question_set", verbs.new_draft(found, **form.cleaned_data).pk)


def _page(
    request: SignedInRequest,
    found: Disorder,
    template: str,
    form: DraftForm | None = None,
    by_hand: EmptyForm | None = None,
) -> HttpResponse:
    language = {"language": (get_language() or "en")[:2]}
    context = {
        "disorder": found,
        "sets": sets_of([found]),
        "drafts": drafts_of(found),
        "form": form or DraftForm(initial=language),
        "by_hand": by_hand or EmptyForm(initial=language | {"title": found.name}, auto_id="by-hand-%s"),
        "trouble": trouble() if template == "disorder" else "",
        "is_admin": request.user.role == User.Role.ADMIN,
    }
    status = 422 if (form and form.errors) or (by_hand and by_hand.errors) else 200
    return render(request, f"interviews/authoring/{template}.html", context, status=status)
