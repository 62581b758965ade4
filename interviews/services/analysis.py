"""What workers do with a kept answer: join it, hear it, read it. Every verb may run twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import CharField, Exists, OuterRef, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

import emotion.services
from clinic import jobs, vault
from clinic.errors import ConsentMissing
from clinic.integrations.hearing import Hearing, HearingError, Sound, hearing_for
from clinic.jobs import Outcome
from clinic.models import Job
from clinic.sealed_files import write_sealed
from clinic.services import must_not_have_withdrawn, note_access
from clinic.workspace import workspace
from emotion.errors import EmotionError, NoSound
from emotion.ml.readings import Reading
from interviews.chunks import read_chunk
from interviews.errors import InterviewError, NotARecording
from interviews.models import Answer, Interview, Recording, Transcript
from interviews.playback import sealed_recording
from interviews.queries import progress, progress_of, transcript_name, words_as_json
from interviews.stages import FACES, JOIN, READ_STAGES, REPORT, RISK, SPEAK, TIMELINE, TRANSCRIBE, VOICE

OnProgress = Callable[[str, float], None]  # stage, share done (0 to 1)
Reader = Callable[[Path, OnProgress], Reading]
# The input is at fault, or something an operator must bring: another try would end the same.
REFUSALS = (InterviewError, EmotionError, HearingError, ConsentMissing, vault.VaultError)
NOTICED_GAP = 0.5  # seconds between two pictures; browsers leave up to .25 by themselves
SILENT = gettext_noop("Nothing was said in this recording.")


def join(answer: Answer, on_progress: OnProgress) -> dict[str, Outcome]:
    """One playable, sealed file out of the chunks, which stay as they are.

    Raises NotARecording, UnreadableRecording, RecordingTooLong, vault.VaultError.
    """
    recording, key = _kept(answer), answer.interview.key
    path = f"{recording.folder}/{recording.pk}.joined"
    note_access("worker:join", "open", f"recording:{recording.pk}")
    with workspace() as folder:
        source, joined = folder / "source", folder / "joined"
        _join_chunks(recording, key, source, on_progress)
        info = emotion.services.remux(source, joined)
        with joined.open("rb") as stream:
            size = write_sealed(stream, Path(default_storage.path(path)), key)
    recording.joined_path, recording.joined_bytes = path, size
    recording.joined_type, recording.duration = info.mime_type, info.duration
    recording.save(update_fields=["joined_path", "joined_bytes", "joined_type", "duration"])
    if info.longest_gap > NOTICED_GAP:
        return {
            JOIN: Outcome(
                _("At one place %(seconds)s seconds of the picture are missing.")
                % {"seconds": f"{info.longest_gap:.1f}"}
            )
        }
    return {JOIN: Outcome()}


def transcribe(answer: Answer, on_progress: OnProgress, hearing: Hearing | None = None) -> dict[str, Outcome]:
    """What was said, sealed. Silence leaves an empty transcript.

    Raises ConsentMissing, HearingError, UnreadableRecording.
    """
    must_not_have_withdrawn(answer.interview.patient)
    language = answer.interview.question_set.language
    with _opened(answer, "worker:transcribe") as path:
        try:
            sound = Sound(*emotion.services.sound_of(path))
        except NoSound as error:
            return {TRANSCRIBE: Outcome(str(error))}
        hearing = hearing or hearing_for(language, cpu_threads=settings.WORKER_THREADS)
        heard = hearing.hear(sound, lambda share: on_progress(TRANSCRIBE, share))
    must_not_have_withdrawn(answer.interview.patient)  # hearing takes minutes
    said = {"text": heard.text, "words": words_as_json(heard.words)}
    Transcript.objects.update_or_create(
        answer=answer,
        defaults={
            "sealed": answer.interview.key.seal_json(said, transcript_name(answer.pk)),
            "engine": heard.engine,
            "model_sha256": heard.model_sha256,
            "language": heard.language,
        },
    )
    return {TRANSCRIBE: Outcome("" if heard.words else SILENT)}


def read(answer: Answer, on_progress: OnProgress, reader: Reader = emotion.services.read) -> dict[str, Outcome]:
    """The timeline of face and voice, from one decode. A channel that fails leaves the other's result alone.

    Raises ConsentMissing, UnreadableRecording.
    """
    must_not_have_withdrawn(answer.interview.patient)
    shares = {FACES: 0.0, VOICE: 0.0}

    def both(stage: str, share: float) -> None:
        shares[stage] = share
        on_progress(stage, share)
        on_progress(TIMELINE, sum(shares.values()) / len(shares))

    with _opened(answer, "worker:read") as path:
        info = emotion.services.probe(path)
        reading = reader(path, both)
    must_not_have_withdrawn(answer.interview.patient)  # reading takes minutes
    emotion.services.store_reading(reading, _kept(answer).pk, answer.interview.key)
    return {
        FACES: _channel(reading, "face") if info.has_picture else Outcome(_("The recording has no picture.")),
        VOICE: _channel(reading, "voice") if info.has_sound else Outcome(_("The recording has no sound.")),
        TIMELINE: _timeline(reading),
    }


def settle(answer: Answer) -> int:
    """End the stages that can never run because the recording could not be joined; how many there were."""
    rows = {job.stage: job for job in jobs.of(answer.subject)}
    joined = rows.pop(JOIN, None)
    if joined is None or joined.state != Job.State.FAILED:
        return 0
    hopeless = [job for job in rows.values() if not jobs.is_final(job)]
    for job in hopeless:
        hopeless_now = _("Not possible, because the recording could not be put together.")
        jobs.close(job, f"{hopeless_now} {joined.reason}")
    return len(hopeless)


def failed_answers() -> list[int]:
    """Answers with a stage that failed."""
    subjects = Job.objects.filter(subject__startswith="answer:", state=Job.State.FAILED).values_list(
        "subject", flat=True
    )
    return sorted({_pk(subject) for subject in subjects})


def is_joined(answer: Answer) -> bool:
    return Job.objects.filter(subject=answer.subject, stage=JOIN, state=Job.State.DONE).exists()


def is_heard(answer: Answer) -> bool:
    """Whether the transcript is there, or will not come."""
    return Job.objects.filter(subject=answer.subject, stage=TRANSCRIBE, state__in=jobs.FINAL).exists()


def open_report(interview: Interview) -> bool:
    """Whether to ask for the report now: the patient is done, so is all work on her answers, and nobody asked."""
    now = progress(interview)
    if not (now.is_finished and now.is_analysed):
        return False
    (job,) = jobs.open_jobs(interview.subject, [REPORT])
    return not jobs.is_final(job) and not jobs.is_spoken_for(job)


# --- What was left half-way ---


@dataclass(frozen=True)
class Stuck:
    """Work that nobody does: ids of answers by the step they need next, and of interviews that need a report."""

    join: tuple[int, ...] = ()
    transcribe: tuple[int, ...] = ()
    check: tuple[int, ...] = ()
    read: tuple[int, ...] = ()
    hopeless: tuple[int, ...] = ()  # to be closed: their recording could not be joined
    report: tuple[int, ...] = ()
    speak: tuple[str, ...] = ()  # subjects of question sets whose audio is wanted

    def __len__(self) -> int:
        of_answers = (self.join, self.transcribe, self.check, self.read, self.hopeless)
        return sum(map(len, of_answers)) + len(self.report) + len(self.speak)


def find_stuck(older_than: timedelta) -> Stuck:
    """Changes nothing. Costs the same however much work is waiting in its proper order."""
    stranded = jobs.stranded(older_than)
    by_subject: dict[str, set[str]] = {}
    for job in stranded:
        by_subject.setdefault(job.subject, set()).add(job.stage)
    before = Job.objects.filter(subject__in=by_subject, stage__in=(JOIN, TRANSCRIBE))
    states = {(subject, stage): state for subject, stage, state in before.values_list("subject", "stage", "state")}

    def answers(joined: str, *stages: str) -> tuple[int, ...]:
        return tuple(
            _pk(subject)
            for subject, left in by_subject.items()
            if states.get((subject, JOIN)) == joined and left.intersection(stages)
        )

    return Stuck(
        join=(*_never_opened(older_than), *answers(Job.State.WAITING, JOIN), *answers(Job.State.RUNNING, JOIN)),
        transcribe=answers(Job.State.DONE, TRANSCRIBE),
        check=tuple(
            _pk(subject)
            for subject, left in by_subject.items()
            if RISK in left and states.get((subject, TRANSCRIBE)) in jobs.FINAL
        ),
        read=answers(Job.State.DONE, *READ_STAGES),
        hopeless=answers(Job.State.FAILED, TRANSCRIBE, RISK, *READ_STAGES),
        report=_without_report(older_than, [_pk(subject) for subject, left in by_subject.items() if REPORT in left]),
        speak=tuple(subject for subject, left in by_subject.items() if SPEAK in left),
    )


def _never_opened(older_than: timedelta) -> list[int]:
    """Kept answers without rows: the server stopped between keeping one and opening its jobs."""
    subject = Concat(Value("answer:"), Cast(OuterRef("pk"), CharField()))
    kept = Answer.objects.filter(state=Answer.State.RECORDED, recorded_at__lt=timezone.now() - older_than)
    return list(kept.exclude(Exists(Job.objects.filter(subject=subject))).values_list("pk", flat=True))


def _without_report(older_than: timedelta, stranded: list[int]) -> tuple[int, ...]:
    subject = Concat(Value("interview:"), Cast(OuterRef("pk"), CharField()))
    over = Interview.objects.filter(state=Interview.State.FINISHED, finished_at__lt=timezone.now() - older_than)
    unasked = over.exclude(Exists(Job.objects.filter(subject=subject, stage=REPORT)))
    candidates = [*unasked, *Interview.objects.filter(pk__in=stranded)]
    return tuple(pk for pk, now in progress_of(candidates).items() if now.is_finished and now.is_analysed)


def _pk(subject: str) -> int:
    return int(subject.rpartition(":")[2])


# --- The recording ---


def _kept(answer: Answer) -> Recording:
    recording = answer.recordings.filter(state=Recording.State.KEPT).first()
    if recording is None:
        raise NotARecording(_("This answer has no recording that was kept."))
    recording.answer = answer
    return recording


def _join_chunks(recording: Recording, key: vault.Key, target: Path, on_progress: OnProgress) -> None:
    """The bytes as the browser sent them, in order. Only a byte-exact join decodes without silent damage."""
    chunks = list(recording.chunks.all())
    if not sum(chunk.size for chunk in chunks):
        raise NotARecording(_("The recording is empty."))
    if [chunk.seq for chunk in chunks] != list(range(recording.chunk_count or len(chunks))):
        raise NotARecording(_("Parts of the recording are missing; what arrived is kept."))
    with target.open("wb") as joined:
        for chunk in chunks:
            chunk.recording = recording
            joined.write(read_chunk(chunk, key))
            on_progress(JOIN, 0.9 * (chunk.seq + 1) / len(chunks))


@contextmanager
def _opened(answer: Answer, worker: str) -> Iterator[Path]:
    """The joined file, open on disk for as long as the block runs."""
    recording = _kept(answer)
    sealed = sealed_recording(recording, answer.interview.key)
    note_access(worker, "open", f"recording:{recording.pk}")
    with workspace() as folder:
        path = folder / "recording"
        with path.open("wb") as target:
            target.writelines(sealed.stream())
        yield path


# --- What a reading says about its channels ---


def _channel(reading: Reading, name: str) -> Outcome:
    if name in reading.failures:
        return Outcome(reading.failures[name], failed=True)
    gaps = Counter(reading.gaps()[name])
    if not reading.points or gaps.total() < len(reading.points):
        return Outcome()
    reasons = ", ".join(reason for reason, _count in gaps.most_common())
    return Outcome(_("Nothing could be read at any moment: %(reasons)s.") % {"reasons": reasons})


def _timeline(reading: Reading) -> Outcome:
    if {"face", "voice"} <= set(reading.failures):
        return Outcome(_("Neither face nor voice could be read."), failed=True)
    if not reading.points:
        return Outcome(_("The recording is too short for a timeline."))
    return Outcome(" ".join(reading.failures.values()))
