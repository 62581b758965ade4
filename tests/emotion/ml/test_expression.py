"""The expression net is held to what the original gave for the same pictures."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from emotion.ml.labels import LABELS
from emotion.ml.nets.expression import CLASSES, ExpressionNet, over_labels
from emotion.ml.packs import WEIGHTS

ORIGINAL = json.loads(Path(__file__).with_name("expression_original.json").read_text())


def made(seed: int, count: int) -> np.ndarray:
    """(picture, 112, 112, 3) bytes: coarse colours under noise. The original was shown the same bytes."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 7, 7, 3)).astype(np.float32)
    smooth = coarse.repeat(16, axis=1).repeat(16, axis=2)
    noise = rng.normal(0, 20, (count, 112, 112, 3))
    return np.clip(smooth + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def net() -> ExpressionNet:
    net = ExpressionNet()
    net.load_state_dict(load_file(WEIGHTS / "expression.safetensors"))
    return net.eval()


@pytest.fixture(scope="module")
def logits(net) -> torch.Tensor:
    pictures = made(ORIGINAL["seed"], len(ORIGINAL["logits"]))
    assert hashlib.sha256(pictures.tobytes()).hexdigest() == ORIGINAL["sha256"]
    with torch.inference_mode():
        return net(torch.from_numpy(pictures).permute(0, 3, 1, 2).float())


def test_the_port_gives_what_the_original_gave(logits):
    assert torch.allclose(logits, torch.tensor(ORIGINAL["logits"]), atol=1e-4)
    assert torch.allclose(logits.softmax(dim=1), torch.tensor(ORIGINAL["probabilities"]), atol=1e-4)


def test_the_pictures_it_was_tried_on_do_not_all_look_alike_to_it(logits):
    assert len(set(logits.argmax(dim=1).tolist())) >= 3


def test_calm_is_never_given_and_the_rest_sums_to_one(logits):
    spread = over_labels(logits)
    assert spread.shape == (len(logits), len(LABELS))
    assert (spread[:, LABELS.index("calm")] == 0).all()
    assert torch.allclose(spread.sum(dim=1), torch.ones(len(logits)))


def test_each_class_keeps_its_name(logits):
    spread = over_labels(logits)
    for column, label in enumerate(CLASSES):
        assert torch.equal(spread[:, LABELS.index(label.name.lower())], logits.softmax(dim=1)[:, column])


def test_it_has_as_many_parameters_as_its_card_says(net):
    assert sum(parameter.numel() for parameter in net.parameters()) == 323_687


def test_the_card_names_these_very_weights():
    card = (WEIGHTS / "expression.md").read_text()
    assert hashlib.sha256((WEIGHTS / "expression.safetensors").read_bytes()).hexdigest() in card
