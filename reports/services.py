"""Draft, revise, sign, export. Every version stays, sealed with the interview's key; a signed report never changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from clinic.integrations.language import LanguageModel, LanguageModelError
from clinic.models import User
from clinic.services import must_not_have_withdrawn, note_access
from interviews.queries import replies, scale_results
from reports import drafting, prompts
from reports.composing import About, compose
from reports.drafting import Watcher
from reports.errors import AlreadySigned, ChangedMeanwhile, NothingToReport, ReportError
from reports.evidence import Evidence, gather
from reports.models import Report, ReportVersion
from reports.queries import latest, newest, sealed_name, text_of

if TYPE_CHECKING:
    from interviews.models import Interview

COMPOSED = "composed"
WORKER = "worker:report"


def draft(interview: Interview, model: LanguageModel | None, watcher: Watcher | None = None) -> ReportVersion:
    """A version written from the evidence: by the model where it answers, otherwise composed without one.

    In the interview's language. May run twice. A report that a person has changed or signed is left as it is.
    Raises ConsentMissing, NothingToReport, vault.KeyErased.
    """
    kept = Report.objects.filter(interview=interview).first()
    if kept and (last := latest(kept)) and (kept.state == Report.State.SIGNED or last.written_by_id):
        return last
    with translation.override(interview.question_set.language):
        evidence = evidence_of(interview)
        written, fault = None, None
        if model is not None:
            try:
                written = drafting.write(model, evidence, interview.question_set.language, watcher=watcher)
            except LanguageModelError as error:
                fault = error
        return _keep_draft(interview, evidence, written, fault)


def evidence_of(interview: Interview) -> Evidence:
    """What a draft may be made from. Raises ConsentMissing, NothingToReport, vault.KeyErased."""
    must_not_have_withdrawn(interview.patient)
    note_access(WORKER, "read", interview.subject)
    evidence = gather(replies(interview), scale_results(interview))
    if not evidence.recorded:
        raise NothingToReport(_("No question was answered, so there is nothing to report."))
    return evidence


@transaction.atomic
def revise(report: Report, text: str, by: User, seen: int) -> ReportVersion:
    """A version as a person wants it. seen: the number of the version she changed.

    Raises AlreadySigned, ChangedMeanwhile, ReportError.
    """
    report, last = _locked(report, seen)
    text = text.replace("\r\n", "\n").strip() + "\n"
    if not text.strip():
        raise ReportError(_("A report cannot be empty."))
    if len(text) > ReportVersion.MOST_CHARACTERS:
        raise ReportError(
            _("A report may have %(most)s characters at most.") % {"most": f"{ReportVersion.MOST_CHARACTERS:,}"}
        )
    if text == text_of(last):
        return last
    note_access(by, "revise", report.interview.subject)
    return _add_version(report, text, written_by=by)


@transaction.atomic
def sign(report: Report, by: User, seen: int) -> Report:
    """The newest version, which is the one that was seen, becomes the clinician's own word. Nothing changes after it.

    Raises AlreadySigned, ChangedMeanwhile.
    """
    report, _last = _locked(report, seen)
    report.state, report.signed_by, report.signed_at = Report.State.SIGNED, by, timezone.now()
    report.save(update_fields=["state", "signed_by", "signed_at"])
    note_access(by, "sign", report.interview.subject)
    return report


def export(report: Report, by: User) -> str:
    """The newest version as markdown, with who signed it, or that nobody has."""
    note_access(by, "export", report.interview.subject)
    if report.state == Report.State.SIGNED:
        when = timezone.localtime(report.signed_at).strftime("%Y-%m-%d %H:%M %Z")
        last_line = _("Signed by %(name)s, %(when)s.") % {"name": report.signed_by, "when": when}
    else:
        last_line = _("Draft: not signed by anybody.")
    return f"{text_of(newest(report))}\n---\n\n{last_line}\n"


# --- Drafting ---


@transaction.atomic
def _keep_draft(
    interview: Interview, evidence: Evidence, written: drafting.Draft | None, fault: LanguageModelError | None
) -> ReportVersion:
    report, _is_new = Report.objects.select_for_update().get_or_create(interview=interview)
    last = latest(report)
    if last and (last.written_by_id or report.state == Report.State.SIGNED):  # somebody was quicker
        return last
    drafted, why_without = written.drafted() if written else None, str(fault) if fault else ""
    text = compose(_about(interview), evidence, drafted, why_without)
    if last and text == text_of(last):
        return last
    if written is None:
        return _add_version(report, text, engine=COMPOSED, trouble=fault.state if fault else "")
    made_with = {"engine": written.engine, "engine_digest": written.digest[:80], "prompt_version": prompts.VERSION}
    return _add_version(report, text, **made_with, trouble=written.trouble)


def _about(interview: Interview) -> About:
    return About(
        title=str(interview.question_set),
        patient=interview.patient.name,
        record_number=interview.patient.record_number,
        on=timezone.localtime(interview.finished_at).date() if interview.finished_at else None,
    )


# --- Versions ---


def _locked(report: Report, seen: int) -> tuple[Report, ReportVersion]:
    """The report, ours until the transaction ends, and its newest version, which is the one that was seen."""
    report = Report.objects.select_for_update(of=("self",)).select_related("interview").get(pk=report.pk)
    if report.state == Report.State.SIGNED:
        raise AlreadySigned(_("This report is signed and cannot change any more."))
    last = latest(report)
    if last is None or last.number != seen:
        raise ChangedMeanwhile(_("Another version was saved since you opened this one. Look at it first."))
    return report, last


def _add_version(report: Report, text: str, **by: object) -> ReportVersion:
    number = (report.versions.order_by("-number").values_list("number", flat=True).first() or 0) + 1
    sealed = report.interview.key.seal(text.encode(), sealed_name(report, number))
    return ReportVersion.objects.create(report=report, number=number, sealed=sealed, **by)
