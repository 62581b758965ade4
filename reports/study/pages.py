"""Doors to the emotion-label study: engineers make, run and read it; clinicians grade it without knowing the arm."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from clinic.access import SignedInRequest
from clinic.models import User
from reports.study import access, exporting, queries, services, tasks, telling
from reports.study.cases import published as published_verdicts
from reports.study.cases import shipped
from reports.study.errors import StudyError
from reports.study.forms import JudgeForm, NewStudyForm, VerdictForm
from reports.study.queries import ASK, JUDGE
from reports.study.rows import Study
from reports.study.statistics import results

ON_A_PAGE = 25


@never_cache
@require_safe
@access.engineers_and_graders
def index(request: SignedInRequest) -> HttpResponse:
    """Every study: for engineers how far it is, for clinicians what is left to be graded."""
    page = Paginator(queries.all_studies(), ON_A_PAGE).get_page(request.GET.get("page"))
    studies = list(page.object_list)
    rows = [
        {
            "study": study,
            "place": place,
            "graded": graded,
            "is_whole": bool(study.said) and place.is_at_rest and graded == study.said,
        }
        for study, place, graded in _with_grades(studies, request.user)
    ]
    return render(request, "reports/study/list.html", {"page": page, "rows": rows, "query": ""})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.engineers_only
def new(request: SignedInRequest) -> HttpResponse:
    """Made cases, a model, runs and a seed. It starts at once."""
    form = NewStudyForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            study = services.new_study(request.user, **form.cleaned_data)
        except StudyError as error:
            form.add_error(None, str(error))
        else:
            tasks.enqueue(study, ASK)
            return redirect("reports:study", study.pk)
    status = 422 if form.errors else 200
    return render(request, "reports/study/new.html", {"form": form, "shipped": shipped()}, status=status)


@never_cache
@require_safe
@access.engineers_and_graders
def study(request: SignedInRequest, pk: int) -> HttpResponse:
    """How far it is, what was said, the figures. With ?part the moving parts alone."""
    found = access.study_for(request.user, pk)
    template = "reports/study/_study.html" if "part" in request.GET else "reports/study/study.html"
    return render(request, template, _context(request, found, JudgeForm()))


@never_cache
@require_safe
@access.engineers_and_graders
def published(request: SignedInRequest) -> HttpResponse:
    """The predecessor's fifteen verdicts, evaluated again."""
    verdicts = published_verdicts()
    found = results(verdicts.by_case)
    context = {
        "verdicts": verdicts,
        "shown": telling.shown(found) if found else None,
        "limits": telling.what_it_shows(),
    }
    return render(request, "reports/study/published.html", context)


@require_POST
@access.engineers_only
def stop(request: SignedInRequest, pk: int) -> HttpResponse:
    services.stop(access.study_for(request.user, pk))
    return redirect("reports:study", pk)


@require_POST
@access.engineers_only
def go_on(request: SignedInRequest, pk: int) -> HttpResponse:
    """Ask what is missing, and what failed once more."""
    found = access.study_for(request.user, pk)
    try:
        services.go_on(found, ASK)
    except StudyError as error:
        messages.error(request, str(error))
    else:
        tasks.enqueue(found, ASK)
    return redirect("reports:study", pk)


@never_cache
@require_POST
@access.engineers_only
def judge(request: SignedInRequest, pk: int) -> HttpResponse:
    """Have a second model grade what was said."""
    found = access.study_for(request.user, pk)
    form = JudgeForm(request.POST)
    if form.is_valid():
        try:
            services.ask_to_judge(found, form.cleaned_data["model"])
        except StudyError as error:
            form.add_error("model", str(error))
        else:
            tasks.enqueue(found, JUDGE)
            return redirect("reports:study", pk)
    return render(request, "reports/study/study.html", _context(request, found, form), status=422)


@require_POST
@access.engineers_only
def discard(request: SignedInRequest, pk: int) -> HttpResponse:
    try:
        services.discard(access.study_for(request.user, pk))
    except StudyError as error:
        messages.error(request, str(error))
        return redirect("reports:study", pk)
    messages.success(request, _("The study is deleted."))
    return redirect("reports:studies")


# --- Grading ---


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.clinicians_only
def grade(request: SignedInRequest, pk: int) -> HttpResponse:
    """One reply after the other, both arms mixed. A verdict leads to the next one."""
    found = access.study_to_grade(request.user, pk)
    if request.method == "POST":
        return _graded(request, found)
    left, graded = queries.to_grade(found, request.user), queries.graded_by(found, request.user)
    reply = left[0] if left else None
    context = {
        "study": found,
        "reply": reply,
        "case": queries.cases_of(found)[reply.case] if reply else None,
        "graded": graded,
        "all": graded + len(left),
        "is_whole": not left and queries.is_graded_whole_by(found, request.user),
    }
    return render(request, "reports/study/grade.html", context)


def _graded(request: SignedInRequest, found: Study) -> HttpResponse:
    if "undo" in request.POST:
        services.undo_verdict(found, request.user)
        return redirect("reports:grade_study", found.pk)
    form = VerdictForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("This was no verdict. Choose yes, partial or no."))
    else:
        reply = access.reply_of(found, form.cleaned_data["reply"])
        services.give_verdict(reply, request.user, form.cleaned_data["verdict"])
    return redirect("reports:grade_study", found.pk)


# --- To take away ---


@never_cache
@require_GET
@access.engineers_and_graders
def results_json(request: SignedInRequest, pk: int) -> HttpResponse:
    found = access.study_for(request.user, pk)
    return JsonResponse(
        exporting.as_data(found),
        json_dumps_params={"ensure_ascii": False, "indent": 1},
        headers={"Content-Disposition": f'attachment; filename="study-{pk}.json"'},
    )


@never_cache
@require_GET
@access.engineers_and_graders
def results_csv(request: SignedInRequest, pk: int) -> HttpResponse:
    found = access.study_for(request.user, pk)
    headers = {"Content-Disposition": f'attachment; filename="study-{pk}.csv"'}
    return HttpResponse(exporting.as_csv(found), content_type="text/csv; charset=utf-8", headers=headers)


# --- What pages need ---


def _with_grades(studies: list[Any], user: User) -> list[tuple[Any, queries.Place, int]]:
    places, graded = queries.places(studies), queries.graded_counts(studies, user)
    return [(study, places[study.pk], graded.get(study.pk, 0)) for study in studies]


def _context(request: SignedInRequest, found: Study, form: JudgeForm) -> dict[str, Any]:
    return {
        "study": found,
        "place": queries.place(found),
        "is_engineer": request.user.role == User.Role.ENGINEER,
        "asked_model": queries.asked_model(found),
        "cases": list(queries.answers_by_case(found)),
        "tables": [
            {"judged": one, "shown": telling.shown(one.results) if one.results else None}
            for one in queries.judged(found)
        ],
        "agreements": [telling.agreement_line(one.one, one.other, one.agreement) for one in queries.pairs(found)],
        "limits": telling.what_it_shows(),
        "form": form,
    }
