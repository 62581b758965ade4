import pytest
import torch

from emotion.ml.nets.late_fusion import LateFusion, LateFusionConfig, LateFusionHead
from emotion.ml.nets.wav2vec2 import EncoderConfig, Wav2Vec2VoiceConfig
from tests.emotion.ml.nets.known import NARROW, SCALES, SIDE, check_alone_as_in_a_batch, lively, parameters, starved

KINDS = (1, 2, 3, 4, 5)
ENCODER = EncoderConfig(width=16, layers=1, heads=2, inner=32, convolutions=(8, 8), kernels=(20, 16), strides=(20, 16))
BACKBONES = 1_552_926 + 315_437_696 + (1024 * 1024 + 1024) + (1024 * 8 + 8)


def a_net(kind):
    torch.manual_seed(0)
    voice = Wav2Vec2VoiceConfig(encoder=ENCODER, projection=20)
    return LateFusion(LateFusionConfig(kind=kind, face=NARROW, voice=voice, frames=5))


def some_clips(frames=5):
    torch.manual_seed(1)
    return torch.rand(3, frames, 3, SIDE, SIDE) * SCALES.view(3, 1, 1, 1, 1), torch.randn(3, 3216)


@pytest.mark.parametrize(
    ("kind", "head"),
    [
        (1, 16 * 8 + 8),
        (2, 15_360 * 1024 + 1024 + 2048 * 8 + 8),
        (3, 2048 * 8 + 8),
        (4, 2048 * 1024 + 1024 + 1024 * 8 + 8),
        (5, 2048 * 1024 + 1024 + 1024 * 8 + 8),
    ],
)
def test_heads_and_backbones_have_the_prototypes_sizes(kind, head):
    with torch.device("meta"):
        net = LateFusion(LateFusionConfig(kind=kind))
    assert parameters(net.head) == head
    assert parameters(net) == BACKBONES + head


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_head_learns_all_of_it_and_both_channels_reach_it(kind):
    net, (faces, sound) = a_net(kind).train(), some_clips()
    net(faces.requires_grad_(), sound.requires_grad_()).pow(2).sum().backward()
    assert starved(net) == []
    assert all(name.startswith("head.") for name, weight in net.named_parameters() if weight.requires_grad)
    assert faces.grad.flatten(1).any(dim=1).all()
    assert sound.grad.any(dim=1).all()


@pytest.mark.parametrize("kind", KINDS)
def test_training_leaves_the_backbones_as_they_were(kind):
    net, (faces, sound) = a_net(kind).train(), some_clips()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    optimiser = torch.optim.SGD([weight for weight in net.parameters() if weight.requires_grad], lr=0.1)
    net(faces, sound).pow(2).sum().backward()
    optimiser.step()
    moved = {name for name, value in net.state_dict().items() if not torch.equal(before[name], value)}
    assert moved == {f"head.{name}" for name, _ in net.head.named_parameters()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_alone_reads_as_it_does_in_a_batch(kind):
    """The prototype pooled over the batch, so that its fusions 3 to 5 read one clip only."""
    check_alone_as_in_a_batch(lively(a_net(kind)), *some_clips())


@pytest.mark.parametrize("kind", KINDS)
def test_the_head_learns_four_clips_by_heart_from_what_the_backbones_tell_it(kind):
    head, labels = a_net(kind).head, torch.tensor([0, 2, 5, 6])
    seen, told = (torch.randn(4, 8), torch.randn(4, 8)) if kind == 1 else (torch.randn(4, 5, 24), torch.randn(4, 20))
    optimiser = torch.optim.Adam(head.parameters(), lr=0.02)
    for _ in range(60):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(head(seen, told), labels).backward()
        optimiser.step()
    assert torch.equal(head.eval()(seen, told).argmax(dim=1), labels)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frames", [1, 5, 12])
def test_a_clip_may_have_any_number_of_frames(kind, frames):
    with torch.no_grad():
        assert a_net(kind).eval()(*some_clips(frames)).shape == (3, 8)


@pytest.mark.parametrize(("kind", "pool"), [(3, "mean"), (4, "mean"), (5, "amax")])
def test_frames_are_pooled_over_time(kind, pool):
    head = LateFusionHead(a_net(kind).config).eval()
    seen, told = torch.randn(2, 5, 24), torch.randn(2, 20)
    pooled = getattr(seen, pool)(dim=1)
    with torch.no_grad():
        torch.testing.assert_close(head(seen, told), head.classifier(torch.cat([told, pooled], dim=1)))
        torch.testing.assert_close(head(seen.flip(1), told), head(seen, told))


def test_kind_2_knows_each_frame_by_its_place():
    head = LateFusionHead(a_net(2).config).eval()
    seen, told = torch.randn(2, 5, 24), torch.randn(2, 20)
    with torch.no_grad():
        assert not torch.allclose(head(seen.flip(1), told), head(seen, told), atol=1e-3)
        doubled = seen.repeat_interleave(2, dim=1)[:, [0, 2, 4, 6, 8]]
        torch.testing.assert_close(head(doubled, told), head(seen, told))
