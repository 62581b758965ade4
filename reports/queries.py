"""What to show of a report: its newest version, its history, its text opened with the interview's key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clinic import jobs
from clinic.models import Job
from reports.models import Comparison, Report, ReportVersion


def latest(report: Report) -> ReportVersion | None:
    return report.versions.select_related("report__interview", "written_by").order_by("-number").first()


def newest(report: Report) -> ReportVersion:
    """The same of a report that has one, as every report that can be shown does."""
    version = latest(report)
    if version is None:
        raise ReportVersion.DoesNotExist
    return version


def history(report: Report) -> list[ReportVersion]:
    """The newest first. Nothing is opened."""
    return list(report.versions.select_related("written_by").defer("sealed").order_by("-number"))


def text_of(version: ReportVersion) -> str:
    """Markdown. Raises vault.KeyErased after the interview was erased."""
    key, about = version.report.interview.key, sealed_name(version.report, version.number)
    return key.open(bytes(version.sealed), about).decode()


def sealed_name(report: Report, number: int) -> str:
    """What a sealed version is about: none can pass for another."""
    return f"report:{report.interview_id}:{number}"


def answer_ids(report: Report) -> Mapping[int, int]:
    """The id of each answer by its question's position: what anchors point at."""
    return dict(report.interview.answers.values_list("question__position", "pk"))


# --- Two drafts side by side ---

COMPARE = "compare"  # stage of the work


def comparison_subject(interview_id: int) -> str:
    return f"report:{interview_id}"


def comparison_job(interview_id: int) -> Job | None:
    return next((job for job in jobs.of(comparison_subject(interview_id)) if job.stage == COMPARE), None)


def comparison_of(report: Report) -> Comparison | None:
    """The newest one."""
    return report.comparisons.select_related("report__interview").order_by("-number").first()


def compared(comparison: Comparison) -> dict[str, Any]:
    """Both sides, opened. Raises vault.KeyErased."""
    about = comparison_name(comparison.report, comparison.number)
    return comparison.report.interview.key.open_json(bytes(comparison.sealed), about)


def comparison_name(report: Report, number: int) -> str:
    return f"comparison:{report.interview_id}:{number}"
