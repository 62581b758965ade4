"""Who may: a report belongs to whoever may review its interview; others learn nothing, not even that it exists."""

from django.http import Http404
from django.shortcuts import get_object_or_404

from clinic.models import User
from interviews.access import interview_for
from reports.models import Report, ReportVersion


def report_for(user: User, interview_id: int) -> Report:
    """The report of an interview of the clinician's own caseload."""
    interview = interview_for(user, interview_id)
    report = get_object_or_404(Report.objects.select_related("signed_by"), interview=interview)
    report.interview = interview
    if not interview.wrapped_key:  # erased: nothing is left to be opened
        raise Http404
    return report


def version_of(report: Report, number: int) -> ReportVersion:
    version = get_object_or_404(report.versions.select_related("written_by"), number=number)
    version.report = report
    return version
