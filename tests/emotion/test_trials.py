"""Trials: real files through the real workers' verbs; hers alone, sealed, refused with a sentence, and gone in time."""

import hashlib
from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.utils import timezone
from PIL import Image

from clinic import vault
from clinic.models import Job
from emotion.errors import RecordingTooLong, TrialRefused, UnreadableRecording
from emotion.models import StoredReading, Trial, Upload
from emotion.queries import pictures, timeline
from emotion.services import registry, trying
from tests.emotion import checkpoints
from tests.emotion.ml.recordings import feat, spoken, write
from tests.emotion.ml.test_clip_reading import weeping

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folders(settings, tmp_path):
    settings.MODELS_DIR = tmp_path / "models"


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("clip") / "both.webm", weeping(2), spoken("two_cities.wav", 2))


def bring(owner, *files: Path) -> list[Upload]:
    return [trying.keep_file(owner, file.open("rb"), file.stat().st_size) for file in files]


def tried(owner, *files: Path, pack=None) -> Trial:
    trial = trying.start_trial(owner, bring(owner, *files), pack)
    trying.read_trial(trial)
    return Trial.objects.get(pk=trial.pk)


def on_disk(settings) -> bytes:
    return b"".join(file.read_bytes() for file in Path(settings.MEDIA_ROOT).rglob("*") if file.is_file())


# --- Bringing files ---


def test_parts_come_in_any_order_and_more_than_once_and_lie_sealed(engineer, settings, tmp_path):
    settings.MAX_CHUNK_BYTES = 10
    upload = trying.open_upload(engineer, 25)
    assert (trying.parts_of(upload), trying.missing_parts(upload)) == (3, [0, 1, 2])
    for number, data in ((2, b"eeeee"), (0, b"x" * 10), (1, b"b" * 10), (0, b"a" * 10)):
        trying.receive_part(upload, number, data)
    trying.write_upload(upload, tmp_path / "whole")
    assert (tmp_path / "whole").read_bytes() == b"a" * 10 + b"b" * 10 + b"eeeee"
    assert b"bbbb" not in on_disk(settings)


@pytest.mark.parametrize(("number", "data"), [(3, b"a" * 10), (-1, b"a" * 10), (0, b"short"), (2, b"a" * 10)])
def test_a_part_that_does_not_fit_is_refused(engineer, settings, number, data):
    settings.MAX_CHUNK_BYTES = 10
    with pytest.raises(TrialRefused):
        trying.receive_part(trying.open_upload(engineer, 25), number, data)


@pytest.mark.parametrize(("size", "sentence"), [(0, "is empty"), (2**40, "too large")])
def test_a_file_without_bytes_or_with_too_many_is_refused_before_it_comes(engineer, size, sentence):
    with pytest.raises(TrialRefused, match=sentence):
        trying.open_upload(engineer, size)


def test_a_trial_needs_whole_files_of_its_own(engineer, clip):
    with pytest.raises(TrialRefused, match="Choose a file"):
        trying.start_trial(engineer, [])
    with pytest.raises(TrialRefused, match="have not arrived"):
        trying.start_trial(engineer, [trying.open_upload(engineer, 5)])
    brought = bring(engineer, clip)
    trying.start_trial(engineer, brought)
    with pytest.raises(TrialRefused, match="is being tried already"):
        trying.start_trial(engineer, Upload.objects.filter(pk=brought[0].pk))


# --- Reading ---


def test_a_clip_is_read_and_can_be_played_and_nothing_of_it_lies_open(engineer, clip, settings):
    told = []
    trial = trying.start_trial(engineer, bring(engineer, clip))
    trying.read_trial(trial, told.append)
    trial.refresh_from_db()
    kept = timeline(trial.pk, trial.key)
    assert (trial.kind, kept.pack, len(kept.points)) == ("clip", "starter", 11)
    assert any(point.face for point in kept.points)
    assert told == sorted(told)
    assert told[-1] == 1.0
    shown = trying.shown_file(trial, 0)
    assert shown.read(0, 4) == b"\x1aE\xdf\xa3"  # playable Matroska, once it is opened with the trial's key
    assert b"\x1aE\xdf\xa3" not in on_disk(settings)
    assert not Upload.objects.exists()
    assert list((settings.VAR_DIR / "work").glob("take-*")) == []


def test_sound_alone_is_a_sound(engineer, tmp_path):
    trial = tried(engineer, write(tmp_path / "voice.webm", None, spoken("two_cities.wav", 2)))
    assert (trial.kind, trial.media[0]["type"]) == ("sound", "audio/webm")
    assert timeline(trial.pk, trial.key).summary["failures"] == {
        "face": "The recording has no picture: only the voice was read."
    }


def test_pictures_are_read_face_by_face(engineer, tmp_path, settings):
    Image.new("RGB", (300, 200), "grey").save(tmp_path / "nobody.png")
    face = next(iter(feat("").glob("*.jpg")))
    trial = tried(engineer, face, tmp_path / "nobody.png")
    told = pictures(trial)
    assert (trial.kind, told["pack"], len(told["pictures"])) == ("pictures", "starter", 2)
    first, second = told["pictures"]
    assert first["faces"]
    assert sum(first["faces"][0]["expression"]) == pytest.approx(1, abs=1e-5)
    left, top, right, bottom = first["faces"][0]["box"]
    assert 0 <= left < right <= 1
    assert 0 <= top < bottom <= 1
    assert (second["faces"], second["gap"]) == ([], "no face")
    assert b"\xff\xd8\xff" not in on_disk(settings)


def test_a_pack_can_be_tried_before_it_serves(engineer, clip, tmp_path):
    pack = checkpoints.a_built_pack(tmp_path, engineer)
    trial = tried(engineer, clip, pack=pack)
    assert registry.serving_pack() is None
    kept = timeline(trial.pk, trial.key)
    assert (kept.pack, kept.pack_sha256) == ("tiny", pack.sha256)
    assert kept.versions["multimodal"].startswith("lt: Tiny")


def a_letter(folder: Path) -> list[Path]:
    (folder / "letter.txt").write_text("Dear all, " * 100)
    return [folder / "letter.txt"]


def an_archive(folder: Path) -> list[Path]:
    with ZipFile(folder / "a.zip", "w") as zipped:
        zipped.writestr("clip.mp4", b"no film")
    return [folder / "a.zip"]


def a_cut_picture(folder: Path) -> list[Path]:
    Image.new("RGB", (300, 200), "grey").save(folder / "p.jpg")
    (folder / "cut.jpg").write_bytes((folder / "p.jpg").read_bytes()[:300])
    return [folder / "p.jpg", folder / "cut.jpg"]


def a_letter_among_pictures(folder: Path) -> list[Path]:
    Image.new("RGB", (300, 200), "grey").save(folder / "p.png")
    return [folder / "p.png", *a_letter(folder)]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (a_letter, "not a video or sound recording"),
        (an_archive, "not a video or sound recording"),
        (a_cut_picture, "Picture 2 is damaged or no picture"),
        (a_letter_among_pictures, "only when all of them are JPEG or PNG pictures"),
    ],
)
def test_what_is_not_media_gets_a_sentence_and_the_files_stay_for_another_try(engineer, tmp_path, make, sentence):
    trial = trying.start_trial(engineer, bring(engineer, *make(tmp_path)))
    with pytest.raises((UnreadableRecording, TrialRefused), match=sentence):
        trying.read_trial(trial)
    assert trial.uploads.exists()
    assert not StoredReading.objects.exists()


def test_a_clip_beyond_the_limit_is_refused(engineer, clip, settings):
    settings.MAX_ANSWER_SECONDS = 1
    with pytest.raises(RecordingTooLong):
        tried(engineer, clip)


# --- Going ---


def test_deleted_means_files_reading_work_and_key_are_gone(engineer, clip, settings):
    trial = tried(engineer, clip)
    Job.objects.create(subject=trial.subject, stage="read")
    trying.erase_trial(trial)
    assert not Trial.objects.exists()
    assert not StoredReading.objects.exists()
    assert not Job.objects.exists()
    assert on_disk(settings) == b""


def test_a_trial_deleted_while_it_is_read_leaves_nothing(engineer, clip, settings):
    trial = trying.start_trial(engineer, bring(engineer, clip))

    def delete_in_the_middle(share: float) -> None:
        if Trial.objects.exists():
            trying.erase_trial(Trial.objects.get())

    with pytest.raises((TrialRefused, FileNotFoundError)):
        trying.read_trial(trial, delete_in_the_middle)
    assert not StoredReading.objects.exists()
    assert on_disk(settings) == b""


def test_after_their_time_trials_go_by_themselves_and_so_do_uploads_nobody_took(engineer, clip, settings):
    old, young = tried(engineer, clip), trying.start_trial(engineer, bring(engineer, clip))
    assert old.expires_at - old.created_at == pytest.approx(
        timedelta(hours=settings.TRIAL_HOURS), abs=timedelta(seconds=5)
    )
    Trial.objects.filter(pk=old.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    left = trying.keep_file(engineer, clip.open("rb"), clip.stat().st_size)
    Upload.objects.filter(pk=left.pk).update(created_at=timezone.now() - timedelta(hours=3))
    assert trying.erase_expired() == 2
    assert Trial.objects.get() == young
    assert Upload.objects.get().trial == young


def test_each_trial_has_a_key_of_its_own(engineer, clip):
    first, second = (tried(engineer, clip) for _ in range(2))
    sealed = (trying._folder(first.folder) / "shown-0").read_bytes()
    assert (
        hashlib.sha256(sealed).digest()
        != hashlib.sha256((trying._folder(second.folder) / "shown-0").read_bytes()).digest()
    )
    first.wrapped_key = second.wrapped_key
    with pytest.raises(vault.VaultError):
        trying.shown_file(first, 0).read()
