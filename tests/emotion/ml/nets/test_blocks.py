import pytest
import torch
from torch import nn
from transformers import BertConfig
from transformers.models.bert.modeling_bert import BertLayer

from emotion.ml.nets.blocks import (
    Attention,
    AttentionBlock,
    EncoderLayer,
    StillWhereFrozen,
    max_over_time,
    mean_over_time,
    rest,
    resting,
    steps_heard,
)


def bert_weights(layer):
    """Our layer's weights under BERT's names."""
    ours = layer.state_dict()
    names = {
        "attention.query": "attention.self.query",
        "attention.key": "attention.self.key",
        "attention.value": "attention.self.value",
        "attention.out": "attention.output.dense",
        "norm_answer": "attention.output.LayerNorm",
        "perceptron.0": "intermediate.dense",
        "perceptron.2": "output.dense",
        "norm_out": "output.LayerNorm",
    }
    return {f"{theirs}.{kind}": ours[f"{own}.{kind}"] for own, theirs in names.items() for kind in ("weight", "bias")}


def test_the_encoder_layer_is_berts():
    torch.manual_seed(0)
    config = BertConfig(hidden_size=16, num_attention_heads=4, intermediate_size=32, attn_implementation="eager")
    ours, theirs = EncoderLayer(16, 4, 32, dropout=0.1).eval(), BertLayer(config).eval()
    theirs.load_state_dict(bert_weights(ours))
    words = torch.randn(2, 5, 16)
    heard = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    mask = torch.zeros(2, 1, 1, 5).masked_fill(~heard[:, None, None], torch.finfo(torch.float32).min)
    with torch.no_grad():
        wanted = theirs(words, mask)
        wanted = wanted[0] if isinstance(wanted, tuple) else wanted
        torch.testing.assert_close(ours(words, words, heard), wanted)


@pytest.mark.parametrize("block", [Attention, AttentionBlock])
def test_padding_is_not_attended_to(block):
    torch.manual_seed(0)
    asking = block(8, 6, 12, heads=3).eval()
    asker, answerer = torch.randn(2, 4, 8), torch.randn(2, 7, 6)
    heard = steps_heard(torch.tensor([5, 5]), 7)
    with torch.no_grad():
        torch.testing.assert_close(asking(asker, answerer, heard), asking(asker, answerer[:, :5]))
        assert not torch.allclose(asking(asker, answerer), asking(asker, answerer[:, :5]), atol=1e-3)


def test_attention_weights_sum_to_one_over_what_answers():
    weights = Attention(8, 6, 12, heads=3).weights(torch.randn(2, 4, 8), torch.randn(2, 7, 6))
    assert weights.shape == (2, 3, 4, 7)
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(2, 3, 4))


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="12 features cannot be shared among 5 heads"):
        Attention(8, 6, 12, heads=5)


@pytest.mark.parametrize("pool", [mean_over_time, max_over_time])
def test_pooling_leaves_padding_out(pool):
    sequence, heard = torch.randn(2, 6, 3), steps_heard(torch.tensor([6, 4]), 6)
    pooled = pool(sequence, heard)
    torch.testing.assert_close(pooled[0], pool(sequence[:1])[0])
    torch.testing.assert_close(pooled[1], pool(sequence[1:, :4])[0])


class Two(StillWhereFrozen):
    def __init__(self):
        super().__init__()
        self.quiet = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
        self.learns = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))

    def forward(self, x):
        return self.learns(self.quiet(x))


def test_a_frozen_part_keeps_its_statistics_and_drops_nothing_in_training():
    net = Two()
    rest(net.quiet)
    net.train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net(torch.randn(8, 4) + 3)
    after = net.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {f"learns.1.{kind}" for kind in ("running_mean", "running_var", "num_batches_tracked")}
    assert [part.training for part in (net.quiet[2], net.learns[2])] == [False, True]
    assert resting(net) == {f"quiet.{place}.{kind}" for place in (0, 1) for kind in ("weight", "bias")}


def test_a_part_that_is_woken_trains_again():
    net = Two()
    net.quiet.requires_grad_(False)
    assert not net.train().quiet.training
    net.quiet.requires_grad_(True)
    assert net.train().quiet[1].training
    assert not any(part.training for part in net.eval().modules())
