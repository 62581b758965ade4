"""What a run's starting weights have themselves learned from, so that no test is on clips they know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from emotion.ml import checkpoint
from emotion.ml.datasets.clips import Clip, seen_in
from emotion.ml.errors import EmotionError
from emotion.ml.training.config import TrainingConfig
from emotion.ml.training.data import Data

Seen = Mapping[str, Mapping[str, Sequence[str]]]

# Published encoders that were fine-tuned on a corpus here, with splits that cannot be told from their cards.
PUBLISHED: Mapping[str, tuple[str, ...]] = {
    "ehcalabres/wav2vec2-lg-xlsr-en-speech-emotion-recognition": ("RAVDESS",),
    "firdho26/wav2vec2-large-xlsr-53-english-finetuned-ravdess": ("RAVDESS",),
    "Yassmen/Wav2Vec2_Fine_tuned_on_RAVDESS_2_Speech_Emotion_Recognition": ("RAVDESS",),
    "superb/wav2vec2-base-superb-er": ("IEMOCAP",),
    "superb/wav2vec2-large-superb-er": ("IEMOCAP",),
    "speechbrain/emotion-recognition-wav2vec2-IEMOCAP": ("IEMOCAP",),
}


class Lineage(NamedTuple):
    """
    corpora       everything that the finished net has learned from
    seen          by corpus: whom and what, as `clips.seen_in` has it; not there where that is not known whole
    contaminated  a sentence for each test that proves nothing
    """

    corpora: tuple[str, ...]
    seen: dict[str, dict[str, list[str]]]
    contaminated: tuple[str, ...]


def lineage_of(config: TrainingConfig, data: Data) -> Lineage:
    """Raises EmotionError where weights of our own have seen people of the test."""
    parts = [data, *data.later.values()]
    seen = seen_in(parts[0].split)
    for other in parts[1:]:
        seen = united(seen, seen_in(other.split))
    test = [clip for part in parts for clip in part.split.test]
    corpora = {clip.corpus for part in parts for clip in part.split.train}
    contaminated = []
    unnamed: set[str] = set()  # corpora that were learned from, nobody can say from whom
    net = config.net
    weights = [net.face_weights, net.voice_weights]
    if config.loss == "soft_label":
        weights.append(Path(config.soft_labels.generator))
    for path in filter(None, weights):
        if path.suffix == ".safetensors":
            card = checkpoint.load(path).card
            _must_not_know(path.name, card.seen, test)
            seen = united(seen, card.seen)
            corpora |= set(card.corpora)
            unnamed |= set(card.corpora) - set(card.seen)
            contaminated += _unknown_split(path.name, set(card.corpora) - set(card.seen), test)
    if "sound" in net.inputs and not net.voice_weights:
        known = learned_by(net.encoder)
        corpora |= set(known)
        unnamed |= set(known)
        contaminated += _unknown_split(net.encoder, known, test)
    named = {corpus: kinds for corpus, kinds in seen.items() if corpus not in unnamed}
    return Lineage(tuple(sorted(corpora)), named, tuple(contaminated))


def learned_by(encoder: str) -> tuple[str, ...]:
    """The corpora that a published encoder was fine-tuned on, by its hub id or by a folder of that name."""
    name = encoder.rstrip("/").rsplit("/", 1)[-1]
    return next((corpora for known, corpora in PUBLISHED.items() if known.rsplit("/", 1)[-1] == name), ())


def united(first: Seen, second: Seen) -> dict[str, dict[str, list[str]]]:
    def both(corpus: str) -> dict[str, list[str]]:
        one, other = first.get(corpus, {}), second.get(corpus, {})
        return {kind: sorted({*one.get(kind, ()), *other.get(kind, ())}) for kind in sorted({*one, *other})}

    return {corpus: both(corpus) for corpus in sorted({*first, *second})}


def _must_not_know(name: str, seen: Seen, test: Sequence[Clip]) -> None:
    known = {(corpus, group) for corpus, kinds in seen.items() for group in kinds.get("groups", ())}
    shared = sorted({clip.group for clip in test if (clip.corpus, clip.group) in known})
    if shared:
        raise EmotionError(
            f"{name} has learned from {', '.join(shared[:5])}{' …' if len(shared) > 5 else ''}, who are the test here. "
            "Train it on the same fold, or test another one."
        )


def _unknown_split(name: str, corpora: Sequence[str] | set[str], test: Sequence[Clip]) -> list[str]:
    tested = {clip.corpus for clip in test}
    return [
        f"{name} was itself trained on {corpus}, on clips that nobody can name: the scores on its test prove nothing."
        for corpus in sorted(tested & set(corpora))
    ]
