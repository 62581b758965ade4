"""Who may: engineers make studies and see them whole; clinicians grade, and see one whole once all of it is graded."""

from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404

from clinic.access import must_be
from clinic.models import User
from reports.study import queries
from reports.study.rows import Study, StudyReply

engineers_only = must_be(User.Role.ENGINEER)
clinicians_only = must_be(User.Role.CLINICIAN)
engineers_and_graders = must_be(User.Role.ENGINEER, User.Role.CLINICIAN)


def study_for(user: User, pk: int) -> Study:
    """A study with its arms laid open."""
    study = get_object_or_404(Study.objects.select_related("created_by"), pk=pk)
    if user.role == User.Role.ENGINEER or (
        user.role == User.Role.CLINICIAN and queries.is_graded_whole_by(study, user)
    ):
        return study
    raise Http404


def study_to_grade(user: User, pk: int) -> Study:
    """The same, its arms hidden."""
    rows = Study.objects.all() if user.role == User.Role.CLINICIAN else Study.objects.none()
    return get_object_or_404(rows, pk=pk)


def reply_of(study: Study, token: UUID) -> StudyReply:
    return get_object_or_404(study.replies.filter(state=StudyReply.State.DONE), token=token)
