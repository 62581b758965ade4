"""The clinician's doors to a report: read, look back, change, sign, take away."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.access import SignedInRequest, must_be
from clinic.jobs import is_final
from clinic.models import User
from clinic.services import note_access, note_access_once
from interviews.access import SAME_SITTING
from reports import access, comparing, drafting, queries, services, tasks
from reports.errors import AlreadySigned, ReportError
from reports.forms import RevisionForm, SignForm
from reports.models import Report, ReportVersion
from reports.pdf.exporting import export_pdf
from reports.pdf.typesetting import NoTypeface
from reports.rendering import to_html

clinicians_only = must_be(User.Role.CLINICIAN)


@never_cache
@require_safe
@clinicians_only
def report(request: SignedInRequest, pk: int) -> HttpResponse:
    """The newest version. With ?part it is the text alone, for the interview's own page."""
    found = access.report_for(request.user, pk)
    note_access_once(request.user, "read", f"report:{pk}", SAME_SITTING)
    version = queries.newest(found)
    if "part" in request.GET:
        return render(request, "reports/_report.html", _context(found, version, below=2))
    return render(request, "reports/report.html", {**_context(found, version), "history": queries.history(found)})


@never_cache
@require_safe
@clinicians_only
def version(request: SignedInRequest, pk: int, number: int) -> HttpResponse:
    """An older version, to look at."""
    found = access.report_for(request.user, pk)
    chosen = access.version_of(found, number)
    note_access(request.user, "read", f"report:{pk}:{number}")
    return render(request, "reports/report.html", {**_context(found, chosen), "history": queries.history(found)})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@clinicians_only
def edit(request: SignedInRequest, pk: int) -> HttpResponse:
    """Change the text. "preview" shows it without keeping it."""
    found = access.report_for(request.user, pk)
    if found.state == Report.State.SIGNED:
        return _refused(request, pk, AlreadySigned(_("This report is signed and cannot change any more.")))
    if request.method != "POST":
        newest = queries.newest(found)
        note_access(request.user, "read", f"report:{pk}")
        form = RevisionForm(initial={"text": queries.text_of(newest), "seen": newest.number})
        return render(request, "reports/edit.html", {"report": found, "form": form})
    form = RevisionForm(request.POST)
    if form.is_valid() and "preview" not in request.POST:
        try:
            services.revise(found, form.cleaned_data["text"], request.user, form.cleaned_data["seen"])
        except AlreadySigned as error:
            return _refused(request, pk, error)
        except ReportError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Your version is kept."))
            return redirect("reports:report", pk)
    preview = _html(found, form.cleaned_data["text"], below=2) if form.is_valid() else ""
    context = {"report": found, "form": form, "preview": preview}
    return render(request, "reports/edit.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@clinicians_only
def sign(request: SignedInRequest, pk: int) -> HttpResponse:
    """The text once more, the name, and a box to tick: then it is signed."""
    found = access.report_for(request.user, pk)
    newest = queries.newest(found)
    if found.state == Report.State.SIGNED:
        return _refused(request, pk, AlreadySigned(_("This report is signed already.")))
    form = SignForm(request.user, request.POST or None, initial={"seen": newest.number})
    if request.method == "POST" and form.is_valid():
        try:
            services.sign(found, request.user, form.cleaned_data["seen"])
        except AlreadySigned as error:
            return _refused(request, pk, error)
        except ReportError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("The report is signed."))
            return redirect("reports:report", pk)
    context = {**_context(found, newest), "form": form}
    return render(request, "reports/sign.html", context, status=422 if form.errors else 200)


@never_cache
@require_safe
@clinicians_only
def download(request: SignedInRequest, pk: int) -> HttpResponse:
    """The newest version as a markdown file."""
    text = services.export(access.report_for(request.user, pk), request.user)
    name = f"report-{pk}.md"
    return HttpResponse(
        text,
        content_type="text/markdown; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"},
    )


@never_cache
@require_safe
@clinicians_only
def download_pdf(request: SignedInRequest, pk: int) -> HttpResponse:
    """The newest version as a PDF, in the report's own language and direction."""
    found = access.report_for(request.user, pk)
    try:
        made = export_pdf(found, request.user)
    except NoTypeface as error:
        messages.error(request, str(error))
        return redirect("reports:report", pk)
    return HttpResponse(
        made,
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'attachment; filename="report-{pk}.pdf"',
            "X-Content-Type-Options": "nosniff",
        },
    )


@require_POST
@clinicians_only
def draft_again(request: SignedInRequest, pk: int) -> HttpResponse:
    """A new draft by the language model; the one before stays. It is watched on the interview's page."""
    found = access.report_for(request.user, pk)
    if services.draft_again(found, request.user):
        tasks.enqueue_draft(found.interview)
    else:
        messages.error(request, _("No new draft is made: the report was changed or signed, or one is being made."))
    return redirect(f"{reverse('interviews:watch', args=[pk])}#report-place")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@clinicians_only
def comparison(request: SignedInRequest, pk: int) -> HttpResponse:
    """A draft with and one without expression and voice. POST has them made; ?part is for looking again."""
    found = access.report_for(request.user, pk)
    if request.method == "POST":
        if services.open_comparison(found, request.user):
            tasks.enqueue_comparison(pk)
        return redirect("reports:comparison", pk)
    note_access_once(request.user, "read", f"comparison:{pk}", SAME_SITTING)
    newest, job = queries.comparison_of(found), queries.comparison_job(pk)
    rows = list(comparing.rows(queries.compared(newest))) if newest else []
    context = {
        "report": found,
        "interview": found.interview,
        "comparison": newest,
        "job": job,
        "is_busy": bool(job and not is_final(job)),
        "rows": [_shown(found, row) for row in rows],
        "differing": comparing.differing(rows),
    }
    return render(request, f"reports/{'_comparison' if 'part' in request.GET else 'comparison'}.html", context)


def _shown(found: Report, row: comparing.Row) -> dict[str, object]:
    """A row with its lines as HTML."""
    sides = (row.with_readings, row.without_readings)
    shown = [[{"html": _html(found, line.text, 3), "is_alone": line.is_alone} for line in side] for side in sides]
    return {"position": row.position, "label": row.label, "sides": shown}


def _context(found: Report, chosen: ReportVersion, below: int = 1) -> dict[str, object]:
    """below: the level of the heading that the page puts over the text."""
    newest = queries.newest(found)
    return {
        "report": found,
        "interview": found.interview,
        "version": chosen,
        "is_newest": chosen.number == newest.number,
        "may_draft_again": chosen.number == newest.number and services.may_draft_again(found),
        "trouble": drafting.told(chosen.trouble),
        "html": _html(found, queries.text_of(chosen), below),
    }


def _html(found: Report, text: str, below: int) -> SafeString:
    watch = reverse("interviews:watch", args=[found.interview_id])

    def href(answer_id: int, seconds: str) -> str:
        return f"{watch}?{urlencode({'answer': answer_id})}#t={seconds}"

    return to_html(text, queries.answer_ids(found), href, below)


def _refused(request: SignedInRequest, pk: int, error: AlreadySigned) -> HttpResponse:
    """A signed report: said on its own page, which is where one can go from here."""
    messages.error(request, str(error))
    return redirect("reports:report", pk)
