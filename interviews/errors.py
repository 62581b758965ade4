"""What a person can be told about an interview. Each class carries the status its doors answer with."""

from django.utils.translation import ngettext


class InterviewError(Exception):
    """The text may be shown to a person."""

    status = 422


class AlreadyAnswered(InterviewError):
    status = 409


class InterviewEnded(InterviewError):
    status = 409


class InvitationRefused(InterviewError):
    """Expired, used, revoked or unknown: the sentence says which."""

    status = 410


class InvitationUnknown(InvitationRefused):
    status = 404


class SetIsPublished(InterviewError):
    """A published version cannot change; make the next version instead."""

    status = 409


class ChunkRefused(InterviewError):
    """The bytes are not what their digest says."""

    status = 400


class ChunkConflict(InterviewError):
    """Another chunk is already kept under this number."""

    status = 409


class ChunksMissing(InterviewError):
    status = 409

    def __init__(self, missing: list[int]):
        super().__init__(
            ngettext(
                "%(count)s part of the recording has not arrived yet.",
                "%(count)s parts of the recording have not arrived yet.",
                len(missing),
            )
            % {"count": len(missing)}
        )
        self.missing = missing


class TooLarge(InterviewError):
    status = 413


class TooManyTakes(InterviewError):
    status = 409


class AnswerFull(TooLarge):
    """What has arrived so far is safe; nothing more fits."""


class NotARecording(InterviewError):
    status = 422


class NothingToCheck(InterviewError):
    """There are no words to look through."""

    status = 409


class TakeUndecided(InterviewError):
    """A recording was made and neither kept nor made again."""

    status = 409


class InstrumentRefused(InterviewError):
    """The data of an instrument, or an answer to one, is not as it must be."""

    status = 422


class InstrumentIsPublished(InterviewError):
    """A published version cannot change; make the next version instead."""

    status = 409
