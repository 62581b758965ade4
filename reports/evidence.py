"""What an interview's answers hold: said, heard and read, measured and located in seconds. Pure; nothing is judged.

Everything here speaks of expression and voice as a program read them, never of what somebody experienced.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import fmean

from django.utils.translation import gettext as _

from clinic.integrations.hearing import Word
from emotion.lanes import GAP_WORDS, LABEL_WORDS
from emotion.ml.fusing import Moment, smoothed
from emotion.ml.labels import LABELS
from emotion.ml.readings import Gap, Point
from interviews.queries import Reply, ScaleResult

SMOOTH = 1.0  # seconds to each side over which a face reading is averaged: one frame is no expression
SURE = 0.4  # mean probability below which no expression is named
SHORTEST_SPELL = 2.0  # seconds; what is shorter belongs to its neighbour
BRIDGED = 1.0  # seconds of gap that a spell may span
LONG_PAUSE = 2.0  # seconds between two words
SPEAKING = 0.5  # speech probability from which somebody is taken to speak
HIGH_AROUSAL = 1.5  # standard deviations above this speaker's own usual in this answer
PEAKS_APART = 4.0  # seconds
MOST_PEAKS = MOST_PAUSES = 3
NOTABLE_GAP = 0.05  # share of an answer
# Recall of the starter face net on faces of people it had not seen: fearful .17, disgust .04.
UNRELIABLE = frozenset({"fearful", "disgust"})
UNREMARKABLE = frozenset({Gap.SILENCE, Gap.LITTLE_SPEECH})  # nobody speaks all the time

Read = tuple[float, tuple[float, ...]]


@dataclass(frozen=True)
class Spell:
    """A while during which one expression led the reading of the face, or of the voice."""

    start: float  # seconds
    end: float
    label: str
    probability: float  # mean of the label's

    @property
    def seconds(self) -> float:
        return self.end - self.start

    @property
    def label_word(self) -> str:
        return str(LABEL_WORDS.get(self.label, self.label))


@dataclass(frozen=True)
class Pause:
    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True)
class Peak:
    """A moment at which the voice was more activated than in the rest of the answer."""

    at: float
    arousal: float  # standard deviations above the speaker's own usual
    words: str  # what was being said


@dataclass(frozen=True)
class Missing:
    """What could not be measured, and why. `seconds` is None where it is a whole step of the work."""

    what: str  # "face", "voice" or "transcript"
    reason: str
    seconds: float | None = None
    share: float | None = None  # of the answer


@dataclass(frozen=True)
class AnswerEvidence:
    answer_id: int
    position: int
    question: str
    is_recorded: bool
    duration: float | None  # seconds
    text: str
    words: tuple[Word, ...]
    engine: str  # what heard it
    language: str
    pack: str  # what read it
    pack_sha256: str
    speaking_rate: float | None  # words a minute, pauses left out
    latency: float | None  # seconds before the first word
    pauses: tuple[Pause, ...]  # long ones, in order
    voiced_share: float | None  # of the answer during which somebody spoke
    spells: tuple[Spell, ...]  # of the face
    voice_spells: tuple[Spell, ...]
    fused_spells: tuple[Spell, ...]  # of both together
    peaks: tuple[Peak, ...]
    missing: tuple[Missing, ...]

    @property
    def changes(self) -> list[tuple[Spell, Spell]]:
        """Where one expression gave way to another."""
        return [(before, after) for before, after in pairwise(self.spells) if before.label != after.label]

    def moments(self) -> list[tuple[float, float]]:
        """From when to when each measured thing lasted: what a sentence without a quotation may point at."""
        return [
            *((spell.start, spell.end) for spell in (*self.spells, *self.voice_spells, *self.fused_spells)),
            *((pause.start, pause.end) for pause in self.pauses),
            *((peak.at, peak.at) for peak in self.peaks),
        ]


@dataclass(frozen=True)
class ScaleEvidence:
    """A questionnaire's result. `score` is None while answers to it are missing."""

    name: str  # PHQ-9
    version: str
    score: int | None
    most: int
    band: str  # the questionnaire's own word for where the score lies

    @property
    def told(self) -> str:
        if self.score is None:
            return _("%(name)s: not complete, so it has no score") % {"name": self.name}
        told = {"name": self.name, "score": self.score, "most": self.most, "band": self.band}
        return (
            _("%(name)s: %(score)s of %(most)s, %(band)s") if self.band else _("%(name)s: %(score)s of %(most)s")
        ) % told


@dataclass(frozen=True)
class Evidence:
    answers: tuple[AnswerEvidence, ...]
    scales: tuple[ScaleEvidence, ...] = field(default=())

    @property
    def recorded(self) -> tuple[AnswerEvidence, ...]:
        return tuple(answer for answer in self.answers if answer.is_recorded)

    def answer(self, position: int) -> AnswerEvidence | None:
        return next((answer for answer in self.answers if answer.position == position), None)


def shares(spells: Sequence[Spell]) -> list[tuple[str, float]]:
    """Each expression's share of the seconds for which one could be named, the largest first."""
    total = sum(spell.seconds for spell in spells)
    seconds: dict[str, float] = {}
    for spell in spells:
        seconds[spell.label] = seconds.get(spell.label, 0.0) + spell.seconds
    return sorted(((label, one / total) for label, one in seconds.items()), key=lambda pair: -pair[1])


def gather(replies: Iterable[Reply], scales: Iterable[ScaleResult] = ()) -> Evidence:
    return Evidence(
        tuple(measure(reply) for reply in replies),
        tuple(ScaleEvidence(one.instrument, one.version, one.score, one.most, str(one.band)) for one in scales),
    )


def without_readings(evidence: Evidence) -> Evidence:
    """The same answers as if nobody had read the face or the voice: words and pauses stay."""
    return replace(evidence, answers=tuple(map(_words_only, evidence.answers)))


def _words_only(answer: AnswerEvidence) -> AnswerEvidence:
    missing = tuple(one for one in answer.missing if one.what == "transcript")
    return replace(answer, spells=(), voice_spells=(), fused_spells=(), peaks=(), missing=missing)


def measure(reply: Reply) -> AnswerEvidence:
    points = reply.points
    rate = reply.timeline.rate if reply.timeline else 0.0
    return AnswerEvidence(
        answer_id=reply.answer_id,
        position=reply.position,
        question=reply.question,
        is_recorded=reply.is_recorded,
        duration=reply.duration,
        text=reply.text,
        words=reply.words,
        engine=reply.engine,
        language=reply.language,
        pack=reply.timeline.pack if reply.timeline else "",
        pack_sha256=reply.timeline.pack_sha256 if reply.timeline else "",
        speaking_rate=speaking_rate(reply.words),
        latency=reply.words[0].start if reply.words else None,
        pauses=tuple(pauses(reply.words)),
        voiced_share=voiced_share(points),
        spells=tuple(spells([(point.at, point.face) for point in points], rate)),
        voice_spells=tuple(spells([(point.at, point.voice) for point in points], rate, smooth=0.0)),
        fused_spells=tuple(spells([(point.at, point.fused) for point in points], rate, smooth=0.0)),
        peaks=tuple(peaks(points, reply.words)),
        missing=tuple(missing(reply, rate)),
    )


# --- Speech ---


def speaking_rate(words: Sequence[Word]) -> float | None:
    """Words a minute of speech: long pauses do not slow somebody down."""
    if len(words) < 2:
        return None
    spoken = words[-1].end - words[0].start - sum(pause.seconds for pause in _gaps_between(words))
    return 60 * len(words) / spoken if spoken > 0 else None


def pauses(words: Sequence[Word]) -> list[Pause]:
    """The longest of the long pauses between words, in the order they were made."""
    longest = sorted(_gaps_between(words), key=lambda pause: pause.seconds, reverse=True)[:MOST_PAUSES]
    return sorted(longest, key=lambda pause: pause.start)


def voiced_share(points: Sequence[Point]) -> float | None:
    heard = [point.speech >= SPEAKING for point in points if point.voice_gap != Gap.NO_SOUND]
    return fmean(heard) if heard else None


def peaks(points: Sequence[Point], words: Sequence[Word]) -> list[Peak]:
    """The moments of highest arousal, some seconds apart, in order of time."""
    known = sorted((p for p in points if p.arousal is not None and p.arousal >= HIGH_AROUSAL), key=_arousal)
    chosen: list[Point] = []
    while known and len(chosen) < MOST_PEAKS:
        point = known.pop()
        if all(abs(point.at - other.at) >= PEAKS_APART for other in chosen):
            chosen.append(point)
    return [Peak(point.at, _arousal(point), words_around(words, point.at)) for point in sorted(chosen, key=_at)]


def words_around(words: Sequence[Word], at: float, seconds: float = 2.0) -> str:
    return " ".join(word.word for word in words if word.end >= at - seconds and word.start <= at + seconds)


def _gaps_between(words: Sequence[Word]) -> list[Pause]:
    return [
        Pause(before.end, after.start) for before, after in pairwise(words) if after.start - before.end >= LONG_PAUSE
    ]


def _arousal(point: Point) -> float:
    return point.arousal if point.arousal is not None else 0.0


def _at(point: Point) -> float:
    return point.at


# --- Expression ---


def spells(moments: Sequence[Moment], rate: float, smooth: float = SMOOTH) -> list[Spell]:
    """Which expression led, from when to when. Seconds without a reading, or without a leader, belong to none.

    `smooth`: seconds to each side over which a reading is averaged; the voice was read over seconds already.
    """
    if not rate:
        return []
    found: list[Spell] = []
    for stretch in _stretches(moments, rate):
        found += _spells_of(stretch, rate, smooth)
    return [spell for spell in found if spell.label and spell.seconds >= SHORTEST_SPELL]


def _stretches(moments: Sequence[Moment], rate: float) -> Iterator[list[Read]]:
    """Moments with a reading, parted where there was none for longer than a moment."""
    stretch: list[Read] = []
    for at, reading in moments:
        if reading is None:
            continue
        if stretch and at - stretch[-1][0] > BRIDGED + 1 / rate:
            yield stretch
            stretch = []
        stretch.append((at, reading))
    if stretch:
        yield stretch


def _spells_of(stretch: list[Read], rate: float, smooth: float) -> list[Spell]:
    """Runs of one leading label over the smoothed reading; each too short run goes to its longer neighbour."""
    means = [mean for mean in smoothed(stretch, smooth) if mean is not None]  # none is: a stretch has no gaps
    runs: list[list[int]] = []  # first and last place, label
    for place, mean in enumerate(means):
        leader = _leader(mean)
        if runs and runs[-1][2] == leader:
            runs[-1][1] = place
        else:
            runs.append([place, place, leader])
    while len(runs) > 1 and (short := min(runs, key=_length))[1] - short[0] + 1 < SHORTEST_SPELL * rate:
        _give_away(runs, runs.index(short))
    return [_spell(stretch, means, run, rate) for run in runs]


def _give_away(runs: list[list[int]], place: int) -> None:
    """The run's points to its longer neighbour; neighbours that then agree become one."""
    beside = [index for index in (place - 1, place + 1) if 0 <= index < len(runs)]
    runs[place][2] = runs[max(beside, key=lambda index: _length(runs[index]))][2]
    merged: list[list[int]] = []
    for run in runs:
        if merged and merged[-1][2] == run[2]:
            merged[-1][1] = run[1]
        else:
            merged.append(run)
    runs[:] = merged


def _length(run: list[int]) -> int:
    return run[1] - run[0]


def _leader(mean: Sequence[float]) -> int:
    """The label's index, or -1 where none leads clearly enough to be named."""
    top = max(range(len(mean)), key=mean.__getitem__)
    return top if mean[top] >= SURE else -1


def _spell(stretch: list[Read], means: list[tuple[float, ...]], run: list[int], rate: float) -> Spell:
    first, last, leader = run
    label = LABELS[leader] if leader >= 0 else ""
    probability = fmean(mean[leader] for mean in means[first : last + 1]) if label else 0.0
    return Spell(stretch[first][0], stretch[last][0] + 1 / rate, label, probability)


# --- What could not be measured ---


def missing(reply: Reply, rate: float) -> Iterator[Missing]:
    if not reply.is_recorded:
        return
    for what, stages in (("transcript", ("join", "transcribe")), ("face", ("faces",)), ("voice", ("voice",))):
        yield from (Missing(what, one.reason) for one in map(reply.stage, stages) if one.reason)
        if not all(stage.is_final for stage in map(reply.stage, stages)):
            yield Missing(what, _("This step had not ended when the report was drafted."))
    yield from _gaps("face", [point.face_gap for point in reply.points], rate)
    yield from _gaps(
        "voice", [gap for p in reply.points if (gap := p.voice_gap) not in UNREMARKABLE], rate, len(reply.points)
    )


def _gaps(what: str, gaps: list[Gap | None], rate: float, points: int | None = None) -> Iterator[Missing]:
    total = points or len(gaps)
    for gap, count in Counter(gap for gap in gaps if gap).most_common():
        if count / total >= NOTABLE_GAP:
            yield Missing(what, str(GAP_WORDS.get(gap, gap)), count / rate, count / total)
