"""What a person can be told about a study."""

from reports.errors import ReportError


class StudyError(ReportError):
    """The text may be shown to a person."""


class NoModel(StudyError):
    """No language model is set up, or the same model would grade itself."""


class Interrupted(StudyError):
    """The model stopped answering; what was asked so far is kept."""


class StillAtWork(StudyError):
    """Something of this study is under way."""
