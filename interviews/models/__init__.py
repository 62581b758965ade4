"""Questions, interviews, and what was answered. Recordings and texts are sealed with the interview's own key."""

from interviews.models.answers import Answer, Chunk, Recording, Transcript
from interviews.models.interviews import Interview, InterviewQuerySet, Invitation
from interviews.models.questions import Disorder, Question, QuestionSet
from interviews.models.risk import RiskFlag

__all__ = [
    "Answer",
    "Chunk",
    "Disorder",
    "Interview",
    "InterviewQuerySet",
    "Invitation",
    "Question",
    "QuestionSet",
    "Recording",
    "RiskFlag",
    "Transcript",
]
