"""What holds for every net: each clip counts and is read by itself, all of it learns, and a file gives it back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from emotion.ml import checkpoint
from emotion.ml.describe import entries
from emotion.ml.nets.blocks import resting
from emotion.ml.nets.efficientface import EfficientFace
from emotion.ml.nets.expression import ExpressionNet
from emotion.ml.nets.voice import AudioCNNPool
from emotion.ml.nets.voice_head import VoiceHead, VoiceHeadConfig
from emotion.ml.nets.whisper_encoder import WhisperEncoder, WhisperEncoderConfig
from tests.emotion.ml.nets import (
    test_dynamic,
    test_dynamic_fusion,
    test_late_fusion,
    test_mmer,
    test_multimodal,
    test_temporal,
    test_wav2vec2,
)
from tests.emotion.ml.nets.known import NARROW_FACE, SCALES, SIDE, check_alone_as_in_a_batch, lively, starved

FACES, CEPSTRUM, SOUND = (4, 3, 3, SIDE, SIDE), (4, 10, 20), (4, 3216)
LABELS = torch.tensor([0, 2, 5, 6])


@dataclass(frozen=True)
class Case:
    """A narrow net, and the shapes of four clips. `ask` gives (clip, class); `rate` is one that it learns them with."""

    make: Callable[[], nn.Module]
    shapes: Sequence[tuple[int, ...]]
    ask: Callable[..., Tensor] = lambda net, *clips: net(*clips)
    rate: float = 0.003

    def net(self) -> nn.Module:
        torch.manual_seed(0)
        return self.make()

    def clips(self) -> list[Tensor]:
        """Each louder or brighter than the one before, and higher: levelled sound does not differ by its loudness."""
        torch.manual_seed(1)
        share = torch.tensor([0.1, 0.4, 0.7, 1.0])
        return [self._drawn(shape) * share.view(4, *[1] * (len(shape) - 1)) for shape in self.shapes]

    def _drawn(self, shape: tuple[int, ...]) -> Tensor:
        if shape == SOUND:
            tones = torch.sin(torch.arange(SOUND[1]) * torch.tensor([[0.05], [0.3], [0.9], [2.0]]))
            return tones + 0.1 * torch.randn(shape)
        return torch.rand(shape) if len(shape) > 3 else torch.randn(shape)


def of_both(net: VoiceHead, features: Tensor, usual: Tensor) -> Tensor:
    """For a stranger and for a known speaker, which are two planes of the head."""
    return net(features) + net(features, usual)


MOMENTS = ((4, 3, 8), (4, 3, 2)) * 2
WHISPER = WhisperEncoderConfig(width=16, heads=2, layers=2, longest=50)
CASES: Mapping[str, Case] = {
    "expression": Case(ExpressionNet, [(4, 3, 112, 112)], lambda net, faces: net(faces * 255)),
    "efficientface": Case(lambda: EfficientFace(NARROW_FACE), [(4, 3, SIDE, SIDE)]),
    "temporal": Case(test_temporal.a_net, [FACES]),
    "voice": Case(AudioCNNPool, [CEPSTRUM]),
    "wav2vec2, base": Case(test_wav2vec2.a_voice, [SOUND]),
    "wav2vec2, large": Case(lambda: test_wav2vec2.a_voice(large=True), [SOUND]),
    "whisper-encoder": Case(lambda: WhisperEncoder(WHISPER), [SOUND], lambda net, sound: net(sound).mean(2).flatten(1)),
    "voice-head": Case(lambda: VoiceHead(VoiceHeadConfig(features=24)), [(4, 24), (4, 24)], of_both),
    **{
        f"late-fusion, {kind}": Case(lambda kind=kind: test_late_fusion.a_net(kind), [FACES, SOUND], rate=0.02)
        for kind in range(1, 6)
    },
    **{
        f"{fusion}, {heads}": Case(lambda f=fusion, h=heads: test_multimodal.a_net(f, h), [FACES, CEPSTRUM])
        for fusion, heads in test_multimodal.EVERY
    },
    "enhanced": Case(test_multimodal.an_enhanced_net, [FACES, SOUND]),
    "mmer": Case(test_mmer.a_net, [(4, 5, 16), SOUND]),
    "dynamic-fusion": Case(test_dynamic_fusion.a_net, MOMENTS, lambda net, *moments: net(*moments).clip),
    "dynamic": Case(
        test_dynamic.a_net,
        [FACES, CEPSTRUM, SOUND, (4,)],
        lambda net, faces, cepstrum, sound, height: net(faces, cepstrum, sound, height.abs() * 100 + 30),
    ),
}
# A frozen RoBERTa, tried in test_mmer.
ELSEWHERE = {"roberta"}
# One is taken as it is and has no classes. The other only weighs what it is told: test_dynamic_fusion teaches it that.
UNTAUGHT = {"whisper-encoder", "dynamic-fusion"}


@pytest.fixture(params=CASES)
def case(request) -> Case:
    return CASES[request.param]


def test_every_net_there_is_is_tried_here():
    assert {name.partition(",")[0] for name in CASES} | ELSEWHERE == {entry.net for entry in entries()}


def test_gradients_reach_every_clip_of_every_input_and_every_weight_that_may_learn(case):
    net, clips = case.net().train(), [part.requires_grad_() for part in case.clips()]
    given_back = case.ask(net, *clips)
    assert len(given_back) == 4
    given_back.pow(2).sum().backward()
    # Two heads of MMER only learn from its other losses (test_mmer), and a bias that batch normalisation takes out
    # again has no gradient but rounding.
    elsewhere = ("speller.", "original_view.", "altered_view.")
    assert [name for name in starved(net) if not name.startswith(elsewhere) and ".gate_s_conv_" not in name] == []
    assert all(part.grad.flatten(1).any(dim=1).all() if part.ndim > 1 else part.grad.any() for part in clips)


def test_a_clip_alone_reads_as_it_does_in_a_batch(case):
    net = lively(case.net())
    three = [part[1:] * SCALES.view(3, *[1] * (part.ndim - 1)) for part in case.clips()]
    check_alone_as_in_a_batch(lambda *clips: case.ask(net, *clips), *three)


def test_what_is_saved_and_loaded_gives_the_same_answers(case, tmp_path):
    net, clips = case.net().eval(), case.clips()
    config = asdict(net.config) if hasattr(net, "config") else {}
    checkpoint.save(tmp_path / "net.safetensors", net, checkpoint.Card(net="any", config=config))
    with torch.no_grad():
        before = case.ask(net, *clips)
        for weight in net.parameters():
            weight.add_(1.0)
        assert not torch.equal(case.ask(net, *clips), before)
        checkpoint.load(tmp_path / "net.safetensors").into(net)
        assert torch.equal(case.ask(net, *clips), before)


@pytest.mark.parametrize("name", sorted(set(CASES) - UNTAUGHT))
def test_four_clips_are_learned_by_heart(name):
    case = CASES[name]
    net, clips = case.net(), case.clips()
    still = resting(net)
    learning = [weight for key, weight in net.named_parameters() if key not in still]
    optimiser = torch.optim.Adam(learning, lr=case.rate)
    for step in range(120):
        net.train()
        optimiser.zero_grad()
        functional.cross_entropy(case.ask(net, *clips), LABELS).backward()
        optimiser.step()
        if step % 5 == 4:
            with torch.no_grad():
                if (case.ask(net.eval(), *clips).argmax(dim=1) == LABELS).all():
                    return
    pytest.fail("still wrong after 120 steps")
