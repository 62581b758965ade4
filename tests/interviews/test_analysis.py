"""What workers do with a kept answer, each verb by itself: joined, heard, read, and every fault with its sentence."""

from dataclasses import replace
from pathlib import Path

import av
import pytest

from clinic import vault
from clinic.integrations.hearing import ModelMissing
from clinic.models import AuditEntry
from emotion.errors import RecordingTooLong, UnreadableRecording
from emotion.ml.readings import Gap, Point, Reading
from emotion.models import StoredReading, TimelineSegment
from interviews.chunks import read_chunk
from interviews.errors import NotARecording
from interviews.models import Chunk, Transcript
from interviews.playback import sealed_recording
from interviews.queries import replies
from interviews.services import analysis
from tests import factories
from tests.fakes import ScriptedHearing
from tests.interviews.takes import a_clip, in_parts, keep

FACE = (0.05, 0.05, 0.1, 0.5, 0.1, 0.1, 0.05, 0.05)


class Told(list):
    """Remembers each progress: stage, share."""

    def __call__(self, stage: str, share: float) -> None:
        self.append((stage, share))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def clip(tmp_path) -> bytes:
    return a_clip(tmp_path / "clip.webm")


@pytest.fixture
def joined(answer, clip, told):
    recording = keep(answer, in_parts(clip))
    analysis.join(answer, told)
    recording.refresh_from_db()
    return recording


def a_reading(**fields) -> Reading:
    points = tuple(Point(at=index / 5, face=FACE, speech=0.9, pitch=20.0, arousal=0.1) for index in range(60))
    return replace(Reading(points, duration=12.0, pack="starter", pack_sha256="ab" * 32), **fields)


def reading_of(reading: Reading):
    def read(path: Path, on_progress) -> Reading:
        assert path.stat().st_size > 0
        on_progress("faces", 1.0)
        on_progress("voice", 0.5)
        return reading

    return read


# --- join ---


def test_the_joined_file_plays_and_can_be_searched(joined, answer, tmp_path):
    played = tmp_path / "played.webm"
    played.write_bytes(sealed_recording(joined, answer.interview.key).read())
    with av.open(str(played)) as file:
        assert file.duration == pytest.approx(2_000_000, abs=150_000)  # microseconds; the clip itself says none
        file.seek(1_000_000)
        assert len(list(file.decode(video=0))) >= 10
    assert joined.joined_bytes == played.stat().st_size
    assert joined.joined_type == "video/webm"
    assert joined.duration == pytest.approx(2.0, abs=0.15)


def test_the_made_clip_has_no_duration_as_a_browsers_has_none(clip, tmp_path):
    with av.open(str(tmp_path / "clip.webm")) as file:
        assert file.duration is None


def test_joining_leaves_the_parts_as_they_were_sent(joined, answer, clip):
    parts = [read_chunk(chunk, answer.interview.key) for chunk in joined.chunks.all()]
    assert b"".join(parts) == clip


def test_joining_twice_gives_the_same_file_once(joined, answer, told):
    before = sealed_recording(joined, answer.interview.key).read()
    analysis.join(answer, told)
    joined.refresh_from_db()
    assert len(sealed_recording(joined, answer.interview.key).read()) == len(before)
    folder = sealed_recording(joined, answer.interview.key).path.parent
    assert len([path for path in folder.iterdir() if not path.name.endswith(".chunk")]) == 1


def test_nothing_lies_open_on_disk_after_the_work(joined, answer, told, settings):
    analysis.transcribe(answer, told, ScriptedHearing("hello"))
    assert list((settings.VAR_DIR / "work").iterdir()) == []


def test_a_worker_that_opens_a_recording_is_in_the_audit_log(joined, answer, told):
    analysis.transcribe(answer, told, ScriptedHearing("hello"))
    entries = AuditEntry.objects.filter(subject=f"recording:{joined.pk}").values_list("actor", "verb")
    assert list(entries) == [("worker:join", "open"), ("worker:transcribe", "open")]


def test_something_that_is_no_recording_is_refused_and_kept(answer, told):
    recording = keep(answer, [b"This is a letter, ", b"not a video."])
    with pytest.raises(UnreadableRecording, match="not a video or sound recording"):
        analysis.join(answer, told)
    parts = [read_chunk(chunk, answer.interview.key) for chunk in recording.chunks.all()]
    assert b"".join(parts) == b"This is a letter, not a video."


def test_a_recording_that_begins_and_holds_nothing_is_refused(answer, told, clip):
    keep(answer, [clip[:250]])
    with pytest.raises(UnreadableRecording):
        analysis.join(answer, told)


def test_an_empty_recording_is_refused(answer, told, clip):
    recording = keep(answer, [clip])
    Chunk.objects.filter(recording=recording).update(size=0)
    with pytest.raises(NotARecording, match="empty"):
        analysis.join(answer, told)


def test_a_lost_part_is_refused_rather_than_joined_around(answer, told, clip):
    recording = keep(answer, in_parts(clip, 4))
    recording.chunks.get(seq=2).delete()
    with pytest.raises(NotARecording, match="missing"):
        analysis.join(answer, told)


def test_a_part_that_was_changed_on_disk_is_refused(answer, told, clip, settings):
    recording = keep(answer, in_parts(clip))
    path = settings.MEDIA_ROOT / recording.chunk_path(1)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(vault.VaultError):
        analysis.join(answer, told)


def test_a_four_hour_recording_is_refused_with_a_sentence_and_kept(answer, told, tmp_path):
    # A picture each two minutes: as long as a true one, and a hundredth of its size.
    long = a_clip(tmp_path / "long.webm", seconds=4 * 3600 + 60, sound=False, fps=1 / 120)
    recording = keep(answer, in_parts(long))
    with pytest.raises(RecordingTooLong, match="longer than 60 minutes"):
        analysis.join(answer, told)
    assert recording.chunks.count() == 3


def test_pictures_that_were_lost_on_the_way_are_said_in_the_row(answer, told, tmp_path):
    keep(answer, [a_clip(tmp_path / "sparse.webm", seconds=4, fps=0.5)])
    outcome = analysis.join(answer, told)["join"]
    assert not outcome.failed
    assert "2.0 seconds of the picture are missing" in outcome.reason


# --- transcribe ---


def test_what_was_said_is_kept_sealed_with_its_times(joined, answer, told):
    hearing = ScriptedHearing("I sleep badly")
    assert analysis.transcribe(answer, told, hearing)["transcribe"].reason == ""
    (sound,) = hearing.heard
    assert len(sound) == pytest.approx(32_000, abs=1_600)  # two seconds at 16 kHz
    transcript = Transcript.objects.get(answer=answer)
    assert b"sleep" not in bytes(transcript.sealed)
    reply = replies(answer.interview)[0]
    assert reply.text == "I sleep badly"
    assert [(word.word, word.start) for word in reply.words] == [("I", 0.0), ("sleep", 0.5), ("badly", 1.0)]
    assert reply.engine == "scripted"


def test_an_answer_is_heard_in_its_interviews_language_once_the_model_is_there(
    patient, clip, told, monkeypatch, settings, tmp_path
):
    settings.VOSK_MODELS, settings.WHISPER_MODEL = tmp_path / "none", None
    arabic = factories.an_interview(patient, factories.a_question_set(("كيف حالك؟",), language="ar"))
    answer = arabic.answers.first()
    keep(answer, in_parts(clip))
    analysis.join(answer, told)
    with pytest.raises(ModelMissing, match=r"“ar”.*try again once the model is there"):
        analysis.transcribe(answer, told)
    asked: list[str] = []
    monkeypatch.setattr(analysis, "hearing_for", lambda language, **_: asked.append(language) or ScriptedHearing("نعم"))
    analysis.transcribe(answer, told)
    assert asked == ["ar"]
    assert replies(arabic)[0].text == "نعم"


def test_silence_leaves_an_empty_transcript_and_says_so(joined, answer, told):
    outcome = analysis.transcribe(answer, told, ScriptedHearing(""))["transcribe"]
    assert outcome == analysis.Outcome("Nothing was said in this recording.")
    assert replies(answer.interview)[0].text == ""
    assert Transcript.objects.filter(answer=answer).exists()


def test_a_recording_without_sound_is_not_heard_and_says_so(answer, told, tmp_path):
    keep(answer, [a_clip(tmp_path / "mute.webm", sound=False)])
    analysis.join(answer, told)
    hearing = ScriptedHearing("a voice that is not there")
    outcome = analysis.transcribe(answer, told, hearing)["transcribe"]
    assert (outcome.failed, outcome.reason) == (False, "The recording has no sound.")
    assert hearing.heard == []


def test_transcribing_twice_leaves_one_transcript(joined, answer, told):
    analysis.transcribe(answer, told, ScriptedHearing("first"))
    analysis.transcribe(answer, told, ScriptedHearing("second"))
    assert replies(answer.interview)[0].text == "second"


# --- read ---


def test_a_reading_is_kept_in_sealed_ten_second_segments(joined, answer, told):
    reading = a_reading()
    outcomes = analysis.read(answer, told, reading_of(reading))
    assert all(outcome == analysis.Outcome() for outcome in outcomes.values())
    assert [segment.start for segment in TimelineSegment.objects.all()] == [0.0, 10.0]
    assert b"face" not in bytes(TimelineSegment.objects.first().sealed)
    kept = replies(answer.interview)[0]
    assert tuple(kept.points) == reading.points
    assert kept.timeline.pack_sha256 == "ab" * 32


def test_reading_twice_leaves_one_reading(joined, answer, told):
    analysis.read(answer, told, reading_of(a_reading()))
    analysis.read(answer, told, reading_of(a_reading(pack="newer")))
    assert StoredReading.objects.get().pack == "newer"
    assert TimelineSegment.objects.count() == 2


def test_the_progress_of_the_timeline_is_that_of_both_channels(joined, answer, told):
    analysis.read(answer, told, reading_of(a_reading()))
    assert told[-4:] == [("faces", 1.0), ("timeline", 0.5), ("voice", 0.5), ("timeline", 0.75)]


def test_a_channel_that_fails_leaves_the_other_its_result(joined, answer, told):
    blind = tuple(Point(at=index / 5, face_gap=Gap.NO_FACE, speech=0.9) for index in range(10))
    reading = a_reading(points=blind, failures={"face": "The face net's weights are missing."})
    outcomes = analysis.read(answer, told, reading_of(reading))
    assert (outcomes["faces"].failed, outcomes["voice"].failed, outcomes["timeline"].failed) == (True, False, False)
    assert outcomes["faces"].reason == "The face net's weights are missing."
    assert len(replies(answer.interview)[0].points) == 10


def test_when_both_channels_fail_there_is_no_timeline(joined, answer, told):
    reading = a_reading(points=(), failures={"face": "No face net.", "voice": "No voice net."})
    assert all(outcome.failed for outcome in analysis.read(answer, told, reading_of(reading)).values())


def test_a_channel_that_is_all_gaps_is_done_and_says_why_it_is_empty(joined, answer, told):
    points = tuple(Point(at=index / 5, face_gap=Gap.NO_FACE, speech=0.9) for index in range(10))
    outcomes = analysis.read(answer, told, reading_of(a_reading(points=points)))
    assert outcomes["faces"] == analysis.Outcome("Nothing could be read at any moment: no face.")
    assert outcomes["voice"] == analysis.Outcome()


@pytest.mark.parametrize(
    ("tracks", "empty", "reason", "full"),
    [
        ({"picture": False}, "faces", "The recording has no picture.", "voice"),
        ({"sound": False}, "voice", "The recording has no sound.", "faces"),
    ],
)
def test_a_recording_without_one_track_is_done_in_both_channels(answer, told, tmp_path, tracks, empty, reason, full):
    keep(answer, [a_clip(tmp_path / "half.webm", **tracks)])
    analysis.join(answer, told)
    gap = {"faces": "face", "voice": "voice"}[empty]
    outcomes = analysis.read(answer, told, reading_of(a_reading(failures={gap: f"{reason} Only the other was read."})))
    assert outcomes[empty] == analysis.Outcome(reason)
    assert outcomes[full] == analysis.Outcome()
    assert not outcomes["timeline"].failed
