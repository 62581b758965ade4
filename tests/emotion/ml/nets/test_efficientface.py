import json
import pickle
from pathlib import Path

import pytest
import torch

from emotion.ml.errors import WrongCheckpoint
from emotion.ml.nets.efficientface import NORMALISATIONS, EfficientFace, EfficientFaceConfig
from emotion.ml.nets.published import load_strictly, read_published
from tests.emotion.ml.nets.known import (
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

# Name and shape of each entry of the public AffectNet and RAF-DB checkpoints, in their order.
PUBLISHED = json.loads(Path(__file__).with_name("efficientface-state-dict.json").read_text())

# What the published code (github.com/zengqunzhao/EfficientFace, cb08e56) answers, run once in double precision on
# the weights and the two pictures of `known`.
PUBLISHED_LOGITS = [
    [-0.156294365, 18.287913275, 34.905333566, 47.451636521, 53.414708006, 52.419010891, 45.416982400],
    [-3.300572567, 18.612375609, 38.657469304, 54.156538666, 62.223738560, 62.217212947, 54.964199691],
]


class TrainingLog:
    """As the published checkpoints carry one, pickled beside the weights."""

    def __init__(self):
        self.epochs = [1, 2, 3]


class Trap:
    """Unpickled plainly, this makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def a_checkpoint(path, state, **beside):
    prefixed = {f"module.{name}": value for name, value in state.items()}
    torch.save({"epoch": 3, "state_dict": prefixed, "recorder": TrainingLog(), **beside}, path)
    return path


def test_names_shapes_and_order_of_the_weights_are_the_published_ones():
    assert [[name, list(value.shape)] for name, value in EfficientFace().state_dict().items()] == PUBLISHED


def test_it_has_the_published_number_of_parameters():
    assert parameters(EfficientFace()) == 1_275_293


def test_the_same_weights_give_the_published_logits():
    net = EfficientFace().eval()
    net.load_state_dict(weights_like(net.state_dict()))
    with torch.no_grad():
        logits = net.double()(wave(2, 3, 224, 224, step=0.0137))
    torch.testing.assert_close(logits, torch.tensor(PUBLISHED_LOGITS, dtype=torch.float64), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("old_format", [False, True])
def test_a_public_checkpoint_loads_whole_with_its_prefix_and_its_training_log(tmp_path, old_format):
    state = weights_like(EfficientFace().state_dict())
    prefixed = {f"module.{name}": value for name, value in state.items()}
    path = tmp_path / "affectnet7.pth.tar"
    torch.save({"state_dict": prefixed, "recorder": TrainingLog()}, path, _use_new_zipfile_serialization=not old_format)
    loaded = EfficientFace.from_published(path).state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in state.items())


def test_a_checkpoint_of_eight_classes_makes_a_net_of_eight(tmp_path):
    state = weights_like(EfficientFace(EfficientFaceConfig(classes=8)).state_dict())
    assert EfficientFace.from_published(a_checkpoint(tmp_path / "8.pth", state)).config.classes == 8


def test_reading_a_checkpoint_runs_nothing_that_is_pickled_in_it(tmp_path):
    trap = tmp_path / "sprung"
    path = a_checkpoint(tmp_path / "trap.pth", {"fc.weight": torch.ones(2)}, optimizer=Trap(trap))
    pickle.loads(pickle.dumps(Trap(trap)))
    assert trap.exists()
    trap.unlink()
    assert read_published(path)["fc.weight"].tolist() == [1, 1]
    assert not trap.exists()


@pytest.mark.parametrize("change", ["missing", "strange", "shape"])
def test_weights_of_another_net_are_refused(change):
    net = EfficientFace(NARROW_FACE)
    state = weights_like(net.state_dict())
    before = net.fc.weight.clone()
    if change == "missing":
        del state["local.bn4_2.running_var"]
    elif change == "strange":
        state["fc2.weight"] = torch.ones(1)
    else:
        state["conv5.0.weight"] = state["conv5.0.weight"][:, :1]
    with pytest.raises(WrongCheckpoint, match=r"local\.bn4_2|fc2|conv5"):
        load_strictly(net, state)
    assert torch.equal(net.fc.weight, before)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut short"])
@pytest.mark.parametrize("suffix", [".pth.tar", ".safetensors"])
def test_a_damaged_file_is_refused_in_words(tmp_path, content, suffix):
    path = tmp_path / f"face{suffix}"
    path.write_bytes(content)
    with pytest.raises(WrongCheckpoint, match="cannot be read"):
        read_published(path)


def test_a_file_without_tensors_is_refused(tmp_path):
    torch.save({"state_dict": {"note": "later"}}, tmp_path / "empty.pth")
    with pytest.raises(WrongCheckpoint, match="no tensors"):
        read_published(tmp_path / "empty.pth")
    with pytest.raises(WrongCheckpoint, match="no file"):
        read_published(tmp_path / "absent.pth")


def test_gradients_reach_the_picture_and_every_weight():
    torch.manual_seed(0)
    net, faces = EfficientFace(NARROW_FACE), torch.rand(6, 3, SIDE, SIDE, requires_grad=True)
    net(faces).pow(2).sum().backward()
    assert starved(net) == []
    assert (faces.grad.abs().amax(dim=1) > 0).all()


def test_a_face_alone_reads_as_it_does_in_a_batch():
    torch.manual_seed(0)
    net = lively(EfficientFace(NARROW_FACE))
    check_alone_as_in_a_batch(net, torch.rand(3, 3, SIDE, SIDE) * SCALES.view(3, 1, 1, 1))


def test_each_quarter_of_the_face_has_weights_of_its_own():
    torch.manual_seed(0)
    net, seen = EfficientFace(NARROW_FACE).eval(), torch.rand(1, 8, 8, 8)
    changed = seen.clone()
    changed[..., 4:, :4] += 1  # the lower left
    with torch.no_grad():
        moved = (net.local(changed) != net.local(seen)).any(dim=1)[0]
    assert moved[2:, :2].all()
    assert not moved[:2].any()
    assert not moved[:, 2:].any()


def test_normalisation_takes_each_channel_to_its_own_mean_and_deviation():
    affectnet = NORMALISATIONS["affectnet"]
    face = torch.tensor(affectnet.mean).view(3, 1, 1).expand(3, 2, 2)
    assert affectnet(face).abs().max() < 1e-6
    brighter = affectnet(face + torch.tensor(affectnet.deviation).view(3, 1, 1))
    torch.testing.assert_close(brighter, torch.ones(3, 2, 2))
