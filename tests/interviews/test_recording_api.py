import hashlib
import uuid

import pytest
from django.core.files.storage import default_storage
from django.db import transaction
from django.test import AsyncClient, Client
from kombu.exceptions import OperationalError as BrokerAway
from redis.exceptions import RedisError

from clinic.models import AuditEntry, Job
from clinic.services import record_consent
from clinic.vault import VaultError
from interviews import services, tasks
from interviews.chunks import read_chunk
from interviews.models import Answer, Chunk, Interview, Recording
from interviews.services import receipt_for
from interviews.stages import ANSWER_STAGES
from tests.interviews.uploads import complete, digest_of, discard, open_take, put

PARTS = [b"first part", b"second part", b"third"]


@pytest.fixture(autouse=True)
def queue(monkeypatch):
    """What would be sent to the workers."""
    sent = []
    monkeypatch.setattr("clinic.sending.send", lambda message, *_args, **_options: sent.append(message))
    return sent


@pytest.fixture
def take(client, answer) -> str:
    return open_take(client, answer)


@pytest.fixture
def recording(take) -> Recording:
    return Recording.objects.get(pk=take)


def kept_bytes(recording: Recording) -> list[bytes]:
    return [read_chunk(chunk, recording.answer.interview.key) for chunk in recording.chunks.all()]


def test_a_part_is_kept_sealed_and_acknowledged(client, take, recording):
    response = put(client, take, 0, b"what she said")
    assert response.status_code == 201
    assert kept_bytes(recording) == [b"what she said"]
    with default_storage.open(recording.chunk_path(0)) as file:
        assert b"what she said" not in file.read()


def test_the_first_recording_starts_the_interview(take, interview):
    interview.refresh_from_db()
    assert interview.state == Interview.State.STARTED
    assert interview.started_at


def test_the_same_part_twice_is_kept_once(client, take, recording):
    put(client, take, 0, b"same")
    response = put(client, take, 0, b"same")
    assert response.status_code == 200
    assert kept_bytes(recording) == [b"same"]


def test_other_bytes_for_a_kept_number_are_refused(client, take, recording):
    put(client, take, 0, b"kept")
    response = put(client, take, 0, b"other")
    assert (response.status_code, response.json()["code"]) == (409, "ChunkConflict")
    assert kept_bytes(recording) == [b"kept"]


def test_a_body_that_does_not_match_its_digest_is_refused(client, take, recording):
    response = put(client, take, 0, b"changed on the way", digest=digest_of(b"as it was"))
    assert response.status_code == 400
    assert "changed on its way" in response.json()["detail"]
    assert not recording.chunks.exists()


@pytest.mark.parametrize("header", ["", "nonsense", "sha-256=:AAAA:", "sha-512=:AAAA:", "sha-256=abc", "md5=:AA==:"])
def test_a_missing_or_garbled_digest_is_refused(client, take, recording, header):
    response = put(client, take, 0, b"bytes", digest=header)
    assert response.status_code == 400
    assert "Content-Digest" in response.json()["detail"]
    assert not recording.chunks.exists()


def test_the_sha256_is_found_among_several_digests(client, take):
    header = f"sha-512=:c2hvcnQ=:, {digest_of(b'bytes')}"
    assert put(client, take, 0, b"bytes", digest=header).status_code == 201


def test_parts_may_come_in_any_order(client, take, recording):
    for seq in (2, 0, 1):
        put(client, take, seq, PARTS[seq])
    assert complete(client, take, 3).status_code == 200
    assert kept_bytes(recording) == PARTS


def test_an_oversized_part_is_refused(client, take, recording, settings):
    settings.MAX_CHUNK_BYTES = 10
    assert put(client, take, 0, b"x" * 10).status_code == 201
    response = put(client, take, 1, b"x" * 11)
    assert (response.status_code, response.json()["code"]) == (413, "TooLarge")
    assert recording.chunks.count() == 1


def test_a_number_beyond_all_sense_is_refused(client, take):
    assert put(client, take, 10**12, b"x").status_code == 413


def test_an_oversized_answer_is_refused_and_keeps_what_arrived(client, take, recording, settings):
    settings.MAX_ANSWER_BYTES = 20
    put(client, take, 0, b"x" * 15)
    response = put(client, take, 1, b"x" * 6)
    assert (response.status_code, response.json()["code"]) == (413, "AnswerFull")
    assert complete(client, take, 1).status_code == 200
    assert kept_bytes(recording) == [b"x" * 15]


def test_the_longest_size_is_of_the_answer_not_of_each_take(client, take, answer, settings):
    settings.MAX_ANSWER_BYTES = 20
    put(client, take, 0, b"x" * 15)
    other = open_take(client, answer)
    assert put(client, other, 0, b"y" * 6).json()["code"] == "AnswerFull"
    discard(client, take)
    assert put(client, other, 0, b"y" * 6).status_code == 201


def test_the_size_of_another_answer_does_not_count(client, take, interview, settings):
    settings.MAX_ANSWER_BYTES = 20
    put(client, take, 0, b"x" * 15)
    assert put(client, open_take(client, interview.answers.last()), 0, b"y" * 15).status_code == 201


def test_a_sixth_open_take_is_refused_until_one_is_discarded(client, take, answer):
    for _ in range(4):
        open_take(client, answer)
    path = f"/api/answers/{answer.pk}/recordings/"
    response = client.post(path, {"mime_type": "video/webm"}, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (409, "TooManyTakes")
    assert "too many times" in response.json()["detail"]
    discard(client, take)
    assert open_take(client, answer)


def test_more_parts_than_the_longest_answer_has_are_refused(client, take, settings):
    settings.MAX_ANSWER_SECONDS = 10
    assert put(client, take, 119, b"x").status_code == 201
    assert put(client, take, 120, b"x").json()["code"] == "TooLarge"


def test_an_empty_part_is_refused(client, take):
    response = put(client, take, 0, b"")
    assert response.status_code == 422
    assert "empty" in response.json()["detail"]


def test_an_empty_recording_cannot_be_kept(client, take, answer):
    response = complete(client, take, 0)
    assert response.status_code == 422
    assert "empty" in response.json()["detail"]
    answer.refresh_from_db()
    assert answer.state == Answer.State.WAITING


def test_completion_lists_what_is_missing_and_loses_nothing(client, take, recording):
    put(client, take, 1, PARTS[1])
    response = complete(client, take, 4)
    assert (response.status_code, response.json()["missing"]) == (409, [0, 2, 3])
    assert kept_bytes(recording) == [PARTS[1]]
    recording.refresh_from_db()
    assert recording.state == Recording.State.OPEN


def test_a_part_whose_file_vanished_is_missing_and_can_be_sent_again(client, take, recording):
    put(client, take, 0, b"bytes")
    default_storage.delete(recording.chunk_path(0))
    assert complete(client, take, 1).json()["missing"] == [0]
    assert put(client, take, 0, b"bytes").status_code == 200
    assert complete(client, take, 1).status_code == 200
    assert kept_bytes(recording) == [b"bytes"]


def test_keeping_gives_a_receipt_that_the_rows_can_prove(client, take, recording, answer):
    put(client, take, 0, b"bytes")
    response = complete(client, take, 1)
    answer.refresh_from_db()
    recording.refresh_from_db()
    assert response.json()["receipt"] == answer.receipt == receipt_for(recording, list(recording.chunks.all()))
    assert response.json()["recorded_at"]
    assert (recording.state, recording.chunk_count) == (Recording.State.KEPT, 1)


def test_keeping_twice_gives_the_same_receipt(client, take):
    put(client, take, 0, b"bytes")
    assert complete(client, take, 1).json() == complete(client, take, 1).json()
    assert AuditEntry.objects.filter(verb="kept an answer").exists()


def test_keeping_with_fewer_parts_than_arrived_is_refused(client, take):
    put(client, take, 0, b"a")
    put(client, take, 1, b"b")
    assert complete(client, take, 1).json()["code"] == "ChunkConflict"


def test_keeping_opens_the_jobs_and_queues_the_first(client, take, answer, queue, django_capture_on_commit_callbacks):
    put(client, take, 0, b"bytes")
    with django_capture_on_commit_callbacks(execute=True):
        complete(client, take, 1)
    assert list(Job.objects.filter(subject=answer.subject).values_list("stage", flat=True)) == list(ANSWER_STAGES)
    assert [message.task for message in queue] == ["interviews.tasks.join_recording"]


def test_with_the_broker_down_an_answer_is_still_kept(
    client, take, answer, monkeypatch, django_capture_on_commit_callbacks
):
    def unsent(*_args, **_options):
        raise BrokerAway("nobody answers")

    async def untold(*_args):
        raise RedisError("nobody answers")

    monkeypatch.undo()
    monkeypatch.setattr("celery.canvas.Signature.apply_async", unsent)
    monkeypatch.setattr("channels.layers.InMemoryChannelLayer.group_send", untold)
    put(client, take, 0, b"bytes")
    with django_capture_on_commit_callbacks(execute=True):
        response = complete(client, take, 1)
    assert response.status_code == 200
    assert Job.objects.filter(subject=answer.subject, state=Job.State.WAITING).count() == len(ANSWER_STAGES)


def test_nothing_is_added_to_a_kept_recording(client, take, recording):
    put(client, take, 0, b"bytes")
    complete(client, take, 1)
    assert put(client, take, 1, b"more").status_code == 409
    assert discard(client, take).status_code == 409
    assert kept_bytes(recording) == [b"bytes"]


def test_a_second_recording_is_refused(client, take, answer):
    put(client, take, 0, b"bytes")
    complete(client, take, 1)
    path = f"/api/answers/{answer.pk}/recordings/"
    response = client.post(path, {"mime_type": "video/webm"}, content_type="application/json")
    assert response.status_code == 409
    assert "already has an answer" in response.json()["detail"]


def test_recording_again_erases_the_earlier_take(client, take, recording, django_capture_on_commit_callbacks):
    put(client, take, 0, b"not like this")
    with django_capture_on_commit_callbacks(execute=True):
        assert discard(client, take).status_code == 200
    assert discard(client, take).status_code == 200
    assert put(client, take, 1, b"late").status_code == 409
    recording.refresh_from_db()
    assert recording.state == Recording.State.DISCARDED
    assert not recording.chunks.exists()
    assert not default_storage.exists(recording.folder) or not default_storage.listdir(recording.folder)[1]


def test_keeping_one_take_discards_the_others(client, take, answer):
    other = open_take(client, answer)
    put(client, take, 0, b"older")
    put(client, other, 0, b"newer")
    complete(client, other, 1)
    states = {str(row.pk): row.state for row in answer.recordings.all()}
    assert states == {take: Recording.State.DISCARDED, other: Recording.State.KEPT}


def test_a_disk_that_will_not_erase_does_not_take_back_that_an_answer_was_kept(
    client, take, answer, monkeypatch, django_capture_on_commit_callbacks
):
    def refuse(_recording):
        raise PermissionError("read-only")

    monkeypatch.setattr("interviews.services.answering.erase_chunks", refuse)
    other = open_take(client, answer)
    put(client, other, 0, b"newer")
    with django_capture_on_commit_callbacks(execute=True):
        assert complete(client, other, 1).status_code == 200


def test_what_a_crash_left_of_a_discarded_take_is_erased_by_the_sweep(client, take, recording, answer):
    other = open_take(client, answer)
    put(client, take, 0, b"not like this")
    put(client, other, 0, b"like this")
    discard(client, take)
    assert default_storage.exists(recording.chunk_path(0))  # nothing ran after the commit
    tasks.requeue()
    tasks.requeue()
    assert not default_storage.exists(recording.folder)
    assert kept_bytes(Recording.objects.get(pk=other)) == [b"like this"]


@pytest.mark.parametrize(
    "mime_type",
    [
        "audio/ogg",
        'video/webm; codecs="vp8, opus"',
        "video/mp4;codecs=avc1.42E01E,mp4a.40.2",
        "video/x-matroska;codecs=av1",
    ],
)
def test_what_browsers_record_is_taken(client, answer, mime_type):
    assert Recording.objects.get(pk=open_take(client, answer, mime_type)).mime_type == mime_type


def test_the_browser_names_its_take_and_may_ask_twice(client, answer):
    name = str(uuid.uuid4())
    assert open_take(client, answer, id=name) == open_take(client, answer, id=name) == name
    assert answer.recordings.count() == 1


def test_a_name_of_another_answers_take_is_refused(client, take, interview):
    other = interview.answers.last()
    path = f"/api/answers/{other.pk}/recordings/"
    response = client.post(path, {"mime_type": "video/webm", "id": take}, content_type="application/json")
    assert response.status_code == 409


NO_MEDIA = [
    "video/",
    "video/webm; charset=x",
    "video/webm\r\nX: y",
    "audio/<b>",
    'video/webm;codecs="vp8',
    "Video/ webm",
]


@pytest.mark.parametrize("mime_type", ["", "text/html", "application/pdf", *NO_MEDIA])
def test_what_is_no_recording_is_refused(client, answer, mime_type):
    record_consent(answer.interview.patient)
    client.force_login(answer.interview.patient.user)
    path = f"/api/answers/{answer.pk}/recordings/"
    response = client.post(path, {"mime_type": mime_type}, content_type="application/json")
    assert response.status_code in (400, 422)
    assert not answer.recordings.exists()


def test_a_finished_interview_takes_nothing_more(client, take, interview, recording):
    put(client, take, 0, b"bytes")
    Interview.objects.filter(pk=interview.pk).update(state=Interview.State.FINISHED)
    assert put(client, take, 1, b"more").json()["code"] == "InterviewEnded"
    assert complete(client, take, 1).status_code == 409
    assert kept_bytes(recording) == [b"bytes"]


def test_an_erased_interview_says_so(client, take, interview):
    Interview.objects.filter(pk=interview.pk).update(wrapped_key=b"")
    response = put(client, take, 0, b"bytes")
    assert response.status_code == 410
    assert "erased" in response.json()["detail"]


def doors(answer, take):
    return [
        ("post", f"/api/answers/{answer.pk}/recordings/"),
        ("get", f"/api/recordings/{take}/chunks/"),
        ("get", f"/api/recordings/{take}/chunks/0"),
        ("put", f"/api/recordings/{take}/chunks/0"),
        ("get", f"/api/recordings/{take}/take"),
        ("post", f"/api/recordings/{take}/complete"),
        ("post", f"/api/recordings/{take}/discard"),
    ]


def test_everybody_else_finds_nothing_at_every_door(
    client, take, recording, answer, strange_patient, clinician, stranger, admin, engineer
):
    put(client, take, 0, b"bytes")
    record_consent(strange_patient)
    valid = {"mime_type": "video/webm", "chunks": 1}
    for user in (strange_patient.user, clinician, stranger, admin, engineer):
        client.force_login(user)
        for method, path in doors(answer, take):
            response = getattr(client, method)(path, valid, content_type="application/json")
            assert response.status_code == 404, (user.role, method, path, response.content)
    recording.refresh_from_db()
    assert (recording.state, recording.chunks.count()) == (Recording.State.OPEN, 1)


def test_the_signed_out_are_refused_at_every_door(client, take, answer):
    stranger = Client()
    for method, path in doors(answer, take):
        assert getattr(stranger, method)(path, content_type="application/json").status_code in (403, 404)


def test_a_part_without_the_csrf_token_is_refused(take, answer):
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(answer.interview.patient.user)
    assert put(careful, take, 0, b"bytes").status_code == 403


def test_what_has_arrived_can_be_listed_and_fetched(client, take):
    put(client, take, 0, PARTS[0])
    put(client, take, 2, PARTS[2])
    listed = client.get(f"/api/recordings/{take}/chunks/").json()
    assert [(chunk["seq"], chunk["size"]) for chunk in listed["chunks"]] == [(0, 10), (2, 5)]
    assert client.get(f"/api/recordings/{take}/chunks/2").content == PARTS[2]
    assert client.get(f"/api/recordings/{take}/chunks/1").status_code == 404


@pytest.mark.django_db(transaction=True)
async def test_a_take_is_listened_to_again_up_to_its_first_gap(interview, client):
    from asgiref.sync import sync_to_async

    answer = await interview.answers.afirst()
    take = await sync_to_async(open_take)(client, answer)
    for seq, part in ((0, PARTS[0]), (1, PARTS[1]), (3, b"after a gap")):
        await sync_to_async(put)(client, take, seq, part)
    reader = AsyncClient()
    await reader.aforce_login(interview.patient.user)
    response = await reader.get(f"/api/recordings/{take}/take")
    assert b"".join([piece async for piece in response.streaming_content]) == PARTS[0] + PARTS[1]
    assert response["Content-Type"].startswith("video/webm")
    assert "no-store" in response["Cache-Control"]


def test_a_crash_before_the_row_leaves_nothing_that_harms(take, recording, monkeypatch):
    """The file was in its place, the row was not: the next try, even with other bytes, wins."""

    def crash(**_fields):
        raise RuntimeError("power cut")

    monkeypatch.setattr(Chunk.objects, "create", crash)
    with pytest.raises(RuntimeError):
        services.receive_chunk(recording, 0, b"first", sha256(b"first"))
    monkeypatch.undo()
    assert default_storage.listdir(recording.folder)[1] == []
    services.receive_chunk(recording, 0, b"second", sha256(b"second"))
    assert kept_bytes(recording) == [b"second"]


def test_a_crash_between_file_and_commit_is_made_good_by_the_next_try(take, recording):
    before = transaction.savepoint()
    services.receive_chunk(recording, 0, b"first", sha256(b"first"))
    transaction.savepoint_rollback(before)
    assert default_storage.exists(recording.chunk_path(0))
    assert not recording.chunks.exists()
    services.receive_chunk(recording, 0, b"second", sha256(b"second"))
    assert kept_bytes(recording) == [b"second"]


def test_a_sealed_part_cannot_pass_for_another(client, take, recording):
    put(client, take, 0, b"zero")
    put(client, take, 1, b"one!")
    zero, one = (default_storage.path(recording.chunk_path(seq)) for seq in (0, 1))
    with open(zero, "rb") as file, open(one, "wb") as target:
        target.write(file.read())
    with pytest.raises(VaultError):
        kept_bytes(recording)


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
