"""Evidence → a report in markdown. Without a language model this is all of it; with one, its sentences are put in.

Every observation carries an anchor into the recording. The structure never depends on what was said or drafted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from emotion.lanes import LABEL_WORDS
from reports.evidence import UNRELIABLE, AnswerEvidence, Evidence, Missing, Spell, shares
from reports.marking import anchor, clock, plain, quoted
from reports.shapes import ANALYSIS, EXPRESSION, SUMMARY

NO_MODEL = gettext_lazy("No language model wrote any of this report: it was composed from the measurements alone.")
PURPOSE = gettext_lazy(
    "It lays out what was said and what a program measured, for a clinician to judge. It draws no conclusion about "
    "any condition."
)
LIMITS = (
    gettext_lazy("Expression and voice are what a program read from picture and sound. They do not show inner life."),
    gettext_lazy(
        "The readings name one of a few expressions by probability. “Fearful” and “disgust” of the face are unreliable."
    ),
    gettext_lazy(
        "The voice reading learned from actors: with natural speech, and in other languages, it is often wrong."
    ),
    gettext_lazy(
        "Voice activation is compared with the same person's own speech in the same answer, not with other people."
    ),
    gettext_lazy(
        "The transcript was written by a program and was not checked; listen to the recording before relying on a word."
    ),
    gettext_lazy(
        "Seconds without a face, without sound or with doubtful quality are left out and named; nothing was filled in."
    ),
)
MISSING_WORDS = {
    "face": gettext_lazy("Face"),
    "voice": gettext_lazy("Voice"),
    "transcript": gettext_lazy("Transcript"),
}
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
    by_answer: Mapping[int, Mapping[str, Sequence[str]]] = field(default_factory=dict)  # by position and section
    conclusion: tuple[str, ...] = ()
    to_ask: tuple[str, ...] = ()


def compose(about: About, evidence: Evidence, drafted: Drafted | None = None, why_without: str = "") -> str:
    """The whole report, in the language that is active. why_without: why no model took part although one was set up."""
    parts = [f"# {_('Interview report: %(title)s') % {'title': plain(about.title)}}", *_heading(about)]
    parts.append(f"*{plain(drafted.note) if drafted else NO_MODEL}* {PURPOSE}")
    if why_without and not drafted:
        parts.append(f"*{plain(why_without)}*")
    for answer in evidence.answers:
        parts += _answer(answer, drafted.by_answer.get(answer.position, {}) if drafted else {})
    if evidence.scales:
        parts += [f"## {_('Questionnaires')}", _list(plain(scale.told) for scale in evidence.scales)]
    if drafted and drafted.conclusion:
        parts += [f"## {_('Conclusion')}", _list(drafted.conclusion)]
    parts += [f"## {_('For the clinician')}", _list([*to_ask(evidence), *(drafted.to_ask if drafted else ())])]
    parts += [f"## {_('Limits')}", _list([*map(str, LIMITS), *_made_by(evidence)])]
    return "\n\n".join(parts) + "\n"


def _heading(about: About) -> Iterator[str]:
    who = {"patient": plain(about.patient), "number": plain(about.record_number)}
    if about.record_number:
        yield _("Patient: %(patient)s, record %(number)s") % who
    else:
        yield _("Patient: %(patient)s") % who
    if about.on:
        yield _("Answered on %(date)s") % {"date": date_format(about.on)}


# --- One answer ---


def _answer(answer: AnswerEvidence, drafted: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield f"## {_('Question %(number)s') % {'number': answer.position}}"
    yield f"**{_('Question:')}** {plain(answer.question)}"
    if not answer.is_recorded:
        yield f"**{_('Answer:')}** {_('This question was left out.')}"
        return
    yield f"**{_('Answer:')}**"
    yield f"> “{plain(answer.text)}”" if answer.text.strip() else _("No words were heard in this answer.")
    yield from _section(_("Answer in short (drafted):"), drafted.get(SUMMARY))
    observed = list(observations(answer))
    yield f"**{_('Expression and voice:')}**"
    yield _list(observed) if observed else _("Nothing could be measured.")
    yield from _section(_("Expression and voice (drafted):"), drafted.get(EXPRESSION))
    yield from _section(_("Analysis (drafted):"), drafted.get(ANALYSIS))
    yield from _section(_("What could not be measured:"), [_missing(one) for one in answer.missing])


def _section(title: str, lines: Sequence[str] | None) -> Iterator[str]:
    if lines:
        yield f"**{title}**"
        yield _list(lines)


def observations(answer: AnswerEvidence) -> Iterator[str]:
    """Each measured thing as a sentence with its place in the recording."""
    yield from _spoken(answer)
    yield from _expressions(answer)
    for peak in answer.peaks:
        what = {
            "at": anchor(answer.position, peak.at),
            "number": f"{peak.arousal:.1f}",
            "words": quoted(peak.words) if peak.words else "",
        }
        yield (
            _(
                "At %(at)s the voice was more activated than in the rest of this answer (%(number)s standard "
                "deviations above its own usual), while saying %(words)s."
            )
            if peak.words
            else _(
                "At %(at)s the voice was more activated than in the rest of this answer (%(number)s standard "
                "deviations above its own usual)."
            )
        ) % what


def _spoken(answer: AnswerEvidence) -> Iterator[str]:
    if answer.words:
        count, duration = len(answer.words), clock(_duration(answer))
        yield ngettext(
            "%(count)s word in a recording of %(duration)s.", "%(count)s words in a recording of %(duration)s.", count
        ) % {"count": count, "duration": duration}
        if answer.speaking_rate:
            yield _("Speaking rate: %(rate)s words a minute, long pauses left out.") % {
                "rate": f"{answer.speaking_rate:.0f}"
            }
        first = answer.words[0]
        place = {"seconds": _seconds(first.start), "at": anchor(answer.position, first.start)}
        yield _("The first word comes after %(seconds)s, at %(at)s.") % place
    if answer.voiced_share is not None:
        yield _("A voice is heard during %(share)s of the answer.") % {"share": f"{answer.voiced_share:.0%}"}
    for pause in answer.pauses:
        said = _last_words(answer, pause.start)
        place = {"at": anchor(answer.position, pause.start), "seconds": _seconds(pause.seconds), "words": said}
        yield (
            _("At %(at)s there is a pause of %(seconds)s after %(words)s.")
            if said
            else _("At %(at)s there is a pause of %(seconds)s.")
        ) % place


def _expressions(answer: AnswerEvidence) -> Iterator[str]:
    yield from _channel(answer.position, "face", answer.spells)
    yield from _channel(answer.position, "voice", answer.voice_spells)


def listed(things: Iterable[str]) -> str:
    """With the comma of the reader's language."""
    return _(", ").join(things)


def _channel(position: int, channel: str, spells: Sequence[Spell]) -> Iterator[str]:
    if not spells:
        return
    leanings = listed(f"{LABEL_WORDS.get(label, label)} {share:.0%}" for label, share in shares(spells))
    leads = (
        _("Where the face reading leans to one expression, it is: %(list)s.")
        if channel == "face"
        else _("Where the voice reading leans to one expression, it is: %(list)s.")
    )
    yield leads % {"list": leanings}
    told = sorted(sorted(spells, key=_length)[-SHOWN_SPELLS:], key=_start)
    for spell in told:
        yield _spell(position, channel, spell)
    if hidden := len(spells) - len(told):
        yield ngettext(
            "%(count)s shorter spell of this reading stands in the timeline only.",
            "%(count)s shorter spells of this reading stand in the timeline only.",
            hidden,
        ) % {"count": hidden}


def _spell(position: int, channel: str, spell: Spell) -> str:
    if channel == "voice":
        told = _("From %(start)s to %(end)s the voice reading leans to %(label)s (mean probability %(probability)s).")
    elif spell.label in UNRELIABLE:
        told = _(
            "From %(start)s to %(end)s the face reading leans to %(label)s (mean probability %(probability)s, a label "
            "that is unreliable)."
        )
    else:
        told = _("From %(start)s to %(end)s the face reading leans to %(label)s (mean probability %(probability)s).")
    return told % {
        "start": anchor(position, spell.start),
        "end": anchor(position, spell.end),
        "label": spell.label_word,
        "probability": f"{spell.probability:.2f}",
    }


def _missing(one: Missing) -> str:
    what = {"what": MISSING_WORDS[one.what], "reason": plain(one.reason)}
    if one.seconds is None or one.share is None:
        return _("%(what)s: %(reason)s") % what
    what |= {"seconds": _seconds(one.seconds), "share": f"{one.share:.0%}"}
    return _("%(what)s: %(reason)s during %(seconds)s (%(share)s of the answer).") % what


# --- For the clinician ---


def to_ask(evidence: Evidence) -> list[str]:
    """Where to look first, and open questions to take into the conversation: from the measurements by fixed rules."""
    lines = [line for answer in evidence.recorded for line in _places(answer)]
    left_out = [str(answer.position) for answer in evidence.answers if not answer.is_recorded]
    if left_out:
        lines.append(
            ngettext(
                "Left out: question %(numbers)s. What would make it easier to answer?",
                "Left out: questions %(numbers)s. What would make them easier to answer?",
                len(left_out),
            )
            % {"numbers": listed(left_out)}
        )
    lines.append(_("Which of these answers would the patient like to say more about?"))
    return lines


def _places(answer: AnswerEvidence) -> Iterator[str]:
    number = answer.position
    for before, after in answer.changes[:2]:
        what = {"number": number, "before": before.label_word, "after": after.label_word}
        yield _(
            "In answer %(number)s the face reading changes from %(before)s to %(after)s at %(at)s. What was the "
            "patient speaking about there?"
        ) % {**what, "at": anchor(number, after.start)}
    if answer.pauses:
        longest = max(answer.pauses, key=lambda pause: pause.seconds)
        yield _("In answer %(number)s the longest pause (%(seconds)s) begins at %(at)s. What came before it?") % {
            "number": number,
            "seconds": _seconds(longest.seconds),
            "at": anchor(number, longest.start),
        }
    if not answer.text.strip():
        yield _("Answer %(number)s has no transcript: watch it from %(at)s.") % {
            "number": number,
            "at": anchor(number, 0),
        }


def _made_by(evidence: Evidence) -> Iterator[str]:
    heard = dict.fromkeys(answer.engine for answer in evidence.recorded if answer.engine)
    read = dict.fromkeys(f"{one.pack} ({one.pack_sha256[:12]})" for one in evidence.recorded if one.pack)
    if heard:
        yield _("Heard by: %(engines)s.") % {"engines": plain(listed(heard))}
    if read:
        yield _("Read by: %(packs)s.") % {"packs": plain(listed(read))}


# --- Words ---


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _seconds(seconds: float) -> str:
    if seconds < 60:
        return _("%(number)s seconds") % {"number": f"{seconds:.1f}"}
    return _("%(clock)s minutes") % {"clock": clock(seconds)}


def _last_words(answer: AnswerEvidence, before: float, most: int = 5) -> str:
    said = [word.word for word in answer.words if word.end <= before + 0.01][-most:]
    return quoted(" ".join(said)) if said else ""


def _duration(answer: AnswerEvidence) -> float:
    return answer.duration or answer.words[-1].end


def _length(spell: Spell) -> float:
    return spell.seconds


def _start(spell: Spell) -> float:
    return spell.start
