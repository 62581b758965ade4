"""Rows of this room."""

from emotion.models.readings import StoredReading, TimelineSegment
from emotion.models.runs import Epoch, SavedConfig, StepCurve, TrainingRun

__all__ = ["Epoch", "SavedConfig", "StepCurve", "StoredReading", "TimelineSegment", "TrainingRun"]
