"""What training needs around a net: what it is shown of a batch, and what it is punished for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch
import transformers  # its nets load when they are first named: seconds that only those who use them pay
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from emotion.ml import checkpoint, packs
from emotion.ml.errors import WrongCheckpoint
from emotion.ml.labels import LABELS
from emotion.ml.nets.blocks import rest
from emotion.ml.nets.dynamic import DynamicNet, Read
from emotion.ml.nets.efficientface import NORMALISATIONS, EfficientFace
from emotion.ml.nets.expression import ExpressionNet
from emotion.ml.nets.mmer import MMER, RobertaWords, Understood, spell
from emotion.ml.nets.published import load_strictly, read_published
from emotion.ml.training.config import NetConfig, TrainingConfig
from emotion.ml.training.examples import Batch
from emotion.ml.training.losses import MMERLossConfig, mmer_loss, soft_label_loss
from emotion.ml.training.soft_labels import LabelGenerator, NetGenerator, from_efficientface, from_expression_net
from emotion.ml.training.systems import TINY, rebuild, sizes_of


class Learner(nn.Module):
    """A net with what training needs around it: called with a batch, it gives the loss."""

    def __init__(self, net: nn.Module, config: TrainingConfig, generator: LabelGenerator | None = None):
        super().__init__()
        self.net = net
        self.config = config
        self.generator = generator

    def prepared(self, batch: Batch, turn: Callable[[Tensor], Tensor] = lambda faces: faces) -> Batch:
        """Faces bright, turned as training has it, with soft labels where they are asked for, then normalised."""
        batch = batch.bright(self.config.net.side)
        if batch.faces is None:
            return batch
        faces, soft = turn(batch.faces), None
        if self.generator is not None and self.training:
            soft = self.generator(faces.flatten(0, 1)).unflatten(0, faces.shape[:2])
        if self.config.net.pixels != "plain":
            faces = NORMALISATIONS[self.config.net.pixels](faces)
        return replace(batch, faces=faces, soft=soft)

    def logits(self, batch: Batch) -> Tensor:
        """(clip, 8)"""
        shown = {"faces": batch.faces, "cepstrum": batch.cepstrum, "sound": batch.sound}
        lengths = [batch.lengths] if batch.sound is not None else []
        return self.net(*(shown[name] for name in self.config.net.inputs), *lengths)

    def forward(self, batch: Batch) -> Tensor:
        """The loss, with the weight that the batch has."""
        return batch.weight * self.loss(batch)

    def loss(self, batch: Batch) -> Tensor:
        return self.against(self.logits(batch).float(), batch.labels, batch.soft)

    def against(self, logits: Tensor, labels: Tensor, soft: Tensor | None) -> Tensor:
        """
        logits: (clip, 8)
        soft:   (clip, frame, 8)
        """
        if soft is None:
            return cross_entropy(logits, labels)
        return soft_label_loss(logits, soft.mean(dim=1), self.config.soft_labels.over)


class StillLearner(Learner):
    """A net of single faces: it learns from each frame, and reads a clip as the mean of its frames."""

    def each(self, batch: Batch) -> Tensor:
        """(clip, frame, 8)"""
        assert batch.faces is not None
        return self.net(batch.faces.flatten(0, 1)).unflatten(0, batch.faces.shape[:2])

    def logits(self, batch: Batch) -> Tensor:
        return self.each(batch).mean(dim=1)

    def loss(self, batch: Batch) -> Tensor:
        each = self.each(batch).float()
        labels = batch.labels.repeat_interleave(each.shape[1])
        soft = None if batch.soft is None else batch.soft.flatten(0, 1)[:, None]
        return self.against(each.flatten(0, 1), labels, soft)


class DynamicLearner(Learner):
    """The fused reading, and each channel's own, so that a channel learns also where it is little trusted."""

    CHANNELS = 0.5  # what each channel's own loss counts

    def read(self, batch: Batch) -> Read:
        net = cast(DynamicNet, self.net)
        parts = (batch.faces, batch.cepstrum, batch.sound, batch.heights, batch.has_face, batch.lengths)
        return net.read(*cast(tuple[Tensor, ...], parts))

    def logits(self, batch: Batch) -> Tensor:
        return self.read(batch).fused.clip

    def loss(self, batch: Batch) -> Tensor:
        read = self.read(batch)
        loss = self.against(read.fused.clip.float(), batch.labels, batch.soft)
        for moments, there in ((read.face, read.seen), (read.voice, read.heard)):
            clips = there.any(dim=1)
            shares = (there.float() / there.sum(dim=1, keepdim=True).clamp_min(1))[..., None]
            own = (moments.float() * shares).sum(dim=1)  # (clip, 8)
            each = cross_entropy(own, batch.labels, reduction="none")
            loss = loss + self.CHANNELS * (each * clips).sum() / clips.sum().clamp_min(1)
        return loss


class MMERLearner(Learner):
    """Words through a frozen RoBERTa, the net, and its four losses."""

    def __init__(self, net: MMER, config: TrainingConfig, words: RobertaWords):
        super().__init__(net, config)
        self.words = words
        width = words.roberta.config.hidden_size
        if width != net.config.encoder.width:
            raise WrongCheckpoint(
                f"The words have {width} features and the sound {net.config.encoder.width}. Choose a text encoder and "
                "a wav2vec2 encoder of one width, such as roberta-base with base."
            )
        chosen = config.mmer
        for part, is_used in ((net.original_view, chosen.twin or chosen.contrast), (net.altered_view, chosen.twin)):
            if not is_used:
                rest(part)
        if not chosen.spelling:
            rest(net.speller)

    def logits(self, batch: Batch) -> Tensor:
        return self._understood(batch).logits

    def loss(self, batch: Batch) -> Tensor:
        chosen = self.config.mmer
        parts = mmer_loss(
            cast(MMER, self.net),
            self._understood(batch),
            self._understood(batch.twin) if batch.twin else None,
            batch.labels,
            spell(batch.texts if chosen.spelling else [""] * len(batch)).to(batch.labels.device),
            MMERLossConfig(
                chosen.weight, chosen.temperature, chosen.contrast_mean, chosen.spelling_mean, chosen.contrast
            ),
        )
        return parts.total

    def _understood(self, batch: Batch) -> Understood:
        assert batch.sound is not None
        words, said = self.words.read(batch.texts)
        return cast(MMER, self.net).understand(words, batch.sound, said, batch.lengths)


def learner_for(net: nn.Module, config: TrainingConfig, generator: LabelGenerator | None = None) -> Learner:
    """
    generator: of `generator_for`; a net that is only asked needs none

    Raises WrongCheckpoint: a text encoder that is not here.
    """
    if isinstance(net, MMER):
        return MMERLearner(net, config, words_for(config.net))
    kinds = {EfficientFace: StillLearner, DynamicNet: DynamicLearner}
    return kinds.get(type(net), Learner)(net, config, generator)


def generator_for(config: TrainingConfig) -> LabelGenerator | None:
    """What gives soft labels, where the run learns from such. Raises WrongCheckpoint."""
    if config.loss != "soft_label":
        return None
    chosen = config.soft_labels
    if chosen.generator == "expression":
        shipped = ExpressionNet()
        load_strictly(shipped, read_published(packs.starter().file("expression")))
        return from_expression_net(shipped, LABELS, chosen.temperature)
    path = Path(chosen.generator)
    if path.suffix == ".safetensors":
        return own_generator(path, chosen.temperature)
    return from_efficientface(EfficientFace.from_published(path), LABELS, temperature=chosen.temperature)


def own_generator(path: Path, temperature: float) -> LabelGenerator:
    """A run's net of single faces as a generator. Raises WrongCheckpoint."""
    saved = checkpoint.load(path)
    if saved.card.net != "efficientface":
        raise WrongCheckpoint(f"{path.name} is of the net {saved.card.net}; one of efficientface is needed.")
    size, _ = sizes_of(saved.card)
    prepare = NORMALISATIONS.get(size.pixels)
    return NetGenerator(rebuild(saved), LABELS, LABELS, side=size.side, prepare=prepare, temperature=temperature)


def words_for(config: NetConfig) -> RobertaWords:
    """Raises WrongCheckpoint."""
    if config.text_encoder != "tiny":
        return RobertaWords.from_pretrained(config.text_encoder, local_files_only=not config.fetch)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # frozen, so it must be the same each time
        letters = transformers.RobertaConfig(
            vocab_size=384,  # ByT5's letters are bytes: no file is needed
            pad_token_id=0,
            max_position_embeddings=514,
            hidden_size=TINY.width,
            num_hidden_layers=1,
            num_attention_heads=4,
            intermediate_size=64,
        )
        return RobertaWords(
            transformers.RobertaModel(letters, add_pooling_layer=False).eval(), transformers.ByT5Tokenizer()
        )
