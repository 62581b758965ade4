"""What nets are punished for, beside plain cross-entropy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from emotion.ml.nets.mmer import MMER, NO_LETTER, Understood


def soft_label_loss(logits: Tensor, soft: Tensor, over: Literal["faces", "faces and classes"] = "faces") -> Tensor:
    """Cross-entropy against a distribution for each face instead of one label.

    logits: (face, class)
    soft:   (face, class)  sums to 1

    Source: Zhao, Liu & Zhou, AAAI 2021. Their mean runs over classes too, which divides it by 7: a learning rate of
    theirs belongs to "faces and classes".
    """
    each = -(soft * logits.log_softmax(dim=1))
    return each.mean() if over == "faces and classes" else each.sum(dim=1).mean()


def supervised_contrastive(
    features: Tensor, labels: Tensor, temperature: float = 0.07, mean: Literal["outside", "inside"] = "outside"
) -> Tensor:
    """Pull clips of one label together and push the others away.

    features: (clip, width)  any length: only the direction counts
    labels:   (clip,)
    mean:     over a clip's positives, outside or inside the logarithm

    Source: Khosla et al., NeurIPS 2020, equations 2 and 3. The temperature divides the similarities before the
    softmax; MMER's published code divides after it, where it only scales, and counts each clip as its own positive.
    A clip whose label nobody shares teaches nothing and is left out of the mean.
    """
    directions = functional.normalize(features, dim=1)
    itself = torch.eye(len(features), dtype=torch.bool, device=features.device)
    similar = (directions @ directions.T / temperature).masked_fill(itself, float("-inf"))
    log_shares = similar - similar.logsumexp(dim=1, keepdim=True)  # (clip, clip), log of what sums to 1 over others
    positive = (labels[:, None] == labels[None]) & ~itself
    count = positive.sum(dim=1)
    if not count.any():
        return features.sum() * 0.0
    if mean == "outside":
        each = log_shares.masked_fill(~positive, 0.0).sum(dim=1) / count.clamp_min(1)
    else:
        alone = (count == 0)[:, None]  # masked apart, because the log of nothing has no gradient
        held = log_shares.masked_fill(~positive & ~alone, float("-inf")).masked_fill(alone, 0.0)
        each = held.logsumexp(dim=1) - count.clamp_min(1).log()
    return -each[count > 0].mean()


def info_nce(original: Tensor, altered: Tensor, temperature: float = 0.07) -> Tensor:
    """Find each clip's altered twin among the twins of the batch.

    original, altered: (clip, width)

    Source: van den Oord et al., 2018. Differs from MMER's published code: directions are compared, not raw vectors.
    """
    similar = functional.normalize(original, dim=1) @ functional.normalize(altered, dim=1).T / temperature
    return functional.cross_entropy(similar, torch.arange(len(similar), device=similar.device))


def spelling_loss(
    spelling: Tensor, letters: Tensor, heard: Tensor | None = None, reduction: Literal["sum", "mean"] = "sum"
) -> Tensor:
    """CTC between the letters said and the steps of sound; clips without letters are left out.

    spelling: (clip, step, letter)  logits, letter 0 being "none"
    letters:  (clip, place)         padded with NO_LETTER
    heard:    (clip, step)          False where there is only padding

    Source: Graves et al., ICML 2006. "sum", over clips, is MMER's. A text too long for its sound counts as 0.
    """
    known = (letters != NO_LETTER).any(dim=1)
    if not known.any():
        return spelling.sum() * 0.0
    spelling, letters = spelling[known], letters[known]
    steps = torch.full((len(spelling),), spelling.shape[1]) if heard is None else heard[known].sum(dim=1)
    return functional.ctc_loss(
        spelling.float().log_softmax(dim=2).transpose(0, 1),
        letters.clamp_min(0),
        steps,
        (letters != NO_LETTER).sum(dim=1),
        blank=0,
        reduction=reduction,
        zero_infinity=True,
    )


@dataclass(frozen=True)
class MMERLossConfig:
    """`weight` is the published λ. `mean` is the form of the supervised contrastive term, unless `contrast` leaves it
    out."""

    weight: float = 0.1
    temperature: float = 0.07
    mean: Literal["outside", "inside"] = "outside"
    spelling: Literal["sum", "mean"] = "sum"
    contrast: bool = True


class MMERLoss(NamedTuple):
    """The total, and its parts before λ."""

    total: Tensor
    label: Tensor
    spelling: Tensor
    twin: Tensor
    contrast: Tensor


def mmer_loss(
    net: MMER,
    original: Understood,
    altered: Understood | None,
    labels: Tensor,
    letters: Tensor,
    config: MMERLossConfig | None = None,
) -> MMERLoss:
    """Cross-entropy + λ (CTC + twin + supervised contrastive).

    altered: the same clips said in other words by another voice; None leaves the term out
    labels:  (clip,)
    letters: (clip, place)  of `spell`

    Source: Ghosh et al., Interspeech 2023.
    """
    config = config or MMERLossConfig()
    seen = net.original_view(original.joint)
    label = functional.cross_entropy(original.logits, labels)
    spelling = spelling_loss(original.spelling, letters, original.heard, config.spelling)
    contrast = twin = label.new_zeros(())
    if config.contrast:
        contrast = supervised_contrastive(seen, labels, config.temperature, config.mean)
    if altered is not None:
        twin = info_nce(seen, net.altered_view(altered.joint), config.temperature)
    total = label + config.weight * (spelling + twin + contrast)
    return MMERLoss(total, label, spelling, twin, contrast)
