"""Rows of this room."""

from emotion.models.readings import StoredReading, TimelineSegment
from emotion.models.runs import Device, Epoch, SavedConfig, StepCurve, TrainingRun

__all__ = ["Device", "Epoch", "SavedConfig", "StepCurve", "StoredReading", "TimelineSegment", "TrainingRun"]
