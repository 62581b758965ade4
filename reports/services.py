"""Draft, revise, sign, export. Every version stays, sealed with the interview's key; a signed report never changes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from clinic import jobs
from clinic.integrations.language import LanguageModel, LanguageModelError
from clinic.models import Job, User
from clinic.services import must_not_have_withdrawn, note_access
from interviews.queries import replies, scale_results
from interviews.stages import REPORT
from reports import comparing, drafting, prompts
from reports.composing import About, compose
from reports.drafting import Watcher
from reports.errors import AlreadySigned, ChangedMeanwhile, NothingToReport, ReportError
from reports.evidence import Evidence, gather, without_readings
from reports.models import Comparison, Report, ReportVersion
from reports.queries import COMPARE, comparison_name, comparison_subject, latest, newest, sealed_name, text_of

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
    with translation.override(_language(interview)):
        evidence = evidence_of(interview)
        written, fault = None, None
        if model is not None:
            try:
                written = drafting.write(model, evidence, _language(interview), watcher=watcher)
            except LanguageModelError as error:
                fault = error
        return _keep_draft(interview, evidence, written, fault)


@transaction.atomic
def draft_again(report: Report, by: User) -> bool:
    """Whether a new draft is to be made: nobody has changed or signed the report, and none is being made."""
    report = Report.objects.select_for_update(of=("self",)).select_related("interview").get(pk=report.pk)
    if not may_draft_again(report):
        return False
    (job,) = jobs.open_jobs(report.interview.subject, [REPORT])
    if not jobs.is_final(job):
        return False
    jobs.retry(job)
    note_access(by, "draft", report.interview.subject)
    return True


def may_draft_again(report: Report) -> bool:
    return report.state == Report.State.DRAFT and newest(report).written_by_id is None


def compare(interview: Interview, model: LanguageModel | None, watcher: Watcher | None = None) -> Comparison:
    """Two drafts by one model: with, and without expression and voice. The report stays as it is.

    May run twice: each run is kept. Raises ConsentMissing, NothingToReport, LanguageModelError, vault.KeyErased.
    """
    report, watcher, language = Report.objects.get(interview=interview), watcher or Watcher(), _language(interview)
    if model is None:
        raise ReportError(_("No language model is set up, so there is nothing to compare."))
    with translation.override(language):
        evidence = evidence_of(interview)
        drafts = {}
        for turn, (side, held) in enumerate(
            ((comparing.WITH, evidence), (comparing.WITHOUT, without_readings(evidence)))
        ):
            half = Watcher(partial(_half, watcher.on_progress, turn), on_wait=watcher.on_wait)
            drafts[side] = drafting.write(model, held, language, side == comparing.WITH, half)
        kept = {side: comparing.as_json(one) for side, one in drafts.items()}
    return _keep_comparison(report, kept, drafts[comparing.WITH])


@transaction.atomic
def open_comparison(report: Report, by: User) -> bool:
    """Whether one is to be made: none is being made."""
    (job,) = jobs.open_jobs(comparison_subject(report.interview_id), [COMPARE])
    job = Job.objects.select_for_update().get(pk=job.pk)
    if not jobs.is_final(job) and jobs.is_spoken_for(job):
        return False
    jobs.retry(job)
    note_access(by, "compare", report.interview.subject)
    return True


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


@transaction.atomic
def _keep_comparison(report: Report, kept: dict[str, Any], one: drafting.Draft) -> Comparison:
    report = Report.objects.select_for_update(of=("self",)).select_related("interview").get(pk=report.pk)
    number = (report.comparisons.order_by("-number").values_list("number", flat=True).first() or 0) + 1
    return Comparison.objects.create(
        report=report,
        number=number,
        sealed=report.interview.key.seal_json(kept, comparison_name(report, number)),
        engine=one.engine,
        engine_digest=one.digest[:80],
        prompt_version=prompts.VERSION,
    )


def _half(tell: Callable[[float], None], turn: int, share: float) -> None:
    tell((turn + share) / 2)


def _language(interview: Interview) -> str:
    return interview.question_set.language


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
