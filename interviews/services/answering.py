"""What a patient does with an answer: record it chunk by chunk, keep it or discard it, and finish.

Every verb locks its interview first: one order of locks, and a late chunk cannot slip in behind "finish".
A chunk is acknowledged only when its sealed file and its row are both on disk; each step may run twice.
"""

import base64
import hashlib
import logging
import re
import uuid

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import Count, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import jobs
from clinic.services import must_consent
from interviews.chunks import chunk_name, erase_chunks, is_whole, sync_folder, written_beside
from interviews.errors import (
    AlreadyAnswered,
    AnswerFull,
    ChunkConflict,
    ChunkRefused,
    ChunksMissing,
    InterviewEnded,
    NotARecording,
    TakeUndecided,
    TooLarge,
    TooManyTakes,
)
from interviews.models import Answer, Chunk, Interview, Recording
from interviews.stages import ANSWER_STAGES

MOST_OPEN_TAKES = 5  # of one answer: a browser has one, and whatever closed tabs left
MEDIA_TYPE = re.compile(r'(video|audio)/[\w.+-]+(; *codecs=("[\w., +-]+"|[\w., +-]+))?', re.ASCII | re.IGNORECASE)

logger = logging.getLogger(__name__)


@transaction.atomic
def start_recording(answer: Answer, mime_type: str, recording_id: uuid.UUID | None = None) -> tuple[Recording, bool]:
    """An open take, and whether it is new. The browser names it, so that asking again finds the same one.

    Raises NotARecording, TooManyTakes, ChunkConflict, AlreadyAnswered, InterviewEnded, ConsentMissing.
    """
    answer = _locked(answer)
    _must_be_recording(answer.interview)
    known = Recording.objects.filter(pk=recording_id).first() if recording_id else None
    if known:
        if known.answer_id != answer.pk:
            raise ChunkConflict(_("This recording belongs to another answer."))
        return known, False
    _must_be_waiting(answer)
    if not MEDIA_TYPE.fullmatch(mime_type):
        raise NotARecording(_("This is neither video nor sound."))
    if answer.recordings.filter(state=Recording.State.OPEN).count() >= MOST_OPEN_TAKES:
        raise TooManyTakes(_("This answer was begun too many times. Please keep one recording, or record it again."))
    begin(answer.interview)
    return Recording.objects.create(id=recording_id or uuid.uuid4(), answer=answer, mime_type=mime_type[:80]), True


def receive_chunk(recording: Recording, seq: int, body: bytes, sha256: str) -> tuple[Chunk, bool]:
    """The kept chunk, and whether it is new. The same bytes again change nothing.

    Raises ChunkRefused (not what the digest says), ChunkConflict (other bytes are kept under this number),
    TooLarge, AnswerFull, AlreadyAnswered, InterviewEnded, ConsentMissing.
    """
    if not body:
        raise NotARecording(_("This part of the recording is empty."))
    if len(body) > settings.MAX_CHUNK_BYTES or seq >= most_chunks():
        raise TooLarge(_("This part of the recording is too large."))
    if hashlib.sha256(body).hexdigest() != sha256:
        raise ChunkRefused(_("This part was changed on its way here. Please send it again."))
    _must_be_open(recording)
    sealed = recording.answer.interview.key.seal(body, chunk_name(recording, seq))
    with written_beside(recording.chunk_path(seq), sealed) as put_in_place:
        chunk, is_new = _keep_chunk(recording, seq, len(body), sha256, put_in_place)
    sync_folder(recording)
    return chunk, is_new


@transaction.atomic
def _keep_chunk(recording, seq, size, sha256, put_in_place) -> tuple[Chunk, bool]:
    """The row and the file, or neither: a crash in between leaves a file without a row, which the next try replaces."""
    recording = _locked_take(recording)
    _must_be_open(recording)
    # Of all takes of the answer: a discarded one has no chunks any more.
    of_answer = Chunk.objects.filter(recording__answer=recording.answer_id)
    this_one = Q(recording=recording, seq=seq)
    known = of_answer.aggregate(size=Sum("size", default=0), here=Count("pk", filter=this_one))
    if known["here"]:
        kept = recording.chunks.get(seq=seq)
        if kept.sha256 != sha256:
            raise ChunkConflict(_("Other bytes are already kept as part %(seq)s.") % {"seq": seq})
        if not is_whole(kept):
            put_in_place()
        return kept, False
    if known["size"] + size > settings.MAX_ANSWER_BYTES:
        raise AnswerFull(_("This answer has reached its longest size. What arrived before is safe."))
    chunk = Chunk.objects.create(recording=recording, seq=seq, size=size, sha256=sha256)
    put_in_place()
    return chunk, True


@transaction.atomic
def keep_recording(recording: Recording, chunk_count: int) -> Answer:
    """The answer, now recorded, with a receipt and its jobs. Keeping the same take again gives the same receipt.

    Raises ChunksMissing with their numbers; nothing is lost by it.
    """
    recording = _locked_take(recording)
    answer = recording.answer
    if recording.state == Recording.State.KEPT and recording.chunk_count == chunk_count:
        return answer
    _must_be_open(recording)
    if chunk_count < 1:
        raise NotARecording(_("This recording is empty. Please record your answer again."))
    chunks = _all_chunks(recording, chunk_count)
    now = timezone.now()
    recording.state, recording.kept_at, recording.chunk_count = Recording.State.KEPT, now, chunk_count
    recording.save(update_fields=["state", "kept_at", "chunk_count"])
    answer.state, answer.recorded_at, answer.receipt = Answer.State.RECORDED, now, receipt_for(recording, chunks)
    answer.save(update_fields=["state", "recorded_at", "receipt"])
    for other in answer.recordings.filter(state=Recording.State.OPEN):
        _discard(other)
    jobs.open_jobs(answer.subject, ANSWER_STAGES)
    return answer


@transaction.atomic
def discard_recording(recording: Recording) -> Recording:
    """The patient records again: the bytes of this take are erased. May run twice."""
    recording = _locked_take(recording)
    if recording.state == Recording.State.KEPT:
        raise AlreadyAnswered(_("This recording was kept; it cannot be made again."))
    return _discard(recording)


def erase_discarded() -> int:
    """Folders of discarded takes that a crash or a full disk left behind; how many are gone now. May run twice."""
    discarded = Recording.objects.filter(state=Recording.State.DISCARDED).select_related("answer")
    return sum(_is_erased(take) for take in discarded.iterator() if default_storage.exists(take.folder))


def most_chunks() -> int:
    """Twice as many as one-second chunks of the longest answer, and some for the hurried ends of short ones."""
    return 2 * settings.MAX_ANSWER_SECONDS + 100


@transaction.atomic
def finish(interview: Interview) -> Interview:
    """The patient is done; questions without an answer stay without. May run twice.

    Raises TakeUndecided while a recording was neither kept nor made again: it would be lost.
    """
    interview = Interview.objects.select_for_update(no_key=True).get(pk=interview.pk)
    if interview.state == Interview.State.FINISHED:
        return interview
    undecided = Answer.objects.filter(
        interview=interview, state=Answer.State.WAITING, recordings__state=Recording.State.OPEN
    )
    if undecided.filter(recordings__chunks__isnull=False).exists():
        raise TakeUndecided(_("One recording is neither kept nor made again yet. Please decide about it first."))
    interview.state, interview.finished_at = Interview.State.FINISHED, timezone.now()
    interview.save(update_fields=["state", "finished_at"])
    interview.scales.filter(finished_at=None).update(finished_at=interview.finished_at)
    return interview


def receipt_for(recording: Recording, chunks: list[Chunk]) -> str:
    """A short code that only exactly these bytes in this order give: it can be checked against the rows at any time."""
    content = str(recording.pk) + "".join(chunk.sha256 for chunk in chunks)
    code = base64.b32encode(hashlib.sha256(content.encode()).digest()).decode()[:8]
    return f"{code[:4]}-{code[4:]}"


def lock(interview: Interview) -> Interview:
    """The interview, locked and read anew. Caller holds the transaction. Raises InterviewEnded, ConsentMissing."""
    _lock(interview.pk)
    found = Interview.objects.select_related("patient").get(pk=interview.pk)
    _must_be_recording(found)
    return found


def begin(interview: Interview) -> None:
    """The patient gave her first answer of any kind. May run twice."""
    invited = Interview.objects.filter(pk=interview.pk, state=Interview.State.INVITED)
    invited.update(state=Interview.State.STARTED, started_at=timezone.now())


def _locked(answer: Answer) -> Answer:
    _lock(answer.interview_id)
    return Answer.objects.select_related("interview__patient").get(pk=answer.pk)


def _locked_take(recording: Recording) -> Recording:
    _lock(recording.answer.interview_id)
    return Recording.objects.select_related("answer__interview__patient").get(pk=recording.pk)


def _lock(interview_id: int) -> None:
    """A query of its own, before anything is read: what is read while waiting for a lock would be old afterwards.

    SQLite needs none. Its transactions begin as writers (settings), and the shorter each is, the better for the others.
    """
    if connection.features.has_select_for_update:
        Interview.objects.select_for_update(no_key=True).get(pk=interview_id)


def _must_be_open(recording: Recording) -> None:
    _must_be_recording(recording.answer.interview)
    if recording.state == Recording.State.DISCARDED:
        raise AlreadyAnswered(_("This recording was replaced by another one."))
    if recording.state == Recording.State.KEPT:
        raise AlreadyAnswered(_("This recording was already kept; nothing can be added to it."))
    _must_be_waiting(recording.answer)


def _must_be_recording(interview: Interview) -> None:
    if interview.state == Interview.State.FINISHED:
        raise InterviewEnded(_("This interview is finished. Nothing more can be added to it."))
    must_consent(interview.patient)


def _must_be_waiting(answer: Answer) -> None:
    if answer.state != Answer.State.WAITING:
        raise AlreadyAnswered(_("This question already has an answer."))


def _all_chunks(recording: Recording, chunk_count: int) -> list[Chunk]:
    chunks = list(recording.chunks.select_related("recording__answer"))
    if chunks and chunks[-1].seq >= chunk_count:
        raise ChunkConflict(_("More parts of this recording arrived than you name."))
    whole = {chunk.seq for chunk in chunks if is_whole(chunk)}
    missing = [seq for seq in range(min(chunk_count, most_chunks())) if seq not in whole]
    if missing:
        raise ChunksMissing(missing)
    return chunks


def _discard(recording: Recording) -> Recording:
    recording.state = Recording.State.DISCARDED
    recording.save(update_fields=["state"])
    recording.chunks.all().delete()
    # A failure is logged only, and what is left the sweep erases. A lambda: Django logs its name, a partial has none.
    transaction.on_commit(lambda: erase_chunks(recording), robust=True)
    return recording


def _is_erased(recording: Recording) -> bool:
    try:
        erase_chunks(recording)
    except OSError:
        logger.warning("The parts of discarded take %s could not be erased.", recording.pk, exc_info=True)
        return False
    return True
