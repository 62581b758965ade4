"""EfficientFaceTemporal: eight expressions from the faces of a clip, however many."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor, nn

from emotion.ml.errors import WrongCheckpoint
from emotion.ml.labels import LABELS
from emotion.ml.nets.efficientface import EfficientFaceConfig, FaceTrunk
from emotion.ml.nets.published import load_strictly, read_published


@dataclass(frozen=True)
class TemporalConfig:
    face: EfficientFaceConfig = field(default_factory=EfficientFaceConfig)
    early: int = 64  # width after the first two convolutions over time, where the intermediate fusions meet
    late: int = 128
    classes: int = len(LABELS)


class EfficientFaceTemporal(FaceTrunk):
    """EfficientFace's features of each frame, then four convolutions over time and a mean.

    Source: Chumachenko, Iosifidis & Gabbouj, ICPR 2022, the visual branch; names of the weights as published.
    Differs: the number of frames is read from the input and not fixed at 15.
    """

    def __init__(self, config: TemporalConfig | None = None):
        self.config = config or TemporalConfig()
        super().__init__(self.config.face)
        early, late = self.config.early, self.config.late
        self.conv1d_0 = over_time(self.config.face.widths[-1], early)
        self.conv1d_1 = over_time(early, early)
        self.conv1d_2 = over_time(early, late)
        self.conv1d_3 = over_time(late, late)
        self.classifier_1 = nn.Sequential(nn.Linear(late, self.config.classes))

    def load_face(self, path: Path) -> None:
        """Take the trunk from a public EfficientFace checkpoint; what follows in time stays as it is.

        Raises WrongCheckpoint.
        """
        after = ("conv1d_", "classifier_1")
        found = {name: value for name, value in read_published(path).items() if not name.startswith("fc.")}
        if any(name.startswith(after) for name in found):
            raise WrongCheckpoint("These weights are of a whole temporal net, not of a face net.")
        own = {name: value for name, value in self.state_dict().items() if name.startswith(after)}
        load_strictly(self, found | own)

    def forward(self, faces: Tensor) -> Tensor:
        """
        faces:   (clip, frame, 3, 224, 224)
        returns  (clip, 8)
        """
        return self.classify(self.follow(self.meet(self.look(faces))))

    def look(self, faces: Tensor) -> Tensor:
        """(clip, frame, 3, 224, 224) to (clip, frame, 1024): each frame by itself"""
        return self.features(faces.flatten(0, 1)).unflatten(0, faces.shape[:2])

    def meet(self, seen: Tensor) -> Tensor:
        """(clip, frame, 1024) to (clip, 64, frame): where the intermediate fusions join"""
        return self.conv1d_1(self.conv1d_0(seen.transpose(1, 2)))

    def follow(self, seen: Tensor) -> Tensor:
        """(clip, 64, frame) to (clip, 128, frame)"""
        return self.conv1d_3(self.conv1d_2(seen))

    def classify(self, seen: Tensor) -> Tensor:
        """(clip, 128, frame) to (clip, 8)"""
        return self.classifier_1(seen.mean(dim=2))


def over_time(inside: int, outside: int) -> nn.Sequential:
    conv = nn.Conv1d(inside, outside, 3, padding="same")
    return nn.Sequential(conv, nn.BatchNorm1d(outside), nn.ReLU())
