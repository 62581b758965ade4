import os
from pathlib import Path

from django.core.files.storage import default_storage

from interviews.models import Recording
from tests.interviews.uploads import open_take, put


def test_folders_made_for_a_part_are_on_disk_before_it_is_acknowledged(client, answer, settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = tmp_path
    take = open_take(client, answer)
    recording = Recording.objects.get(pk=take)
    synced, fsync = [], os.fsync

    def noted(file: int) -> None:
        synced.append(os.fstat(file).st_ino)
        fsync(file)

    monkeypatch.setattr("os.fsync", noted)
    assert put(client, take, 0, b"first").status_code == 201
    folder = Path(default_storage.path(recording.folder))
    above = [place for place in (folder, *folder.parents) if place.is_relative_to(tmp_path)]
    assert len(above) > 2
    assert {place.stat().st_ino for place in above} <= set(synced)
    synced.clear()
    assert put(client, take, 1, b"second").status_code == 201
    assert len(synced) == 2  # the part and its folder
