import copy

import pytest
import torch

from emotion.ml.nets.late_fusion import LateFusion, LateFusionConfig
from emotion.ml.nets.mmer import MMER, MMERConfig
from emotion.ml.nets.wav2vec2 import Wav2Vec2Voice
from emotion.ml.training import kinds
from emotion.ml.training.phases import ENHANCED, PHASES, WAV2VEC2, Phase, enter, phases_of
from tests.emotion.ml.nets.known import NARROW, SIDE
from tests.emotion.ml.nets.test_late_fusion import ENCODER as LATE_ENCODER
from tests.emotion.ml.nets.test_late_fusion import Wav2Vec2VoiceConfig
from tests.emotion.ml.nets.test_mmer import ENCODER as MMER_ENCODER
from tests.emotion.ml.nets.test_multimodal import a_net, an_enhanced_net

RESTING = ("face.classifier_1.", "voice.classifier.")


def moved_by_training(net, weights):
    """Names of weights and statistics that two steps in training mode change."""
    before = copy.deepcopy(net.state_dict())
    optimiser = torch.optim.SGD(weights, lr=0.5)
    net.train()
    for seed in (0, 1):
        torch.manual_seed(seed)
        optimiser.zero_grad()
        net(torch.rand(3, 4, 3, SIDE, SIDE), torch.randn(3, 6400)).pow(2).sum().backward()
        optimiser.step()
    return {name for name, value in net.state_dict().items() if not torch.equal(before[name], value)}


def names(net, part):
    return {name for name in net.state_dict() if name.startswith(part)}


@pytest.mark.parametrize("phase", ENHANCED, ids=lambda phase: f"phase {phase.number}")
def test_in_each_phase_of_the_enhanced_model_only_what_should_learn_moves(phase):
    frozen = {1: ("voice.",), 2: ("voice.encoder.",), 3: ()}[phase.number]
    net = an_enhanced_net(dropout=0.1)
    moved = moved_by_training(net, enter(net, phase))
    learning = {name for name in net.state_dict() if not name.startswith((*frozen, *RESTING))}
    assert moved <= learning
    # A bias that batch normalisation takes out again has no gradient but rounding.
    assert all(".gate_s_conv_" in name and name.endswith(".bias") for name in learning - moved)


def test_the_third_phase_is_on_iemocap_and_the_others_on_ravdess():
    assert [(phase.number, phase.corpus) for phase in ENHANCED] == [(1, "ravdess"), (2, "ravdess"), (3, "iemocap")]
    assert phases_of("enhanced", "made") == ENHANCED
    assert phases_of("lt", "made") == (Phase(1, "made"),)


def test_a_later_phase_wakes_what_an_earlier_one_froze_but_never_what_rests():
    net = an_enhanced_net()
    learning = [{name for name, w in net.named_parameters() if w.requires_grad} for p in ENHANCED if enter(net, p)]
    assert learning[0] < learning[1] < learning[2]
    assert learning[1] - learning[0] == {"voice.projector.weight", "voice.projector.bias"}
    assert not any(name.startswith(RESTING) for name in learning[2])


def test_entering_returns_exactly_the_weights_that_learn():
    net = an_enhanced_net()
    found = enter(net, ENHANCED[0])
    assert {id(weight) for weight in found} == {id(w) for w in net.parameters() if w.requires_grad}
    assert len(found) == len(list(net.face.parameters())) - 2 + len(list(net.fusion.parameters())) + 2


def test_frozen_batch_statistics_stay_too():
    net = a_net("lt")
    enter(net, Phase(1, "made", frozen=("face.conv1", "face.stage2")))
    before = copy.deepcopy(net.state_dict())
    net.train()(torch.rand(3, 4, 3, SIDE, SIDE), torch.randn(3, 10, 30))
    after = net.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in names(net, "face.stage2") | names(net, "face.conv1."))
    assert not torch.equal(
        before["face.stage3.0.branch1.1.running_mean"], after["face.stage3.0.branch1.1.running_mean"]
    )


def test_a_phase_does_not_wake_frozen_backbones():
    voice = Wav2Vec2VoiceConfig(encoder=LATE_ENCODER, projection=20)
    late = LateFusion(LateFusionConfig(kind=5, face=NARROW, voice=voice))
    enter(late, Phase(1, "made"))
    assert {name for name, w in late.named_parameters() if w.requires_grad} == {
        f"head.{name}" for name, _ in late.head.named_parameters()
    }
    mmer = MMER(MMERConfig(encoder=MMER_ENCODER, heads=2, inner=32))
    enter(mmer, Phase(1, "iemocap"))
    assert not any(weight.requires_grad for weight in mmer.voice.model.feature_extractor.parameters())
    assert all(weight.requires_grad for weight in mmer.voice.model.encoder.parameters())


def test_freezing_a_part_that_the_net_does_not_have_is_refused():
    with pytest.raises(ValueError, match=r"phase 1 freezes ears\., which this net does not have"):
        enter(a_net("lt"), Phase(1, "made", frozen=("ears.",)))


def test_a_config_knows_how_many_phases_each_net_has():
    assert {net: len(phases) for net, phases in PHASES.items()} == kinds.PHASES


@pytest.mark.parametrize("phase", WAV2VEC2, ids=lambda phase: f"phase {phase.number}")
def test_wav2vec2_s_head_learns_first_and_its_convolutions_never(phase):
    voice = Wav2Vec2Voice(Wav2Vec2VoiceConfig(encoder=LATE_ENCODER, projection=20))
    enter(voice, phase)
    frozen = {name for name, weight in voice.named_parameters() if not weight.requires_grad}
    assert {name for name in frozen if not name.startswith("encoder.")} == set()
    convolutions = {name for name, _ in voice.named_parameters() if "feature_extractor" in name}
    assert convolutions <= frozen
    assert (frozen == convolutions) == (phase.number == 2)
    # What is frozen drops nothing either, so that the head sees the same sound the same way.
    assert voice.train().encoder.training == (phase.number == 2)
