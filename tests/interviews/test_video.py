"""The recording as a player asks for it: by ranges, out of sealed blocks, and only by the clinician of the caseload."""

import os
import tracemalloc

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.urls import reverse

from clinic.models import AuditEntry
from clinic.ranges import NotSatisfiable, wanted
from clinic.sealed_files import BLOCK_BYTES
from interviews.models import Interview, Recording
from tests.interviews import scenes

FILM = os.urandom(3 * BLOCK_BYTES + 12_345)


@pytest.fixture
def recording(answer) -> Recording:
    return scenes.reviewed(answer, FILM)


@pytest.fixture
def signed_in(client, clinician):
    client.force_login(clinician)
    return client


def play(client, recording, asked: str = "", method: str = "get"):
    headers = {"Range": asked} if asked else {}
    return getattr(client, method)(reverse("interviews:video", args=[recording.pk]), headers=headers)


def body_of(response) -> bytes:
    async def read() -> bytes:
        return b"".join([piece async for piece in response.streaming_content])

    return async_to_sync(read)()


def test_all_of_it(signed_in, recording):
    response = play(signed_in, recording)
    assert response.status_code == 200
    assert body_of(response) == FILM
    assert response["Content-Length"] == str(len(FILM))
    assert response["Accept-Ranges"] == "bytes"
    assert response["Content-Type"] == "video/webm"


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-", 0, len(FILM)),
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        (f"bytes={BLOCK_BYTES - 5}-{BLOCK_BYTES + 4}", BLOCK_BYTES - 5, BLOCK_BYTES + 5),
        (f"bytes={len(FILM) - 1}-", len(FILM) - 1, len(FILM)),
        ("bytes=-500", len(FILM) - 500, len(FILM)),
        (f"bytes=10-{10 * len(FILM)}", 10, len(FILM)),
        (f"bytes=-{10 * len(FILM)}", 0, len(FILM)),
    ],
)
def test_the_part_asked_for(signed_in, recording, asked, start, end):
    response = play(signed_in, recording, asked)
    assert response.status_code == 206
    assert body_of(response) == FILM[start:end]
    assert response["Content-Range"] == f"bytes {start}-{end - 1}/{len(FILM)}"
    assert response["Content-Length"] == str(end - start)


@pytest.mark.parametrize("asked", [f"bytes={len(FILM)}-", "bytes=-0", "bytes=999999999999-"])
def test_a_part_beyond_the_end_is_refused_with_the_size(signed_in, recording, asked):
    response = play(signed_in, recording, asked)
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{len(FILM)}"


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=a-b", "bytes=-", "lines=0-5", "bytes=0-5,10-15", "bytes=" + "9" * 5000 + "-"]
)
def test_a_senseless_or_manifold_range_gets_the_whole(signed_in, recording, asked):
    response = play(signed_in, recording, asked)
    assert response.status_code == 200
    assert response["Content-Length"] == str(len(FILM))


def test_asking_for_the_head_gives_the_size_alone(signed_in, recording):
    response = play(signed_in, recording, method="head")
    assert (response.status_code, response["Content-Length"]) == (200, str(len(FILM)))
    assert response.content == b""


def test_it_may_not_be_stored_by_anybody_on_the_way(signed_in, recording):
    assert "no-store" in play(signed_in, recording)["Cache-Control"]


def test_playing_is_noted_once_a_sitting(signed_in, clinician, recording):
    for asked in ("bytes=0-", "bytes=500-", "bytes=900-"):
        play(signed_in, recording, asked)
    assert AuditEntry.objects.filter(verb="play", subject=f"recording:{recording.pk}").count() == 1


def test_a_take_that_was_not_kept_is_not_there(signed_in, recording):
    Recording.objects.update(state=Recording.State.DISCARDED)
    assert play(signed_in, recording).status_code == 404


def test_a_take_that_was_not_joined_yet_is_not_there(signed_in, recording):
    Recording.objects.update(joined_path="")
    assert play(signed_in, recording).status_code == 404


def test_an_erased_interview_has_no_video_left(signed_in, recording):
    Interview.objects.update(wrapped_key=b"")
    assert play(signed_in, recording).status_code == 404


def test_a_file_that_is_gone_is_a_404(signed_in, recording, settings):
    (settings.MEDIA_ROOT / recording.joined_path).unlink()
    assert play(signed_in, recording).status_code == 404


@pytest.mark.django_db(transaction=True)
async def test_memory_does_not_grow_with_the_file(async_client, clinician, answer):
    film = bytes(64 * BLOCK_BYTES)  # 16 MiB
    recording = await sync_to_async(scenes.reviewed)(answer, film)
    await async_client.aforce_login(clinician)
    response = await async_client.get(reverse("interviews:video", args=[recording.pk]))
    tracemalloc.start()
    length = 0
    async for piece in response.streaming_content:
        length += len(piece)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert length == len(film)
    assert peak < 8 * BLOCK_BYTES


def test_ranges_are_read_as_the_standard_has_them():
    assert wanted("", 10) is None
    assert wanted("bytes=2-4", 10) == (2, 3)
    with pytest.raises(NotSatisfiable):
        wanted("bytes=0-", 0)
