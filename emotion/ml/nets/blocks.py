"""What several nets are made of: attention, means that know about padding, weights that stay idle."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn


class Attention(nn.Module):
    """One sequence asks another.

    Source: Vaswani et al., NeurIPS 2017. Biases on the way in are BERT's habit; vision transformers leave them out.
    """

    def __init__(self, asker: int, answerer: int, width: int, heads: int, *, bias: bool = False, dropout: float = 0.0):
        super().__init__()
        if width % heads:
            raise ValueError(f"{width} features cannot be shared among {heads} heads")
        self.heads = heads
        self.query = nn.Linear(asker, width, bias=bias)
        self.key = nn.Linear(answerer, width, bias=bias)
        self.value = nn.Linear(answerer, width, bias=bias)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, asker: Tensor, answerer: Tensor, heard: Tensor | None = None) -> Tensor:
        """
        asker:    (clip, asking, asker)
        answerer: (clip, answering, answerer)
        heard:    (clip, answering)  False where there is only padding
        returns   (clip, asking, width)
        """
        values = self._by_head(self.value(answerer))
        answers = self.dropout(self.weights(asker, answerer, heard)) @ values  # (clip, head, asking, width / heads)
        return self.out(answers.transpose(1, 2).flatten(2))

    def weights(self, asker: Tensor, answerer: Tensor, heard: Tensor | None = None) -> Tensor:
        """(clip, head, asking, answering), each row sums to 1"""
        queries, keys = self._by_head(self.query(asker)), self._by_head(self.key(answerer))
        scores = queries @ keys.transpose(-2, -1) * queries.shape[-1] ** -0.5
        if heard is not None:
            scores = scores.masked_fill(~heard[:, None, None, :], torch.finfo(scores.dtype).min)
        return scores.softmax(dim=-1)

    def _by_head(self, sequence: Tensor) -> Tensor:
        """(clip, step, width) to (clip, head, step, width / heads)"""
        return sequence.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class AttentionBlock(nn.Module):
    """Attention between normalised sequences, then a perceptron with a residual.

    Source: github.com/katerynaCh/multimodal-emotion-recognition, models/transformer_timm.py. As there, no residual
    around the attention itself: the answer takes the asker's place.
    """

    def __init__(self, asker: int, answerer: int, width: int, heads: int):
        super().__init__()
        self.norm_asker = nn.LayerNorm(asker)
        self.norm_answerer = nn.LayerNorm(answerer)
        self.attention = Attention(asker, answerer, width, heads)
        self.norm_answer = nn.LayerNorm(width)
        self.perceptron = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, asker: Tensor, answerer: Tensor, heard: Tensor | None = None) -> Tensor:
        """(clip, asking, asker) and (clip, answering, answerer) to (clip, asking, width)"""
        answer = self.attention(self.norm_asker(asker), self.norm_answerer(answerer), heard)
        return answer + self.perceptron(self.norm_answer(answer))


class EncoderLayer(nn.Module):
    """BERT's layer: attention and perceptron, each added to its input and normalised after. Of itself, or across.

    Source: Devlin et al., NAACL 2019; across modalities as in Tsai et al., ACL 2019.
    """

    def __init__(self, width: int, heads: int, inner: int, dropout: float):
        super().__init__()
        self.attention = Attention(width, width, width, heads, bias=True, dropout=dropout)
        self.norm_answer = nn.LayerNorm(width, eps=1e-12)
        self.perceptron = nn.Sequential(nn.Linear(width, inner), nn.GELU(), nn.Linear(inner, width))
        self.norm_out = nn.LayerNorm(width, eps=1e-12)
        self.dropout = nn.Dropout(dropout)

    def forward(self, asker: Tensor, answerer: Tensor, heard: Tensor | None = None) -> Tensor:
        """(clip, asking, width) and (clip, answering, width) to (clip, asking, width)"""
        answer = self.norm_answer(asker + self.dropout(self.attention(asker, answerer, heard)))
        return self.norm_out(answer + self.dropout(self.perceptron(answer)))


def mean_over_time(sequence: Tensor, heard: Tensor | None = None) -> Tensor:
    """(clip, step, width) to (clip, width), padding left out"""
    if heard is None:
        return sequence.mean(dim=1)
    kept = heard[:, :, None].to(sequence.dtype)
    return (sequence * kept).sum(dim=1) / kept.sum(dim=1)


def max_over_time(sequence: Tensor, heard: Tensor | None = None) -> Tensor:
    """(clip, step, width) to (clip, width), padding left out"""
    if heard is not None:
        sequence = sequence.masked_fill(~heard[:, :, None], torch.finfo(sequence.dtype).min)
    return sequence.amax(dim=1)


def steps_heard(lengths: Tensor, steps: int) -> Tensor:
    """(clip,) lengths to (clip, step), True where a clip has sound of its own"""
    return torch.arange(steps, device=lengths.device)[None] < lengths[:, None]


class StillWhereFrozen(nn.Module):
    """A net whose frozen parts stay as they are in training mode too: no batch statistics move, nothing is dropped."""

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        for part in self.modules():
            weights = list(part.parameters())
            if weights and not any(weight.requires_grad for weight in weights):
                nn.Module.train(part, False)
        return self


def rest(*parts: nn.Module) -> None:
    """Mark parts that the forward pass never reads, or that never learn, so that no phase of training wakes them."""
    for part in parts:
        setattr(part, RESTS, True)
        part.requires_grad_(False)


RESTS = "rests"  # an attribute of modules, so that copies of a net keep it


def resting(net: nn.Module) -> set[str]:
    """The names of the weights inside parts that rest."""
    parts = [name for name, part in net.named_modules() if getattr(part, RESTS, False)]
    return {weight for weight, _ in net.named_parameters() if any(weight.startswith(f"{part}.") for part in parts)}


def evenly(first: float, last: float, count: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """(count) from first to last in equal steps.

    In place of torch.linspace, which transformers replaces for as long as it loads a model: when `torch.device` is
    entered for the first time meanwhile, torch remembers the replacement, and linspace stays on the CPU for good.
    """
    return first + torch.arange(count, dtype=dtype) * ((last - first) / max(1, count - 1))
