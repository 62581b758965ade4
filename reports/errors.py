"""What a person can be told about a report."""


class ReportError(Exception):
    """The text may be shown to a person."""


class AlreadySigned(ReportError):
    """A signed report never changes."""


class ChangedMeanwhile(ReportError):
    """Somebody saved another version since this one was opened."""


class NothingToReport(ReportError):
    """No question was answered."""
