"""Every net in every configuration: its size, its work for one clip, what goes in and what comes out.

Nothing is computed: nets are built and run on torch's meta device, where tensors have a shape and no content.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from emotion.ml.errors import EmotionError
from emotion.ml.labels import LABELS
from emotion.ml.nets.blocks import Attention, resting
from emotion.ml.nets.cross_fusion import CrossFusionConfig, IntermediateAttention
from emotion.ml.nets.dynamic import DynamicNet
from emotion.ml.nets.dynamic_fusion import DynamicFusion
from emotion.ml.nets.efficientface import EfficientFace, EfficientFaceConfig
from emotion.ml.nets.expression import ExpressionNet
from emotion.ml.nets.late_fusion import LateFusion, LateFusionConfig
from emotion.ml.nets.mmer import MMER, MMERConfig, RobertaWords
from emotion.ml.nets.multimodal import MultimodalConfig, MultimodalNet
from emotion.ml.nets.temporal import EfficientFaceTemporal
from emotion.ml.nets.voice import AudioCNNPool
from emotion.ml.nets.voice_head import VoiceHead, VoiceHeadConfig
from emotion.ml.nets.wav2vec2 import EncoderConfig, Wav2Vec2Voice, Wav2Vec2VoiceConfig
from emotion.ml.nets.whisper_encoder import WhisperEncoder

# One clip: 3.6 s, as the published nets see it.
FACE, FACES = (1, 3, 224, 224), (1, 15, 3, 224, 224)
CEPSTRUM = (1, 10, 156)
SOUND = (1, 57_600)  # samples at 16 kHz
TOKENS = 12  # of a short sentence
MOMENTS = 18  # five a second


class UnknownNet(EmotionError):
    """The text lists the names."""


@dataclass(frozen=True)
class Entry:
    """A net in a configuration, how to make it, and the shapes of one clip by the names of forward's arguments."""

    net: str
    configuration: str
    make: Callable[[], nn.Module]
    inputs: Mapping[str, tuple[int, ...]]
    tokens: bool = False  # inputs are whole numbers


@dataclass(frozen=True)
class Description:
    """
    parameters    all of them; `learning` those that training may move, `frozen` those that never move here: whole
                  backbones of a late fusion, and weights that a published checkpoint has and nothing reads
    macs          multiply-accumulates for one clip: of `layers` (convolutions, linear maps), and of `attention`
                  (queries with keys, weights with values)
    unread        further ones of layers that the published code computes and throws away, which this one does not
    """

    net: str
    configuration: str
    parameters: int
    learning: int
    frozen: int
    macs: Mapping[str, int]
    inputs: Mapping[str, list[int]]
    outputs: Mapping[str, list[int]]
    unread: int = 0


def describe(name: str | None = None) -> list[Description]:
    """All nets, or the configurations of one. Raises UnknownNet."""
    known = list(entries())
    names = sorted({entry.net for entry in known})
    if name is not None and name not in names:
        raise UnknownNet(f"There is no net {name}. There are: {', '.join(names)}.")
    return [described(entry) for entry in known if name in (None, entry.net)]


def described(entry: Entry) -> Description:
    with torch.device("meta"):
        net = entry.make().eval()
        kind = torch.long if entry.tokens else torch.float32
        given = {name: torch.empty(shape, dtype=kind) for name, shape in entry.inputs.items()}
    macs, given_back = count(net, **given)
    still = resting(net)
    sizes = {name: weight.numel() for name, weight in net.named_parameters()}
    return Description(
        net=entry.net,
        configuration=entry.configuration,
        parameters=sum(sizes.values()),
        learning=sum(size for name, size in sizes.items() if name not in still),
        frozen=sum(size for name, size in sizes.items() if name in still),
        macs=macs,
        inputs={name: list(shape) for name, shape in entry.inputs.items()},
        outputs={name: list(tensor.shape) for name, tensor in named(given_back).items()},
        unread=unread(net),
    )


@torch.no_grad()
def count(net: nn.Module, **given: Tensor) -> tuple[dict[str, int], Any]:
    """Multiply-accumulates of one forward pass, and what it gives back.

    Products of two activations are attention's; convolutions and products with weights are layers'. Sums,
    normalisations and pooling are not counted, as is usual.
    """
    with Work() as work:
        given_back = net(**given)
    macs = {"layers": work.layers, "attention": work.attention, "total": work.layers + work.attention}
    return macs, given_back


class Work(TorchDispatchMode):
    """Adds up multiply-accumulates while it is entered, by torch's own formulas. Its counter does more, and slower."""

    layers = attention = 0

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given_back = operation(*args, **(kwargs or {}))
        formula = flop_registry.get(operation.overloadpacket)
        if formula is not None:
            macs = formula(*args, **(kwargs or {}), out_val=given_back) // 2
            if operation.overloadpacket in OF_TWO_ACTIVATIONS:
                self.attention += macs
            else:
                self.layers += macs
        return given_back


OF_TWO_ACTIVATIONS = {torch.ops.aten.bmm, torch.ops.aten.baddbmm}


def unread(net: nn.Module) -> int:
    """What intermediate attention would spend on values and outputs for one clip, as its published code does."""
    if not (isinstance(net, MultimodalNet) and isinstance(net.fusion, IntermediateAttention)):
        return 0
    frames, steps = FACES[1], CEPSTRUM[2] - 6
    return values_and_outputs(net.fusion.voice_asks_face, steps, frames) + values_and_outputs(
        net.fusion.face_asks_voice, frames, steps
    )


def values_and_outputs(asking: Attention, askers: int, answerers: int) -> int:
    return answerers * asking.value.weight.numel() + askers * asking.out.weight.numel()


def named(given_back: Any) -> dict[str, Tensor]:
    if isinstance(given_back, Tensor):
        return {"returns": given_back}
    return given_back._asdict()


def entries() -> Iterator[Entry]:
    yield Entry("expression", "as shipped", ExpressionNet, {"faces": (1, 3, 112, 112)})
    for classes, weights in ((7, "AffectNet-7, RAF-DB, CAER-S"), (8, "AffectNet-8")):
        face = EfficientFaceConfig(classes=classes)
        yield Entry("efficientface", weights, partial(EfficientFace, face), {"faces": FACE})
    yield Entry("temporal", "15 frames", EfficientFaceTemporal, {"faces": FACES})
    yield Entry("voice", "10 coefficients", AudioCNNPool, {"cepstrum": CEPSTRUM})
    yield Entry("whisper-encoder", "tiny.en", WhisperEncoder, {"sound": SOUND})
    yield Entry("voice-head", "as shipped", VoiceHead, {"features": (1, VoiceHeadConfig().features)})
    yield from wav2vec2_entries()
    yield from fusion_entries()
    for classes, corpus in ((4, "IEMOCAP, as published"), (8, "eight labels")):
        config = MMERConfig(classes=classes)
        inputs = {"words": (1, TOKENS, 768), "sound": SOUND}
        yield Entry("mmer", corpus, partial(MMER, config), inputs)
    yield Entry("roberta", "base, frozen, before mmer", RobertaWords.base, {"tokens": (1, TOKENS)}, tokens=True)
    channel, signs = (1, MOMENTS, len(LABELS)), (1, MOMENTS, 2)
    inputs = {"face": channel, "face_signs": signs, "voice": channel, "voice_signs": signs}
    yield Entry("dynamic-fusion", "five moments a second", DynamicFusion, inputs)
    inputs = {"faces": FACES, "cepstrum": CEPSTRUM, "sound": SOUND, "heights": (1,)}
    yield Entry("dynamic", "15 moments, with nets of its own", DynamicNet, inputs)


def wav2vec2_entries() -> Iterator[Entry]:
    xlsr = EncoderConfig.xlsr()
    for configuration, config in (
        ("base, pooled classifier", Wav2Vec2VoiceConfig(projection=256)),
        ("base, projector of 128", Wav2Vec2VoiceConfig(projection=128)),
        ("xlsr-large, the RAVDESS checkpoint's head", Wav2Vec2VoiceConfig(xlsr, projection=1024, tanh=True)),
        ("xlsr-large, projector of 128", Wav2Vec2VoiceConfig(xlsr, projection=128)),
    ):
        yield Entry("wav2vec2", configuration, partial(Wav2Vec2Voice, config), {"sound": SOUND})


def fusion_entries() -> Iterator[Entry]:
    for kind in (1, 2, 3, 4, 5):
        late = LateFusionConfig(kind=kind)
        yield Entry("late-fusion", str(kind), partial(LateFusion, late), {"faces": FACES, "sound": SOUND})
    for fusion in ("lt", "it", "ia"):
        for heads in (1, 4):
            for over in ("mean", "sum") if fusion == "ia" else ("mean",):
                cross = CrossFusionConfig(heads=heads, over=over)
                config = MultimodalConfig(fusion=fusion, cross=cross)
                how = f"{heads} head{'s' if heads > 1 else ''}"
                how += f", {over} over queries" if fusion == "ia" else ""
                inputs = {"faces": FACES, "voice": CEPSTRUM}
                yield Entry(fusion, how, partial(MultimodalNet, config), inputs)
    for name, encoder in (("base", EncoderConfig()), ("xlsr-large", EncoderConfig.xlsr())):
        config = MultimodalConfig.enhanced(Wav2Vec2VoiceConfig(encoder, projection=128))
        inputs = {"faces": FACES, "voice": SOUND}
        yield Entry("enhanced", f"wav2vec2 {name}", partial(MultimodalNet, config), inputs)
