import json
from collections import Counter
from dataclasses import asdict

import pytest
import torch
from torch import nn

from emotion.ml.__main__ import main
from emotion.ml.describe import UnknownNet, count, describe, described, entries
from emotion.ml.nets.blocks import Attention

# The ones with an XLSR-large in them take seconds; test_late_fusion and test_wav2vec2 hold their sizes.
LARGE = {("late-fusion", kind) for kind in "12345"} | {
    ("wav2vec2", "xlsr-large, the RAVDESS checkpoint's head"),
    ("wav2vec2", "xlsr-large, projector of 128"),
    ("enhanced", "wav2vec2 xlsr-large"),
}


@pytest.fixture(scope="module")
def by_net():
    """Descriptions of all nets but the large, as plain data."""
    found = {}
    for entry in entries():
        if (entry.net, entry.configuration) not in LARGE:
            found.setdefault(entry.net, []).append(asdict(described(entry)))
    return found


# Parameters and millions of multiply-accumulates of layers for one clip (3.6 s, 15 frames), from the published code.
PUBLISHED = {
    "efficientface": (1_275_293, 149.7),
    "temporal": (1_552_926, 2250),
    "lt": (2_045_550, 2304),
    "it": (1_938_414, 2301),
    "ia": (1_854_766, 2291),
}


@pytest.mark.parametrize("net", PUBLISHED)
def test_size_and_work_are_the_published_ones(by_net, net):
    parameters, millions = PUBLISHED[net]
    digits = 1 if isinstance(millions, float) else 0
    for description in by_net[net]:
        if description["configuration"] == "AffectNet-8":
            continue
        assert description["parameters"] == parameters
        assert round((description["macs"]["layers"] + description["unread"]) / 1e6, digits) == millions


def test_only_intermediate_attention_leaves_published_work_undone(by_net):
    """3,870,720: values of 15 and 150 steps, outputs of 150 and 15."""
    unread = {net: {description["unread"] for description in found} for net, found in by_net.items()}
    assert unread.pop("ia") == {15 * 64 * 128 + 150 * 128 * 128 + 150 * 128 * 64 + 15 * 64 * 64}
    assert set().union(*unread.values()) == {0}


@pytest.mark.parametrize(
    ("net", "parameters"),
    [
        ("expression", [323_687]),
        ("efficientface", [1_275_293, 1_275_293 + 1025]),
        ("voice", [225_864]),
        ("whisper-encoder", [7_633_920]),
        ("mmer", [129_837_220, 129_843_368]),
        ("roberta", [124_055_040]),
        ("enhanced", [96_290_094]),
    ],
)
def test_other_nets_have_their_sizes(by_net, net, parameters):
    assert [description["parameters"] for description in by_net[net]] == parameters


def test_every_system_is_there_in_every_configuration():
    assert Counter(entry.net for entry in entries()) == {
        "expression": 1,
        "efficientface": 2,
        "temporal": 1,
        "voice": 1,
        "whisper-encoder": 1,
        "voice-head": 1,
        "wav2vec2": 4,
        "late-fusion": 5,
        "lt": 2,
        "it": 2,
        "ia": 4,
        "enhanced": 2,
        "mmer": 2,
        "roberta": 1,
        "dynamic-fusion": 1,
        "dynamic": 1,
    }
    assert len({(entry.net, entry.configuration) for entry in entries()}) == 31


def test_shapes_of_one_clip_go_in_and_come_out(by_net):
    for net, found in by_net.items():
        for description in found:
            assert all(shape[0] == 1 for shape in description["inputs"].values()), net
            assert all(shape[0] == 1 for shape in description["outputs"].values()), net
    assert by_net["lt"][0]["inputs"] == {"faces": [1, 15, 3, 224, 224], "voice": [1, 10, 156]}
    assert by_net["lt"][0]["outputs"] == {"returns": [1, 8]}
    assert by_net["efficientface"][0]["outputs"] == {"returns": [1, 7]}
    assert by_net["mmer"][0]["outputs"] == {"returns": [1, 4]}
    assert by_net["dynamic-fusion"][0]["outputs"]["moments"] == [1, 18, 8]


def test_what_learns_and_what_is_frozen_add_up(by_net):
    for found in by_net.values():
        for description in found:
            assert description["learning"] + description["frozen"] == description["parameters"]
    assert by_net["ia"][0]["frozen"] == 37_056 + 2 * 1032
    assert by_net["mmer"][0]["frozen"] == 4_200_448  # the convolutions of wav2vec2


def test_wav2vec2s_attention_is_counted_too(by_net):
    steps = 179  # of 3.6 s
    assert by_net["wav2vec2"][0]["macs"]["attention"] == 12 * 2 * steps**2 * 768


def test_the_command_prints_json(capsys, by_net):
    assert main(["describe", "voice"]) == 0
    assert json.loads(capsys.readouterr().out) == by_net["voice"]


def test_an_unknown_net_is_answered_with_the_names(capsys):
    with pytest.raises(UnknownNet, match=r"no net lstm\. There are: dynamic, dynamic-fusion, efficientface"):
        describe("lstm")
    assert main(["describe", "lstm"]) == 1
    assert "There is no net lstm" in capsys.readouterr().err


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2, bias=False)
        self.asks = Attention(8, 8, 12, heads=3)

    def forward(self, x):
        steps = self.conv(x).flatten(2).transpose(1, 2)
        return self.asks(steps, steps)


def test_work_is_counted_as_by_hand():
    with torch.device("meta"):
        macs, given_back = count(Small(), x=torch.empty(2, 4, 6, 6))
    clips, steps = 2, 9
    assert given_back.shape == (clips, steps, 12)
    conv = clips * steps * 8 * (4 // 2) * 9
    maps = clips * steps * (3 * 8 * 12 + 12 * 12)
    assert macs["layers"] == conv + maps
    assert macs["attention"] == clips * 2 * steps * steps * 12
    assert macs["total"] == macs["layers"] + macs["attention"]
