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
    label: str | Promise | None  # the most probable expression, on average
    probability: float | None
    face_gaps: str  # reasons, the most frequent first
    missing: float  # share of the points without a face reading
    speaking: float | None
    pitch: float | None  # semitones from her median
    arousal: float | None  # z-score against this recording

    @property
    def speaking_percent(self) -> int | None:
        return None if self.speaking is None else round(100 * self.speaking)

    @property
    def probability_percent(self) -> int | None:
        return None if self.probability is None else round(100 * self.probability)

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
        "face": [[None if p.face is None else round(p.face[i], 4) for p in points] for i in range(len(LABELS))],
        "face_gap": [word_for(point.face_gap) if point.face_gap else None for point in points],
        "speech": [round(point.speech, 3) for point in points],
        "pitch": [_rounded(_relative(point.pitch, middle)) for point in points],
        "arousal": [_rounded(point.arousal) for point in points],
        "voice_gap": [word_for(point.voice_gap) if point.voice_gap else None for point in points],
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


def gaps(points: Sequence[Point]) -> list[tuple[str, int]]:
    """Why the face could not be read, in percent of all points; the most frequent first."""
    reasons = Counter(point.face_gap for point in points if point.face_gap)
    return [(word_for(reason), round(100 * count / len(points))) for reason, count in reasons.most_common()]


def _row(group: list[Point], start: float, span: float, middle: float | None) -> Row:
    faces = [point.face for point in group if point.face is not None]
    means = [fmean(face[i] for face in faces) for i in range(len(LABELS))] if faces else []
    top = max(range(len(means)), key=means.__getitem__) if means else None
    reasons = Counter(point.face_gap for point in group if point.face_gap)
    return Row(
        start=start,
        end=start + span,
        label=None if top is None else LABEL_WORDS[LABELS[top]],
        probability=None if top is None else means[top],
        face_gaps=", ".join(word_for(reason) for reason, _count in reasons.most_common()),
        missing=reasons.total() / len(group),
        speaking=_mean(float(point.speech >= SPEAKING) for point in group if point.voice_gap != Gap.NO_SOUND),
        pitch=_mean(_relative(point.pitch, middle) for point in group),
        arousal=_mean(point.arousal for point in group),
    )


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
