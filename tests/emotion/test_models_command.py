"""`manage.py models`: the operator's way to fetch models and to take checkpoints."""

import hashlib
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from emotion.models import Checkpoint, FetchedModel
from emotion.services import pulling
from tests.emotion import checkpoints

pytestmark = pytest.mark.django_db
WEIGHTS = b"weights" * 1000
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()


@pytest.fixture(autouse=True)
def brought_by_hand(settings, tmp_path):
    settings.MODELS_DIR = tmp_path / "models"
    settings.OFFLINE_MODELS = tmp_path / "stick"
    settings.MODEL_CATALOGUE = tmp_path / "list.toml"
    settings.MODEL_CATALOGUE.write_text(
        '[[model]]\nname = "net"\ntitle = "A net"\nkind = "voice"\nlicence = "MIT"\norigin = "a stick"\n'
        'use = "Tests."\ntrained_on = ["nothing"]\nfiles = [{ name = "w.bin", url = "https://models.example/w.bin" }]\n'
    )
    settings.OFFLINE_MODELS.mkdir()
    (settings.OFFLINE_MODELS / "w.bin").write_bytes(WEIGHTS)


def models(*arguments: str) -> str:
    told = StringIO()
    call_command("models", *arguments, stdout=told)
    return told.getvalue()


def test_the_list_says_what_is_here(engineer):
    assert "net                              –              A net" in models("list")
    models("pull", "net", "--trust", SHA256)
    assert "net                              here" in models("list")


def test_an_expected_checksum_takes_the_model(engineer):
    assert "Its checksum is written down" in models("pull", "net", "--trust", SHA256.upper())
    assert FetchedModel.objects.get().confirmed_by == engineer
    assert "the checksum that engineer@clinic.example confirmed" in models("pull", "net")


def test_another_checksum_than_expected_deletes_what_came(engineer):
    with pytest.raises(CommandError, match="has been deleted"):
        models("pull", "net", "--trust", "00" * 32)
    assert not pulling.folder_of("net").exists()


def test_without_a_person_at_the_keyboard_nothing_is_trusted_by_itself(engineer):
    with pytest.raises(CommandError, match="kept but not used"):
        models("pull", "net")
    assert FetchedModel.objects.get().confirmed_how == ""


def test_an_unknown_name_points_to_the_list(engineer):
    with pytest.raises(CommandError, match="models list"):
        models("pull", "nett")


def test_somebody_must_have_asked(db):
    with pytest.raises(CommandError, match="--by E-MAIL"):
        models("pull", "net")


def test_a_checkpoint_is_taken_from_a_file(engineer, tmp_path):
    file = checkpoints.a_clip_reader_file(tmp_path / "tiny.safetensors")
    assert models("import", str(file), "--name", "Pilot").startswith("Pilot: lt, sha256 ")
    assert Checkpoint.objects.get().added_by == engineer
    (tmp_path / "letter.txt").write_text("Dear all")
    with pytest.raises(CommandError, match="damaged or no safetensors"):
        models("import", str(tmp_path / "letter.txt"))
