"""Evidence → a report in markdown. Without a language model this is all of it; with one, its sentences are put in.

Every observation carries an anchor into the recording. The structure never depends on what was said or drafted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from reports.evidence import UNRELIABLE, AnswerEvidence, Evidence, Missing, Spell, shares
from reports.marking import anchor, clock, plain, quoted

NO_MODEL = "No language model wrote any of this report: it was composed from the measurements alone."
PURPOSE = (
    "It lays out what was said and what a program measured, for a clinician to judge. It draws no conclusion about "
    "any condition."
)
LIMITS = (
    "Expression and voice are what a program read from picture and sound. They do not show inner life.",
    "The readings name one of a few expressions by probability. “Fearful” and “disgust” of the face are unreliable.",
    "The voice reading learned from actors: with natural speech, and in other languages, it is often wrong.",
    "Voice activation is compared with the same person's own speech in the same answer, not with other people.",
    "The transcript was written by a program and was not checked; listen to the recording before relying on a word.",
    "Seconds without a face, without sound or with doubtful quality are left out and named; nothing was filled in.",
)
MISSING_WORDS = {"face": "Face", "voice": "Voice", "transcript": "Transcript"}
SHOWN_SPELLS = 8  # of an answer; the timeline has them all


@dataclass(frozen=True)
class About:
    """What the report is about. Names stand in the heading only; no language model is told them."""

    title: str
    patient: str
    record_number: str
    on: date | None


@dataclass(frozen=True)
class Drafted:
    """What a language model added, already held against the evidence: markdown lines with anchors."""

    note: str  # who wrote it, and how many sentences were struck
    overview: tuple[str, ...] = ()
    by_answer: Mapping[int, tuple[str, ...]] = field(default_factory=dict)  # by position
    to_ask: tuple[str, ...] = ()


def compose(about: About, evidence: Evidence, drafted: Drafted | None = None, why_without: str = "") -> str:
    """The whole report. why_without: why no language model took part although one was set up."""
    parts = [f"# Interview report: {plain(about.title)}", *_heading(about)]
    parts.append(f"*{plain(drafted.note) if drafted else NO_MODEL}* {PURPOSE}")
    if why_without and not drafted:
        parts.append(f"*{plain(why_without)}*")
    if drafted and drafted.overview:
        parts += ["## Overview", _list(drafted.overview)]
    for answer in evidence.answers:
        parts += _answer(answer, drafted.by_answer.get(answer.position, ()) if drafted else ())
    parts += ["## For the clinician", _list([*to_ask(evidence), *(drafted.to_ask if drafted else ())])]
    parts += ["## Limits", _list([*LIMITS, *_made_by(evidence)])]
    return "\n\n".join(parts) + "\n"


def _heading(about: About) -> Iterator[str]:
    number = f", record {plain(about.record_number)}" if about.record_number else ""
    yield f"Patient: {plain(about.patient)}{number}"
    if about.on:
        yield f"Answered on {about.on.isoformat()}"


# --- One answer ---


def _answer(answer: AnswerEvidence, drafted: Iterable[str]) -> Iterator[str]:
    yield f"## Question {answer.position}"
    yield f"**Question:** {plain(answer.question)}"
    if not answer.is_recorded:
        yield "**Answer:** This question was left out."
        return
    said = f"> “{plain(answer.text)}”" if answer.text.strip() else "No words were heard in this answer."
    yield "**Answer:**"
    yield said
    observed = list(observations(answer))
    yield "**Expression and voice:**"
    yield _list(observed) if observed else "Nothing could be measured."
    if drafted := list(drafted):
        yield "**Drafted observations:**"
        yield _list(drafted)
    if answer.missing:
        yield "**What could not be measured:**"
        yield _list(map(_missing, answer.missing))


def observations(answer: AnswerEvidence) -> Iterator[str]:
    """Each measured thing as a sentence with its place in the recording."""
    yield from _spoken(answer)
    yield from _expressions(answer)
    for peak in answer.peaks:
        during = f", while saying {quoted(peak.words)}" if peak.words else ""
        yield (
            f"At {anchor(answer.position, peak.at)} the voice was more activated than in the rest of this answer "
            f"({peak.arousal:.1f} standard deviations above its own usual){during}."
        )


def _spoken(answer: AnswerEvidence) -> Iterator[str]:
    if answer.words:
        rate = answer.speaking_rate
        pace = f" Speaking rate: {rate:.0f} words a minute, long pauses left out." if rate else ""
        yield f"{_count(len(answer.words), 'word')} in a recording of {clock(_duration(answer))}.{pace}"
        first = answer.words[0]
        yield f"The first word comes after {_seconds(first.start)}, at {anchor(answer.position, first.start)}."
    if answer.voiced_share is not None:
        yield f"A voice is heard during {answer.voiced_share:.0%} of the answer."
    for pause in answer.pauses:
        before = _last_words(answer, pause.start)
        yield f"At {anchor(answer.position, pause.start)} there is a pause of {_seconds(pause.seconds)}{before}."


def _expressions(answer: AnswerEvidence) -> Iterator[str]:
    yield from _channel(answer.position, "face", answer.spells)
    yield from _channel(answer.position, "voice", answer.voice_spells)


def _channel(position: int, channel: str, spells: Sequence[Spell]) -> Iterator[str]:
    if not spells:
        return
    listed = ", ".join(f"{label} {share:.0%}" for label, share in shares(spells))
    yield f"Where the {channel} reading leans to one expression, it is: {listed}."
    told = sorted(sorted(spells, key=_length)[-SHOWN_SPELLS:], key=_start)
    told_in_order = "; ".join(_spell(position, channel, spell) for spell in told)
    yield f"{told_in_order[:1].upper()}{told_in_order[1:]}."
    hidden = len(spells) - len(told)
    if hidden:
        yield f"{_count(hidden, 'shorter spell')} of the {channel} reading stand in the timeline only."


def _spell(position: int, channel: str, spell: Spell) -> str:
    doubt = ", a label that is unreliable" if channel == "face" and spell.label in UNRELIABLE else ""
    return (
        f"from {anchor(position, spell.start)} to {anchor(position, spell.end)} the {channel} reading leans to "
        f"{spell.label} (mean probability {spell.probability:.2f}{doubt})"
    )


def _missing(one: Missing) -> str:
    name = MISSING_WORDS[one.what]
    if one.seconds is None or one.share is None:
        return f"{name}: {plain(one.reason)}"
    return f"{name}: {plain(one.reason)} during {_seconds(one.seconds)} ({one.share:.0%} of the answer)."


# --- For the clinician ---


def to_ask(evidence: Evidence) -> list[str]:
    """Where to look first, and open questions to take into the conversation: from the measurements by fixed rules."""
    lines = [line for answer in evidence.recorded for line in _places(answer)]
    left_out = [str(answer.position) for answer in evidence.answers if not answer.is_recorded]
    if left_out:
        lines.append(f"Left out: question {', '.join(left_out)}. What would make it easier to answer?")
    lines.append("Which of these answers would the patient like to say more about?")
    return lines


def _places(answer: AnswerEvidence) -> Iterator[str]:
    for before, after in answer.changes[:2]:
        yield (
            f"In answer {answer.position} the face reading changes from {before.label} to {after.label} at "
            f"{anchor(answer.position, after.start)}. What was the patient speaking about there?"
        )
    if answer.pauses:
        longest = max(answer.pauses, key=lambda pause: pause.seconds)
        yield (
            f"In answer {answer.position} the longest pause ({_seconds(longest.seconds)}) begins at "
            f"{anchor(answer.position, longest.start)}. What came before it?"
        )
    if not answer.text.strip():
        yield f"Answer {answer.position} has no transcript: watch it from {anchor(answer.position, 0)}."


def _made_by(evidence: Evidence) -> Iterator[str]:
    heard = dict.fromkeys(answer.engine for answer in evidence.recorded if answer.engine)
    read = dict.fromkeys(f"{one.pack} ({one.pack_sha256[:12]})" for one in evidence.recorded if one.pack)
    if heard:
        yield f"Heard by: {plain(', '.join(heard))}."
    if read:
        yield f"Read by: {plain(', '.join(read))}."


# --- Words ---


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} seconds" if seconds < 60 else f"{clock(seconds)} minutes"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _last_words(answer: AnswerEvidence, before: float, most: int = 5) -> str:
    said = [word.word for word in answer.words if word.end <= before + 0.01][-most:]
    return f" after {quoted(' '.join(said))}" if said else ""


def _duration(answer: AnswerEvidence) -> float:
    return answer.duration or answer.words[-1].end


def _length(spell: Spell) -> float:
    return spell.seconds


def _start(spell: Spell) -> float:
    return spell.start
