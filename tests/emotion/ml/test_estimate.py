"""The sizes that memory and time are estimated from, measured again on the nets themselves."""

import pytest
import torch
from torch import Tensor, nn

from emotion.ml.describe import count
from emotion.ml.nets.wav2vec2 import EncoderConfig, Wav2Vec2VoiceConfig
from emotion.ml.training.config import NetConfig, TrainingConfig
from emotion.ml.training.estimate import estimate, parts_of
from emotion.ml.training.systems import build

CLIPS = 2
CLIPS_OF_A_PART = {"train": 100, "validation": 20}
INPUTS = {"faces": (CLIPS, 15, 3, 224, 224), "cepstrum": (CLIPS, 10, 156), "sound": (CLIPS, 57_600)}


def kept_for_the_way_back(net: nn.Module, given: list[Tensor]) -> int:
    """Bytes of what autograd keeps of a forward pass, the weights left out. Nothing is computed: all is on "meta"."""
    weights = {weight.untyped_storage()._cdata for weight in net.parameters()}
    seen: dict[int, int] = {}
    alive = []

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in weights:
            seen[storage._cdata] = storage.nbytes()
        alive.append(tensor)  # else its storage's place could be given to another
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        net(*given)
    return sum(seen.values())


@pytest.mark.parametrize("name", ["temporal", "voice-small", "lt", "it", "wav2vec2"])
def test_the_sizes_are_those_of_the_nets(name):
    config = NetConfig(name=name)
    with torch.device("meta"):
        net = build(config, Wav2Vec2VoiceConfig(EncoderConfig()) if name == "wav2vec2" else None).train()
        given = [torch.empty(INPUTS[shown]) for shown in config.inputs]
    parts = parts_of(config)
    weights, kept, work = (sum(getattr(part, what) for part in parts) for what in ("weights", "kept", "work"))
    macs, _ = count(
        net.eval(), **dict(zip(("faces", "voice") if len(given) > 1 else (first(net),), given, strict=True))
    )
    assert weights == pytest.approx(sum(weight.numel() for weight in net.parameters()), rel=0.4)
    assert work == pytest.approx(macs["total"] / CLIPS, rel=0.6)
    assert kept == pytest.approx(kept_for_the_way_back(net.train(), given) / CLIPS, rel=0.4)


def first(net: nn.Module) -> str:
    """The name of forward's first argument."""
    return net.forward.__code__.co_varnames[1]


def test_larger_batches_need_more_memory_and_narrow_nets_less():
    def memory(**values) -> int:
        return estimate(TrainingConfig.checked(values), CLIPS_OF_A_PART, on_gpu=False).memory

    whole = memory(batch_size=8)
    assert memory(batch_size=16) > 1.5 * whole
    assert memory(batch_size=8, modality_dropout="none") < whole / 2
    assert memory(batch_size=8, net={"width": 0.25}) < whole / 2
    assert memory(batch_size=8, net={"side": 112}) < whole / 2


def test_what_earlier_runs_made_of_the_device_tells_the_time():
    config = TrainingConfig(epochs=10)
    slow = estimate(config, CLIPS_OF_A_PART, on_gpu=False, rate=1e9).seconds
    fast = estimate(config, CLIPS_OF_A_PART, on_gpu=False, rate=1e11).seconds
    assert slow > 20 * fast
