import pytest
import torch

from emotion.ml.errors import WrongCheckpoint
from emotion.ml.nets.efficientface import EfficientFace
from emotion.ml.nets.temporal import EfficientFaceTemporal, TemporalConfig
from tests.emotion.ml.nets.known import (
    NARROW,
    NARROW_FACE,
    SCALES,
    SIDE,
    check_alone_as_in_a_batch,
    lively,
    parameters,
    starved,
    wave,
    weights_like,
)

# What the published code (github.com/katerynaCh/multimodal-emotion-recognition, 2439fb7) answers to 15 faces, run
# once in double precision on the weights and pictures of `known`.
PUBLISHED_LOGITS = [
    [1.519401974, -3.225670040, 3.017234830, -0.600760377, -2.453036306, 3.729294382, -2.286494412, -0.537018521]
]


def a_net(seed=0):
    torch.manual_seed(seed)
    return EfficientFaceTemporal(NARROW)


def test_it_has_the_published_number_of_parameters():
    assert parameters(EfficientFaceTemporal()) == 1_552_926


def test_the_same_weights_give_the_published_logits():
    net = EfficientFaceTemporal().eval()
    net.load_state_dict(weights_like(net.state_dict()))
    with torch.no_grad():
        logits = net.double()(wave(1, 15, 3, 224, 224, step=0.0137))
    torch.testing.assert_close(logits, torch.tensor(PUBLISHED_LOGITS, dtype=torch.float64), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("frames", [1, 4, 15, 31])
def test_a_clip_may_have_any_number_of_frames(frames):
    with torch.no_grad():
        assert a_net().eval()(torch.rand(2, frames, 3, SIDE, SIDE)).shape == (2, 8)


def test_gradients_reach_every_frame_and_every_weight():
    net, faces = a_net(), torch.rand(3, 5, 3, SIDE, SIDE, requires_grad=True)
    net(faces).pow(2).sum().backward()
    assert starved(net) == []
    assert (faces.grad.abs().flatten(2).amax(dim=2) > 0).all()


def test_a_clip_alone_reads_as_it_does_in_a_batch():
    check_alone_as_in_a_batch(lively(a_net()), torch.rand(3, 5, 3, SIDE, SIDE) * SCALES.view(3, 1, 1, 1, 1))


def test_each_frame_is_looked_at_by_itself_and_then_their_order_counts():
    net, faces = a_net().eval(), torch.rand(1, 6, 3, SIDE, SIDE)
    with torch.no_grad():
        torch.testing.assert_close(net.look(faces).flip(1), net.look(faces.flip(1)), rtol=1e-4, atol=1e-5)
        seen = torch.randn(1, 6, NARROW_FACE.widths[-1])
        forwards, backwards = (net.classify(net.follow(net.meet(order))) for order in (seen, seen.flip(1)))
    assert not torch.allclose(forwards, backwards, atol=1e-3)


def test_a_public_face_checkpoint_fills_the_trunk_and_nothing_else(tmp_path):
    face = EfficientFace()
    state = weights_like(face.state_dict())
    torch.save({"state_dict": {f"module.{name}": value for name, value in state.items()}}, tmp_path / "face.pth.tar")
    net = EfficientFaceTemporal()
    after = net.conv1d_0[0].weight.clone()
    net.load_face(tmp_path / "face.pth.tar")
    loaded = net.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in state.items() if not name.startswith("fc."))
    assert torch.equal(net.conv1d_0[0].weight, after)


def test_other_weights_are_refused_as_a_face(tmp_path):
    torch.save(EfficientFace(NARROW_FACE).state_dict(), tmp_path / "narrow.pth")
    with pytest.raises(WrongCheckpoint, match="another shape"):
        EfficientFaceTemporal().load_face(tmp_path / "narrow.pth")
    torch.save(a_net().state_dict(), tmp_path / "temporal.pth")
    with pytest.raises(WrongCheckpoint, match="whole temporal net"):
        EfficientFaceTemporal(TemporalConfig(face=NARROW_FACE)).load_face(tmp_path / "temporal.pth")
