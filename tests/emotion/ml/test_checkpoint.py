import json
import os

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from emotion.ml import checkpoint
from emotion.ml.checkpoint import Card
from emotion.ml.errors import WrongCheckpoint
from emotion.ml.labels import LABELS


def a_net(seed: int = 0, width: int = 4) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width), nn.Linear(width, len(LABELS))).eval()


def a_card(**fields) -> Card:
    return Card(net="made", config={"width": 4}, corpora=("made",), data={"made": "0" * 64}, **fields)


def test_what_was_saved_gives_the_same_scores_when_loaded(tmp_path):
    net, again = a_net(0), a_net(1)
    checkpoint.save(tmp_path / "net.safetensors", net, a_card())
    checkpoint.load(tmp_path / "net.safetensors").into(again)
    given = torch.randn(5, 3)
    assert torch.equal(net(given), again(given))


def test_the_card_comes_back_as_it_was_given(tmp_path):
    card = a_card(metrics={"UAR": 0.7}, licence="research")
    checkpoint.save(tmp_path / "net.safetensors", a_net(), card)
    assert checkpoint.load(tmp_path / "net.safetensors").card == card


def test_the_hash_depends_on_the_weights_alone(tmp_path):
    one = checkpoint.save(tmp_path / "one.safetensors", a_net(0), a_card())
    two = checkpoint.save(tmp_path / "two.safetensors", a_net(0), a_card(licence="another"))
    three = checkpoint.save(tmp_path / "three.safetensors", a_net(1), a_card())
    assert one.sha256 == two.sha256 != three.sha256


def test_labels_in_another_order_are_refused(tmp_path):
    checkpoint.save(tmp_path / "net.safetensors", a_net(), a_card(labels=LABELS[::-1]))
    with pytest.raises(WrongCheckpoint, match="labels in another order"):
        checkpoint.load(tmp_path / "net.safetensors")


def test_a_changed_weight_is_noticed(tmp_path):
    path = tmp_path / "net.safetensors"
    checkpoint.save(path, a_net(), a_card())
    body = bytearray(path.read_bytes())
    body[-3] ^= 1
    path.write_bytes(bytes(body))
    with pytest.raises(WrongCheckpoint, match="not the ones that were saved"):
        checkpoint.load(path)


def test_a_cut_off_file_is_refused(tmp_path):
    path = tmp_path / "net.safetensors"
    checkpoint.save(path, a_net(), a_card())
    os.truncate(path, 40)
    with pytest.raises(WrongCheckpoint, match="damaged"):
        checkpoint.load(path)


def test_a_file_without_a_card_is_refused(tmp_path):
    save_file(a_net().state_dict(), tmp_path / "net.safetensors", {"made": json.dumps({})})
    with pytest.raises(WrongCheckpoint, match="carries no card"):
        checkpoint.load(tmp_path / "net.safetensors")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(WrongCheckpoint, match="There is no checkpoint"):
        checkpoint.load(tmp_path / "net.safetensors")


def test_weights_of_another_net_are_refused(tmp_path):
    saved = checkpoint.save(tmp_path / "net.safetensors", a_net(), a_card())
    with pytest.raises(WrongCheckpoint, match="not for this net"):
        saved.into(a_net(width=5))


def test_a_save_that_is_cut_short_leaves_the_older_file(tmp_path, monkeypatch):
    path = tmp_path / "net.safetensors"
    kept = checkpoint.save(path, a_net(0), a_card())

    def full_disk(*args):
        raise OSError("No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full_disk)
    with pytest.raises(OSError, match="No space"):
        checkpoint.save(path, a_net(1), a_card())
    assert checkpoint.load(path).sha256 == kept.sha256
