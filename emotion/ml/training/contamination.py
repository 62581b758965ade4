"""Whether a test would be on what a net has learned from, so that its figures would prove nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from emotion.ml.checkpoint import Card
from emotion.ml.datasets.clips import Clip, CorpusError
from emotion.ml.datasets.corpora import Corpus
from emotion.ml.errors import EmotionError
from emotion.ml.training.lineage import learned_by

NAMED = 5  # people in a sentence


class Contaminated(EmotionError):
    """A test on what was learned from, asked for without saying that this is known."""


def unknown_to(card: Card, corpus: Corpus, clips: Sequence[Clip]) -> list[Clip]:
    """The clips of people and dialogues that the net has neither learned from nor been chosen by."""
    return [clip for clip in clips if not _is_known(card, corpus, clip)]


def of_new_sentences(card: Card, corpus: Corpus, clips: Sequence[Clip]) -> list[Clip]:
    """The clips whose sentence the net has never heard. Raises CorpusError where there are none."""
    if not corpus.has_sentences:
        raise CorpusError(f"{corpus.title}: its sentences are all different; there is none to leave out.")
    heard = _seen(card, corpus, "sentences")
    new = [clip for clip in clips if clip.sentence not in heard]
    if not new:
        raise CorpusError(
            f"It has learned from every sentence that is tested here ({', '.join(sorted(heard))}). "
            "Train it with a sentence left out."
        )
    return new


def reasons(card: Card, corpus: Corpus, clips: Sequence[Clip]) -> tuple[str, ...]:
    """Why a test on these clips would be contaminated, each a sentence; none where it is clean."""
    found = []
    if corpus.title in card.corpora and corpus.title not in card.seen:
        found.append(f"It has learned from {corpus.title}, and its card does not say from whom.")
    encoder = _encoder(card)
    if corpus.title in learned_by(encoder):
        found.append(f"It started from {encoder}, which has learned from {corpus.title}, nobody can say from whom.")
    known = [clip for clip in clips if _is_known(card, corpus, clip)]
    if known:
        people = sorted({clip.speaker for clip in known})
        named = ", ".join(people[:NAMED]) + (" …" if len(people) > NAMED else "")
        found.append(f"It has learned from, or was chosen by, {named}: {len(known):,} of {len(clips):,} clips.")
    return tuple(found)


def _is_known(card: Card, corpus: Corpus, clip: Clip) -> bool:
    if clip.group in _seen(card, corpus, "groups"):
        return True
    # A published split with the same people on every side is told apart by its dialogues.
    return not corpus.same_people and clip.speaker in _seen(card, corpus, "speakers")


def _seen(card: Card, corpus: Corpus, kind: str) -> Collection[str]:
    return frozenset(card.seen.get(corpus.title, {}).get(kind, ()))


def _encoder(card: Card) -> str:
    net = card.config.get("net")
    return str(net.get("encoder", "")) if isinstance(net, dict) else ""
