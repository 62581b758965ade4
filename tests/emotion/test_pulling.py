"""Fetching models, over a real connection: it goes on where it broke, and nothing wrong is ever kept."""

import hashlib
import io
import random
import zipfile
from pathlib import Path

import pytest

from clinic.models import AuditEntry
from emotion import catalogue
from emotion.errors import PullInterrupted, PullRefused
from emotion.models import FetchedModel
from emotion.services import pulling
from tests.emotion.model_server import ModelServer, serving

pytestmark = pytest.mark.django_db

WEIGHTS = random.Random(1).randbytes(600_000)  # the same in every process: it names a test
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()


@pytest.fixture
def server():
    with serving(ModelServer(files={"/weights.bin": WEIGHTS, "/config.json": b"{}"})) as running:
        yield running


@pytest.fixture(autouse=True)
def folders(settings, tmp_path):
    settings.MODELS_DIR = tmp_path / "models"
    settings.VOSK_MODELS = tmp_path / "models" / "vosk"
    settings.OFFLINE_MODELS = None


@pytest.fixture
def listed(settings, tmp_path, server):
    """A catalogue with one model: (what more its file says) → the model."""

    def make(*files: str, more: str = "") -> catalogue.Model:
        names = files or ("weights.bin",)
        entries = ", ".join(f'{{ name = "{name}", url = "{server.url}/{name}"{more} }}' for name in names)
        settings.MODEL_CATALOGUE = tmp_path / f"{hashlib.sha256(entries.encode()).hexdigest()[:8]}.toml"
        settings.MODEL_CATALOGUE.write_text(
            '[[model]]\nname = "net"\ntitle = "Net"\nkind = "voice"\nlicence = "MIT"\norigin = "loopback"\n'
            f'use = "Tests."\ntrained_on = ["nothing"]\nfiles = [{entries}]\n'
        )
        return catalogue.find("net")

    return make


def published(sha256: str = SHA256, size: int | None = None) -> str:
    return f', sha256 = "{sha256}"' + (f", size = {size}" if size else "")


def kept(name: str = "weights.bin") -> Path:
    return pulling.folder_of("net") / name


def test_nothing_is_fetched_before_somebody_asks_and_what_was_asked_is_noted(listed, engineer, server):
    wanted = pulling.ask_for(listed(), engineer)
    assert server.asked == []
    assert pulling.pull(wanted)
    assert kept().read_bytes() == WEIGHTS
    assert AuditEntry.objects.filter(verb="pull", subject="model:net", actor=f"user:{engineer.pk}").exists()


def test_a_published_checksum_decides_by_itself(listed, engineer):
    wanted = pulling.ask_for(listed(more=published(size=len(WEIGHTS))), engineer)
    pulling.pull(wanted)
    assert wanted.confirmed_how == "published"
    assert wanted.checksums == {"weights.bin": SHA256}


@pytest.mark.parametrize(
    ("more", "sentence"),
    [(published("00" * 32), "its checksum is"), (published(size=7), "should have 7 bytes")],
)
def test_wrong_bytes_are_refused_and_deleted(listed, engineer, more, sentence):
    wanted = pulling.ask_for(listed(more=more), engineer)
    with pytest.raises(PullRefused, match=sentence):
        pulling.pull(wanted)
    assert list(pulling.folder_of("net").glob("*")) == []
    assert FetchedModel.objects.get().checksums == {}


def test_without_a_published_checksum_a_person_confirms_and_from_then_on_it_counts(listed, engineer, server):
    wanted = pulling.ask_for(listed(), engineer)
    pulling.pull(wanted)
    assert wanted.confirmed_how == ""
    pulling.confirm(wanted, engineer)
    assert (wanted.confirmed_how, wanted.confirmed_by) == ("person", engineer)

    kept().unlink()
    server.files["/weights.bin"] = WEIGHTS[::-1]
    with pytest.raises(PullRefused, match="its checksum is"):
        pulling.pull(FetchedModel.objects.get())


def test_a_cut_line_goes_on_where_it_broke(listed, engineer, server):
    server.cut_at = 250_000
    wanted = pulling.ask_for(listed(more=published()), engineer)
    with pytest.raises(PullInterrupted, match="What has arrived is kept"):
        pulling.pull(wanted)
    arrived = kept("weights.bin.part").stat().st_size
    assert 0 < arrived <= 250_000
    assert pulling.pull(wanted)
    assert server.asked == [("/weights.bin", None), ("/weights.bin", f"bytes={arrived}-")]
    assert kept().read_bytes() == WEIGHTS


def test_a_part_of_an_older_version_is_not_gone_on_with(listed, engineer, server):
    server.cut_at = 250_000
    wanted = pulling.ask_for(listed(), engineer)
    with pytest.raises(PullInterrupted):
        pulling.pull(wanted)
    server.files["/weights.bin"] = WEIGHTS[::-1]
    assert pulling.pull(wanted)
    assert kept().read_bytes() == WEIGHTS[::-1]


@pytest.mark.parametrize("forgets", ["ranges", "tags"])
def test_a_server_without_ranges_or_versions_sends_it_all_again(listed, engineer, server, forgets):
    setattr(server, forgets, False)
    server.cut_at = 250_000
    wanted = pulling.ask_for(listed(more=published()), engineer)
    with pytest.raises(PullInterrupted):
        pulling.pull(wanted)
    assert pulling.pull(wanted)
    assert kept().read_bytes() == WEIGHTS


def test_a_slice_of_time_ends_in_the_middle_and_the_next_goes_on(listed, engineer, server):
    server.slowness = 0.05
    wanted, told = pulling.ask_for(listed(more=published()), engineer), []
    slices = 0
    while not pulling.pull(wanted, seconds=0.1, on_bytes=lambda *progress: told.append(progress)):
        slices += 1
    assert slices >= 2
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert told[-1] == ("weights.bin", len(WEIGHTS), len(WEIGHTS))


def test_a_silent_server_is_not_waited_for_for_ever(listed, engineer, server):
    server.slowness = 5.0
    with pytest.raises(PullInterrupted, match="ReadTimeout"):
        pulling.pull(pulling.ask_for(listed(), engineer), patience=0.2)


@pytest.mark.parametrize(
    ("status", "kind", "sentence"),
    [
        (404, PullRefused, "has no such file"),
        (403, PullRefused, "may want an agreement"),
        (418, PullRefused, "status 418"),
        (503, PullInterrupted, "in trouble"),
        (429, PullInterrupted, "busy"),
    ],
)
def test_a_refusal_of_the_server_is_said_in_a_sentence(listed, engineer, server, status, kind, sentence):
    server.status = status
    with pytest.raises(kind, match=sentence):
        pulling.pull(pulling.ask_for(listed(), engineer))


def test_a_web_page_in_place_of_a_file_is_refused(listed, engineer, server):
    server.files["/weights.bin"] = b"\n<!DOCTYPE html><html>Please sign in</html>"
    with pytest.raises(PullRefused, match="answered with a web page"):
        pulling.pull(pulling.ask_for(listed(), engineer))
    assert not kept().exists()


def test_a_redirect_is_followed(listed, engineer, server):
    server.elsewhere["/weights.bin"] = f"{server.url}/there.bin"
    server.files["/there.bin"] = server.files.pop("/weights.bin")
    assert pulling.pull(pulling.ask_for(listed(more=published()), engineer))


def test_a_model_of_several_files_fetches_only_what_is_missing(listed, engineer, server):
    wanted = pulling.ask_for(listed("config.json", "weights.bin"), engineer)
    pulling.pull(wanted)
    kept("config.json").unlink()
    server.asked.clear()
    assert pulling.pull(wanted)
    assert [path for path, _ in server.asked] == ["/config.json"]


def test_with_a_folder_named_no_host_is_asked(listed, engineer, server, settings, tmp_path):
    settings.OFFLINE_MODELS = tmp_path / "stick"
    model = listed(more=published())
    wanted = pulling.ask_for(model, engineer)
    with pytest.raises(PullRefused, match="names a folder without net/weights"):
        pulling.pull(wanted)
    (tmp_path / "stick" / "net").mkdir(parents=True)
    (tmp_path / "stick" / "net" / "weights.bin").write_bytes(WEIGHTS)
    assert pulling.pull(wanted)
    assert wanted.source == str(tmp_path / "stick")
    assert server.asked == []


def test_a_file_from_the_folder_is_checked_like_any_other(listed, engineer, settings, tmp_path):
    settings.OFFLINE_MODELS = tmp_path
    (tmp_path / "weights.bin").write_bytes(WEIGHTS[:-1])
    with pytest.raises(PullRefused, match="its checksum is"):
        pulling.pull(pulling.ask_for(listed(more=published()), engineer))
    assert (tmp_path / "weights.bin").exists()  # the person's own file is left alone


def test_a_speech_model_is_unpacked_to_where_hearing_looks_once_it_is_confirmed(listed, engineer, server, settings):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("vosk-model/conf/mfcc.conf", "--sample-frequency=16000")
        zipped.writestr("../../escaped.txt", "out")
    server.files["/weights.bin"] = archive.getvalue()
    listed()
    text = settings.MODEL_CATALOGUE.read_text()
    settings.MODEL_CATALOGUE = settings.MODEL_CATALOGUE.with_name("speech.toml")
    settings.MODEL_CATALOGUE.write_text(text.replace("files =", 'unpack = "ar"\nfiles ='))
    wanted = pulling.ask_for(catalogue.find("net"), engineer)
    pulling.pull(wanted)
    assert not (settings.VOSK_MODELS / "ar").exists()
    pulling.confirm(wanted, engineer)
    assert (settings.VOSK_MODELS / "ar").is_dir()
    assert all(file.is_relative_to(settings.VOSK_MODELS) for file in settings.MODELS_DIR.parent.rglob("escaped.txt"))


def test_what_comes_from_elsewhere_says_how(engineer):
    with pytest.raises(PullRefused, match="ollama pull"):
        pulling.ask_for(catalogue.find("llama3.2-3b"), engineer)


def test_a_discarded_model_is_gone_with_what_was_known_of_it(listed, engineer):
    wanted = pulling.ask_for(listed(), engineer)
    pulling.pull(wanted)
    pulling.discard(wanted, engineer)
    assert not pulling.folder_of("net").exists()
    assert not FetchedModel.objects.exists()
