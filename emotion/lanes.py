"""A timeline as lanes to draw, and as a table to read: what was measured, and where nothing could be.

Pitch is shown against the speaker's own: semitones above or below her median in this recording.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from emotion.ml.labels import LABELS
from emotion.ml.readings import Gap, Point

SPAN = 5.0  # seconds a row of the table covers
SPEAKING = 0.5  # speech probability from which somebody is taken to speak

LABEL_WORDS: dict[str, Promise] = {
    "neutral": _("neutral"),
    "calm": _("calm"),
    "happy": _("happy"),
    "sad": _("sad"),
    "angry": _("angry"),
    "fearful": _("fearful"),
    "disgust": _("disgust"),
    "surprised": _("surprised"),
}
GAP_WORDS: dict[str, Promise] = {
    Gap.NO_PICTURE: _("no picture"),
    Gap.NO_FACE: _("no face in the picture"),
    Gap.TWO_FACES: _("more than one face"),
    Gap.TOO_SMALL: _("face too small"),
    Gap.TOO_DARK: _("too dark"),
    Gap.NO_SOUND: _("no sound"),
    Gap.SILENCE: _("silence"),
    Gap.NOT_READ: _("could not be read"),
    Gap.LITTLE_SPEECH: _("too little speech"),
    Gap.CLIPPED: _("sound too loud for the microphone"),
}


@dataclass(frozen=True)
class Row:
    """Some seconds of a timeline. Shares are 0 to 1; None where nothing was measured."""

    start: float
    end: float
    label: Promise | None  # the face's most probable expression, on average
    probability: float | None
    voice_label: Promise | None
    voice_probability: float | None
    both_label: Promise | None  # face and voice together
    both_probability: float | None
    face_gaps: str  # reasons, the most frequent first
    missing: float  # share of the points without a face reading
    speaking: float | None
    pitch: float | None  # semitones from her median
    arousal: float | None  # z-score against this recording

    @property
    def speaking_percent(self) -> int | None:
        return _percent(self.speaking)

    @property
    def probability_percent(self) -> int | None:
        return _percent(self.probability)

    @property
    def voice_percent(self) -> int | None:
        return _percent(self.voice_probability)

    @property
    def both_percent(self) -> int | None:
        return _percent(self.both_probability)

    @property
    def missing_percent(self) -> int:
        return round(100 * self.missing)


def word_for(gap: str) -> str:
    return str(GAP_WORDS.get(gap, gap))


def columns(points: Sequence[Point]) -> dict[str, Any]:
    """The points by column, as the chart reads them. Gaps are null with a reason beside them."""
    middle = _median_pitch(points)
    return {
        "at": [round(point.at, 3) for point in points],
        "labels": list(LABELS),
        "label_words": [str(LABEL_WORDS[label]) for label in LABELS],
        "face": _shares(point.face for point in points),
        "face_gap": [_reason(point.face_gap) for point in points],
        "voice": _shares(point.voice for point in points),
        "both": _shares(point.fused for point in points),
        "speech": [round(point.speech, 3) for point in points],
        "pitch": [_rounded(_relative(point.pitch, middle)) for point in points],
        "arousal": [_rounded(point.arousal) for point in points],
        "voice_gap": [_reason(point.voice_gap) for point in points],
        # Where there is no pitch either. Too little speech for an expression may still have a pitch.
        "sound_gap": [None if p.voice_gap == Gap.LITTLE_SPEECH else _reason(p.voice_gap) for p in points],
    }


def table(points: Sequence[Point], span: float = SPAN) -> list[Row]:
    """The same in rows of some seconds, for people who read it or have it read to them."""
    middle = _median_pitch(points)
    groups: dict[int, list[Point]] = {}
    for point in points:
        groups.setdefault(int(point.at // span), []).append(point)
    return [_row(group, number * span, span, middle) for number, group in sorted(groups.items())]


def shares(points: Sequence[Point]) -> list[tuple[str, int]]:
    """How often each expression was the most probable, in percent of the points that were read; the largest first."""
    read = Counter(label for point in points if (label := point.face_label()))
    return [(str(LABEL_WORDS[label]), round(100 * count / read.total())) for label, count in read.most_common()]


def means(points: Sequence[Point]) -> list[tuple[Promise, int | None, int | None, int | None]]:
    """Each label's mean probability in percent: of the face, of the voice, of both. None where nothing was read."""
    face, voice, both = (
        _mean_shares(channel)
        for channel in (
            [point.face for point in points],
            [point.voice for point in points],
            [point.fused for point in points],
        )
    )
    return [
        (LABEL_WORDS[label], _percent(face[i]), _percent(voice[i]), _percent(both[i])) for i, label in enumerate(LABELS)
    ]


def gaps(points: Sequence[Point]) -> list[tuple[str, int]]:
    """Why the face could not be read, in percent of all points; the most frequent first."""
    reasons = Counter(point.face_gap for point in points if point.face_gap)
    return [(word_for(reason), round(100 * count / len(points))) for reason, count in reasons.most_common()]


def _row(group: list[Point], start: float, span: float, middle: float | None) -> Row:
    label, probability = _leading(point.face for point in group)
    voice_label, voice_probability = _leading(point.voice for point in group)
    both_label, both_probability = _leading(point.fused for point in group)
    reasons = Counter(point.face_gap for point in group if point.face_gap)
    return Row(
        start=start,
        end=start + span,
        label=label,
        probability=probability,
        voice_label=voice_label,
        voice_probability=voice_probability,
        both_label=both_label,
        both_probability=both_probability,
        face_gaps=", ".join(word_for(reason) for reason, _count in reasons.most_common()),
        missing=reasons.total() / len(group),
        speaking=_mean(float(point.speech >= SPEAKING) for point in group if point.voice_gap != Gap.NO_SOUND),
        pitch=_mean(_relative(point.pitch, middle) for point in group),
        arousal=_mean(point.arousal for point in group),
    )


def _reason(gap: Gap | None) -> str | None:
    return word_for(gap) if gap else None


def _shares(moments: Iterable[tuple[float, ...] | None]) -> list[list[float | None]]:
    """A row a label; null at moments without a reading."""
    kept = list(moments)
    return [[None if one is None else round(one[label], 4) for one in kept] for label in range(len(LABELS))]


def _leading(moments: Iterable[tuple[float, ...] | None]) -> tuple[Promise | None, float | None]:
    """The most probable expression on average, and its probability; nothing where nothing was read."""
    read = [one for one in moments if one is not None]
    if not read:
        return None, None
    means = [fmean(one[label] for one in read) for label in range(len(LABELS))]
    top = max(range(len(means)), key=means.__getitem__)
    return LABEL_WORDS[LABELS[top]], means[top]


def _mean_shares(moments: Iterable[tuple[float, ...] | None]) -> list[float | None]:
    read = [one for one in moments if one is not None]
    return [fmean(one[i] for one in read) if read else None for i in range(len(LABELS))]


def _percent(share: float | None) -> int | None:
    return None if share is None else round(100 * share)


def _median_pitch(points: Iterable[Point]) -> float | None:
    heard = [point.pitch for point in points if point.pitch is not None]
    return median(heard) if heard else None


def _relative(pitch: float | None, middle: float | None) -> float | None:
    return None if pitch is None or middle is None else pitch - middle


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
