"""The newest version of a report as a PDF, with who signed it on every page, or that nobody has."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.models import User
from clinic.services import note_access
from reports.models import Report
from reports.pdf.blocks import blocks, direction_of, words_of
from reports.pdf.typesetting import Sheet, typeset
from reports.queries import answer_ids, newest, text_of
from reports.rendering import to_html


def export_pdf(report: Report, by: User) -> bytes:
    """Raises NoTypeface, vault.KeyErased."""
    version = newest(report)
    text = text_of(version)
    with translation.override(language_of(text)):
        made = typeset(_sheet(report, text, version.created_at))
    note_access(by, "export", report.interview.subject)
    return made


def language_of(text: str) -> str:
    """The report's language, as its first line shows: what it is set in, whatever the reader's own pages are in."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return "ar" if direction_of(first) == "rtl" else "en"


def _sheet(report: Report, text: str, made_at: datetime) -> Sheet:
    language = translation.get_language()
    direction = "rtl" if translation.get_language_bidi() else "ltr"
    laid = blocks(to_html(text, answer_ids(report), lambda answer, seconds: "#"), direction)
    patient = report.interview.patient
    record = _("Record %(number)s") % {"number": patient.record_number} if patient.record_number else ""
    return Sheet(
        language=language,
        direction=direction,
        title=_title(laid) or _("Interview report"),
        title_short=_("Interview report"),
        patient=" · ".join(part for part in (patient.name, record) if part),
        status=_status(report),
        purpose=_("Anamnesis records, transcribes and measures. It does not diagnose."),
        page=_("Page {page} of {pages}"),
        blocks=laid,
        unshown=_("Some characters of this report are in no typeface of this file; the markdown file holds them all."),
        made_at=made_at,
    )


def _status(report: Report) -> str:
    if report.state != Report.State.SIGNED or report.signed_at is None:
        return _("Draft: not signed by anybody.")
    when = date_format(timezone.localtime(report.signed_at), "DATETIME_FORMAT")
    return _("Signed by %(name)s, %(when)s.") % {"name": report.signed_by, "when": when}


def _title(laid: list[dict[str, Any]]) -> str:
    heading = next((block for block in laid if block["tag"] == "heading"), None)
    return words_of(heading) if heading else ""
