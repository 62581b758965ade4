"""Rows of this room."""

from emotion.models.readings import StoredReading, TimelineSegment
from emotion.models.registry import Checkpoint, FetchedModel, Pack, PackPart, Promotion
from emotion.models.runs import Device, Epoch, SavedConfig, StepCurve, TrainingRun
from emotion.models.trials import Trial, Upload

__all__ = [
    "Checkpoint",
    "Device",
    "Epoch",
    "FetchedModel",
    "Pack",
    "PackPart",
    "Promotion",
    "SavedConfig",
    "StepCurve",
    "StoredReading",
    "TimelineSegment",
    "TrainingRun",
    "Trial",
    "Upload",
]
