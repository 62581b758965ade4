"""Which nets and corpora a run can be told of, and what fits which. Plain data: nothing here loads torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

CorpusName = Literal["made", "ravdess", "ravdess-audio", "cremad", "iemocap", "meld"]
NetName = Literal[
    "efficientface",
    "temporal",
    "voice-small",
    "wav2vec2",
    "late-1",
    "late-2",
    "late-3",
    "late-4",
    "late-5",
    "lt",
    "it",
    "ia",
    "enhanced",
    "mmer",
    "dynamic",
]
Input = Literal["faces", "cepstrum", "sound", "text"]

# What each net is shown of a clip.
INPUTS: Mapping[NetName, tuple[Input, ...]] = {
    "efficientface": ("faces",),
    "temporal": ("faces",),
    "voice-small": ("cepstrum",),
    "wav2vec2": ("sound",),
    "late-1": ("faces", "sound"),
    "late-2": ("faces", "sound"),
    "late-3": ("faces", "sound"),
    "late-4": ("faces", "sound"),
    "late-5": ("faces", "sound"),
    "lt": ("faces", "cepstrum"),
    "it": ("faces", "cepstrum"),
    "ia": ("faces", "cepstrum"),
    "enhanced": ("faces", "sound"),
    "mmer": ("text", "sound"),
    "dynamic": ("faces", "cepstrum", "sound"),
}
PHASES: Mapping[str, int] = {"enhanced": 3, "wav2vec2": 2}  # how many each net has; the others one
FOLDS: Mapping[CorpusName, int] = {"made": 6, "ravdess": 6, "ravdess-audio": 6, "cremad": 5, "iemocap": 5, "meld": 1}
WITHOUT_FACES: tuple[CorpusName, ...] = ("ravdess-audio",)
WITHOUT_TEXT: tuple[CorpusName, ...] = ("ravdess", "ravdess-audio", "cremad")

NET_TITLES: dict[str, str] = {
    "efficientface": "EfficientFace: single faces",
    "temporal": "EfficientFaceTemporal: faces over time",
    "voice-small": "Small voice net on cepstral coefficients",
    "wav2vec2": "wav2vec2 voice",
    "late-1": "Late fusion 1: the logits of both",
    "late-2": "Late fusion 2: every frame in its place",
    "late-3": "Late fusion 3: mean over frames",
    "late-4": "Late fusion 4: mean, deeper head",
    "late-5": "Late fusion 5: maximum, deeper head",
    "lt": "Late transformer",
    "it": "Intermediate transformer",
    "ia": "Intermediate attention",
    "enhanced": "Enhanced model: wav2vec2, faces, late transformer",
    "mmer": "MMER: words and voice",
    "dynamic": "Dynamic fusion by quality",
}
CORPUS_TITLES: dict[str, str] = {
    "made": "Made: drawn faces, synthesised voices",
    "ravdess": "RAVDESS, face and voice",
    "ravdess-audio": "RAVDESS, voice only",
    "cremad": "CREMA-D",
    "iemocap": "IEMOCAP",
    "meld": "MELD",
}


def taking(*inputs: Input) -> list[str]:
    """The nets that are shown one of these."""
    return [net for net, shown in INPUTS.items() if set(shown) & set(inputs)]


FUSIONS = ("lt", "it", "ia", "enhanced")  # that attend from one channel to the other
BOTH = [net for net, shown in INPUTS.items() if "faces" in shown and len(shown) > 1]
ON_WAV2VEC2 = [net for net, shown in INPUTS.items() if "sound" in shown and "cepstrum" not in shown]
