"""The verbs of this room, a file for each part of the story."""

from interviews.services.answering import (
    discard_recording,
    finish,
    keep_recording,
    receipt_for,
    receive_chunk,
    start_recording,
)
from interviews.services.invitations import (
    accept_invitation,
    agree,
    find_invitation,
    invite,
    language_of,
    must_be_open,
    open_interview,
    refuse_consent,
    revoke_invitation,
)
from interviews.services.questions import next_version, publish, retire
from interviews.services.rereading import read_again
from interviews.services.retrying import try_again
from interviews.services.risk import acknowledge
from interviews.services.scales import choose_instruments, keep_answer
from interviews.services.speaking import speak_questions
from interviews.services.spoken import receive_spoken

__all__ = [
    "accept_invitation",
    "acknowledge",
    "agree",
    "choose_instruments",
    "discard_recording",
    "find_invitation",
    "finish",
    "invite",
    "keep_answer",
    "keep_recording",
    "language_of",
    "must_be_open",
    "next_version",
    "open_interview",
    "publish",
    "read_again",
    "receipt_for",
    "receive_chunk",
    "receive_spoken",
    "refuse_consent",
    "retire",
    "revoke_invitation",
    "speak_questions",
    "start_recording",
    "try_again",
]
