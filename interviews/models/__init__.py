"""Questions, interviews, and what was answered. Recordings and texts are sealed with the interview's own key."""

from interviews.models.answers import Answer, Chunk, Recording, Transcript
from interviews.models.authoring import NameCheck, QuestionDraft
from interviews.models.instruments import Instrument, ItemAudio, Scale, ScaleAnswer, SpokenReply
from interviews.models.interviews import Interview, InterviewQuerySet, Invitation
from interviews.models.questions import Disorder, Question, QuestionSet
from interviews.models.risk import RiskFlag

__all__ = [
    "Answer",
    "Chunk",
    "Disorder",
    "Instrument",
    "Interview",
    "InterviewQuerySet",
    "Invitation",
    "ItemAudio",
    "NameCheck",
    "Question",
    "QuestionDraft",
    "QuestionSet",
    "Recording",
    "RiskFlag",
    "Scale",
    "ScaleAnswer",
    "SpokenReply",
    "Transcript",
]
