"""Every net that can be trained: how it is built from a config, what it starts from, how a file gives it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

from torch import nn

from emotion.ml import checkpoint
from emotion.ml.checkpoint import Card, Checkpoint
from emotion.ml.errors import WrongCheckpoint
from emotion.ml.labels import LABELS
from emotion.ml.nets.cross_fusion import CrossFusionConfig
from emotion.ml.nets.dynamic import DynamicConfig, DynamicNet
from emotion.ml.nets.efficientface import EfficientFace, EfficientFaceConfig
from emotion.ml.nets.late_fusion import LateFusion, LateFusionConfig
from emotion.ml.nets.mmer import MMER
from emotion.ml.nets.mmer import MMERConfig as MMERNetConfig
from emotion.ml.nets.multimodal import MultimodalConfig, MultimodalNet
from emotion.ml.nets.published import load_strictly, read_published
from emotion.ml.nets.temporal import EfficientFaceTemporal, TemporalConfig
from emotion.ml.nets.voice import AudioCNNPool, VoiceConfig
from emotion.ml.nets.wav2vec2 import EncoderConfig, Wav2Vec2Encoder, Wav2Vec2Voice, Wav2Vec2VoiceConfig, read_pretrained
from emotion.ml.training.config import NetConfig

PRETRAINED = {"base": "facebook/wav2vec2-base", "xlsr-large": "facebook/wav2vec2-large-xlsr-53"}
TINY = EncoderConfig(
    width=32, layers=2, heads=4, inner=64, convolutions=(16, 16), kernels=(20, 16), strides=(20, 16), dropout=0.0
)


def build(config: NetConfig, voice: Wav2Vec2VoiceConfig | None = None) -> nn.Module:
    """The net at its width, with random weights: published at 1, and proportionally narrower below.

    voice: the size of its wav2vec2, where it has one; `voice_size` finds it
    """
    make: Mapping[str, Callable[[], nn.Module]] = {
        "efficientface": lambda: EfficientFace(replace(face_size(config).face, classes=len(LABELS))),
        "temporal": lambda: EfficientFaceTemporal(face_size(config)),
        "voice-small": lambda: AudioCNNPool(cepstral_size(config)),
        "wav2vec2": lambda: Wav2Vec2Voice(voice),
        "enhanced": lambda: MultimodalNet(MultimodalConfig("lt", cross(config), face_size(config), given(voice))),
        "mmer": lambda: MMER(mmer_size(given(voice).encoder)),
        "dynamic": lambda: DynamicNet(DynamicConfig(face_size(config), cepstral_size(config))),
    }
    if config.name in ("lt", "it", "ia"):
        return MultimodalNet(
            MultimodalConfig(cast(Any, config.name), cross(config), face_size(config), cepstral_size(config))
        )
    if config.name.startswith("late-"):
        kind = cast(Any, int(config.name[-1]))
        frames = config.frames or LateFusionConfig.frames
        return LateFusion(LateFusionConfig(kind, face_size(config), replace(given(voice), tanh=False), frames))
    return make[config.name]()


def start(net: nn.Module, config: NetConfig) -> None:
    """Load what the config has the net start from. Raises WrongCheckpoint."""
    if config.face_weights:
        load_face(net, config.face_weights)
    if config.voice_weights:
        load_voice(net, config.voice_weights)
    elif "sound" in config.inputs and "cepstrum" not in config.inputs and config.encoder != "tiny":
        load_encoder(net, config)


def rebuild(saved: Checkpoint) -> nn.Module:
    """The trained net of a checkpoint, from the checkpoint alone. Raises WrongCheckpoint."""
    config, voice = sizes_of(saved.card)
    return saved.into(build(config, voice)).eval()


def sizes_of(card: Card) -> tuple[NetConfig, Wav2Vec2VoiceConfig | None]:
    """What `build` needs to make the net of a card. Raises WrongCheckpoint."""
    try:
        found = card.config.get("voice")
        return NetConfig.model_validate(card.config["net"]), voice_size_from(found) if found else None
    except (KeyError, TypeError, ValueError) as error:
        raise WrongCheckpoint(f"This checkpoint is not of a training run here: {card.net}.") from error


def voice_size(config: NetConfig) -> Wav2Vec2VoiceConfig | None:
    """The size of the net's wav2vec2; None where it has none. Raises WrongCheckpoint."""
    if "sound" not in config.inputs or "cepstrum" in config.inputs:
        return None
    if config.voice_weights:
        _, found = sizes_of(checkpoint.load(config.voice_weights).card)
        if found is None:
            raise WrongCheckpoint(f"{config.voice_weights.name} is not of a wav2vec2 voice.")
        return found
    # The voice of the enhanced model is as wide as its faces, which attend to it.
    projection = face_size(config).late if config.name == "enhanced" else config.projection
    if config.encoder == "tiny":
        return Wav2Vec2VoiceConfig(TINY, projection)
    if config.encoder_head == "published" and config.name not in ("enhanced", "mmer"):
        return Wav2Vec2Voice.from_pretrained(source(config), "published", local_files_only=not config.fetch).config
    settings, _ = read_pretrained(source(config), local_files_only=not config.fetch)
    return Wav2Vec2VoiceConfig(EncoderConfig.of(settings), projection)


def voice_size_from(plain: Mapping[str, Any]) -> Wav2Vec2VoiceConfig:
    encoder: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in plain["encoder"].items()
    }
    return Wav2Vec2VoiceConfig(**{**plain, "encoder": EncoderConfig(**encoder)})


def given(voice: Wav2Vec2VoiceConfig | None) -> Wav2Vec2VoiceConfig:
    return voice or Wav2Vec2VoiceConfig()


def source(config: NetConfig) -> str:
    return PRETRAINED.get(config.encoder, config.encoder)


def face_size(config: NetConfig) -> TemporalConfig:
    first, second, *others = EfficientFaceConfig().widths
    face = EfficientFaceConfig()
    if config.width < 1:
        least = narrowed(first, config.width)
        # The local features take each channel of the first stage to equally many of the second.
        next_wider = least * max(1, round(second * config.width / least))
        face = replace(
            face, widths=(least, next_wider, *(narrowed(width, config.width) for width in others)), reduction=4
        )
    return TemporalConfig(face=face, early=narrowed(64, config.width), late=narrowed(128, config.width))


def cepstral_size(config: NetConfig) -> VoiceConfig:
    first, second, third, fourth = (narrowed(width, config.width) for width in VoiceConfig().widths)
    return VoiceConfig(widths=(first, second, third, fourth))


def cross(config: NetConfig) -> CrossFusionConfig:
    return CrossFusionConfig(heads=config.heads, over=config.over)


def mmer_size(encoder: EncoderConfig) -> MMERNetConfig:
    """As published around the base encoder; heads and inner width follow another one."""
    return MMERNetConfig(encoder=encoder, heads=encoder.heads, inner=4 * encoder.width)


def narrowed(width: int, share: float) -> int:
    """A multiple of eight, so that heads and shuffled halves come out even; the published width as it is."""
    return width if share == 1 else max(8, round(width * share / 8) * 8)


# --- What a net starts from ---


def load_face(net: nn.Module, path: Path) -> None:
    """The face branch from a public EfficientFace checkpoint, or from a face run of this project."""
    branch = face_branch(net)
    if path.suffix != ".safetensors":
        found = {name: value for name, value in read_published(path).items() if not name.startswith("fc.")}
    else:
        saved = checkpoint.load(path)
        if saved.card.net not in ("efficientface", "temporal"):
            raise WrongCheckpoint(f"{path.name} is of the net {saved.card.net}; a face run's is needed.")
        if saved.card.net == "temporal" and isinstance(branch, EfficientFaceTemporal):
            saved.into(branch)
            return
        found = {name: value for name, value in saved.weights.items() if not name.startswith(AFTER_THE_TRUNK)}
    own = {name: value for name, value in branch.state_dict().items() if name.startswith(AFTER_THE_TRUNK)}
    load_strictly(branch, found | own)


AFTER_THE_TRUNK = ("fc.", "conv1d_", "classifier_1")


def load_voice(net: nn.Module, path: Path) -> None:
    """The voice branch from a voice run of this project."""
    saved, branch = checkpoint.load(path), voice_branch(net)
    wanted = "wav2vec2" if isinstance(branch, Wav2Vec2Voice) else "voice-small"
    if saved.card.net != wanted:
        raise WrongCheckpoint(f"{path.name} is of the net {saved.card.net}; one of {wanted} is needed.")
    saved.into(branch)


def load_encoder(net: nn.Module, config: NetConfig) -> None:
    """wav2vec2 from a hub id or a folder: its encoder, or with the head that it carries."""
    branch = voice_branch(net)
    if isinstance(branch, Wav2Vec2Encoder):
        branch.load_pretrained(source(config), local_files_only=not config.fetch)
        return
    if config.encoder_head == "published" and config.name != "enhanced":
        found = Wav2Vec2Voice.from_pretrained(source(config), "published", local_files_only=not config.fetch)
        branch.load_state_dict(found.state_dict())
        return
    branch.encoder.load_pretrained(source(config), local_files_only=not config.fetch)


def face_branch(net: nn.Module) -> Any:
    return net if isinstance(net, EfficientFace | EfficientFaceTemporal) else net.face


def voice_branch(net: nn.Module) -> Any:
    return net if isinstance(net, Wav2Vec2Voice | AudioCNNPool) else net.voice


def shapes(net: nn.Module) -> dict[str, Any]:
    """What a card says of the net beside its config: the size of its wav2vec2, which may come from a hub id."""
    voice = net if isinstance(net, Wav2Vec2Voice) else getattr(net, "voice", None)
    if isinstance(voice, Wav2Vec2Voice):
        return {"voice": asdict(voice.config)}
    if isinstance(voice, Wav2Vec2Encoder):
        return {"voice": asdict(Wav2Vec2VoiceConfig(encoder=voice.config))}
    return {}
