"""Readings kept: sealed, in ten-second pieces, one a recording, opened only with the key of their owner."""

from uuid import uuid4

import pytest

from clinic import vault
from emotion.ml.readings import Gap, Point, Reading
from emotion.models import StoredReading, TimelineSegment
from emotion.queries import timeline, timelines
from emotion.services import store_reading

KEY = vault.Key(bytes(32))
FACE = (0.05, 0.05, 0.1, 0.5, 0.1, 0.1, 0.05, 0.05)

pytestmark = pytest.mark.django_db


def a_point(at: float) -> Point:
    return Point(at=at, face=FACE, box=(0.2, 0.1, 0.6, 0.9), speech=0.8, voice_gap=Gap.CLIPPED)


def a_reading(seconds: float, **fields) -> Reading:
    points = tuple(a_point(index / 5) for index in range(int(seconds * 5)))
    return Reading(points, duration=seconds, pack="starter", pack_sha256="ab" * 32, **fields)


def test_what_was_stored_comes_back_as_it_was_read():
    reading = a_reading(25.4, versions={"torch": "2.13"}, failures={"voice": "No sound."})
    recording = uuid4()
    store_reading(reading, recording, KEY)
    kept = timeline(recording, KEY)
    assert tuple(kept.points) == reading.points
    assert (kept.pack, kept.pack_sha256, kept.rate, kept.duration) == ("starter", "ab" * 32, 5.0, 25.4)
    assert kept.versions == {"torch": "2.13"}
    assert kept.summary == {
        "points": 127,
        "gaps": {"face": {}, "voice": {"clipped": 127}},
        "failures": reading.failures,
    }


def test_points_lie_in_sealed_pieces_of_ten_seconds():
    store_reading(a_reading(25), uuid4(), KEY)
    assert [segment.start for segment in TimelineSegment.objects.all()] == [0.0, 10.0, 20.0]
    assert b'"face"' not in b"".join(bytes(segment.sealed) for segment in TimelineSegment.objects.all())


def test_another_key_opens_nothing():
    recording = uuid4()
    store_reading(a_reading(1), recording, KEY)
    with pytest.raises(vault.VaultError):
        timeline(recording, vault.Key(bytes([1]) * 32))


def test_a_piece_of_another_recording_cannot_pass_for_this_ones():
    hers, his = uuid4(), uuid4()
    theirs = [store_reading(a_reading(1), recording, KEY) for recording in (hers, his)]
    stolen = TimelineSegment.objects.get(reading=theirs[1]).sealed
    TimelineSegment.objects.filter(reading=theirs[0]).update(sealed=stolen)
    with pytest.raises(vault.VaultError):
        timeline(hers, KEY)


def test_a_newer_reading_replaces_the_older_one():
    recording = uuid4()
    store_reading(a_reading(25), recording, KEY)
    store_reading(a_reading(5), recording, KEY)
    assert StoredReading.objects.count() == 1
    assert TimelineSegment.objects.count() == 1


def test_a_recording_that_was_not_read_has_no_timeline():
    assert timeline(uuid4(), KEY) is None


def test_ten_timelines_cost_no_more_queries_than_one(django_assert_num_queries):
    recordings = [uuid4() for _ in range(10)]
    for recording in recordings:
        store_reading(a_reading(12), recording, KEY)
    for asked in (recordings[:1], recordings):
        with django_assert_num_queries(2):
            assert len(timelines(asked, KEY)) == len(asked)


def test_the_admin_shows_which_pack_read_a_recording_and_lets_nobody_change_it(client, admin):
    stored = store_reading(a_reading(1), uuid4(), KEY)
    client.force_login(admin)
    assert "starter" in client.get("/admin/emotion/storedreading/").content.decode()
    assert client.post(f"/admin/emotion/storedreading/{stored.pk}/change/", {"pack": "other"}).status_code == 403
    assert client.get("/admin/emotion/storedreading/add/").status_code == 403
