"""What holds for every net that learns: it keeps its answers through a file, and can learn four clips by heart."""

from dataclasses import asdict

import pytest
import torch
from torch.nn import functional

from emotion.ml import checkpoint
from emotion.ml.nets.efficientface import EfficientFace
from emotion.ml.nets.voice import AudioCNNPool
from tests.emotion.ml.nets import (
    test_dynamic_fusion,
    test_late_fusion,
    test_mmer,
    test_multimodal,
    test_temporal,
    test_wav2vec2,
)
from tests.emotion.ml.nets.known import NARROW_FACE, SIDE

FACES, CEPSTRUM, SOUND = (4, 3, 3, SIDE, SIDE), (4, 10, 20), (4, 3216)
MOMENTS = ((4, 3, 8), (4, 3, 2)) * 2
NETS = {
    "efficientface": (lambda: EfficientFace(NARROW_FACE), [(4, 3, SIDE, SIDE)]),
    "temporal": (test_temporal.a_net, [FACES]),
    "voice": (AudioCNNPool, [CEPSTRUM]),
    "wav2vec2": (test_wav2vec2.a_voice, [SOUND]),
    **{f"late-fusion {kind}": (lambda kind=kind: test_late_fusion.a_net(kind), [FACES, SOUND]) for kind in range(1, 6)},
    **{
        f"{fusion}, {heads}": (lambda f=fusion, h=heads: test_multimodal.a_net(f, h), [FACES, CEPSTRUM])
        for fusion, heads in test_multimodal.EVERY
    },
    "enhanced": (test_multimodal.an_enhanced_net, [FACES, SOUND]),
    "mmer": (test_mmer.a_net, [(4, 5, 16), SOUND]),
    "dynamic-fusion": (test_dynamic_fusion.a_net, MOMENTS),
}


def answers(net, inputs):
    given_back = net(*inputs)
    return given_back if isinstance(given_back, torch.Tensor) else given_back.clip


@pytest.fixture(params=NETS)
def net_and_clips(request):
    make, shapes = NETS[request.param]
    torch.manual_seed(0)
    net = make()
    torch.manual_seed(0)
    return net, [torch.rand(shape) if len(shape) > 3 else torch.randn(shape) for shape in shapes]


def test_what_is_saved_and_loaded_gives_the_same_answers(net_and_clips, tmp_path):
    net, clips = net_and_clips
    config = asdict(net.config)
    checkpoint.save(tmp_path / "net.safetensors", net.eval(), checkpoint.Card(net="any", config=config))
    with torch.no_grad():
        before = answers(net, clips)
        for weight in net.parameters():
            weight.add_(1.0)
        checkpoint.load(tmp_path / "net.safetensors").into(net)
        assert torch.equal(answers(net, clips), before)


# Those that the training tests (test_run) do not already teach four made clips.
BY_HEART = [
    "efficientface",
    "temporal",
    "voice",
    "wav2vec2",
    "enhanced",
    "mmer",
    *(f"late-fusion {n}" for n in "12345"),
]


@pytest.mark.parametrize("net_and_clips", BY_HEART, indirect=True)
def test_four_clips_are_learned_by_heart(net_and_clips):
    net, clips = net_and_clips
    clips = [part * torch.tensor([0.1, 0.4, 0.7, 1.0]).view(4, *[1] * (part.ndim - 1)) for part in clips]
    # Levelled sound does not differ by its loudness, so by its pitch.
    clips = [tones() if part.shape == SOUND else part for part in clips]
    labels = torch.tensor([0, 2, 5, 6])
    optimiser = torch.optim.Adam([weight for weight in net.parameters() if weight.requires_grad], lr=0.01)
    for _ in range(60):
        net.train()
        optimiser.zero_grad()
        functional.cross_entropy(answers(net, clips), labels).backward()
        optimiser.step()
        with torch.no_grad():
            if (answers(net.eval(), clips).argmax(dim=1) == labels).all():
                return
    pytest.fail("still wrong after 60 steps")


def tones():
    return torch.sin(torch.arange(SOUND[1]) * torch.tensor([[0.05], [0.3], [0.9], [2.0]]))
