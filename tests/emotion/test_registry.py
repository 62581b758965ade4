"""The registry: what it takes, what it refuses and why; which pack serves, who decided it, and the way back."""

import json
import pickle
import struct

import pytest
import torch
from safetensors.torch import load_file, save_file

from clinic.models import AuditEntry
from emotion import services
from emotion.errors import CheckpointRefused, GateRefused, PackRefused, WrongCheckpoint
from emotion.models import Checkpoint, Pack, Promotion
from emotion.services import registry
from tests.emotion import checkpoints

pytestmark = pytest.mark.django_db
REASON = "Shown to the team; better than nothing in the pilot."


@pytest.fixture(autouse=True)
def models_folder(settings, tmp_path):
    settings.MODELS_DIR = tmp_path / "models"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return checkpoints.a_clip_reader_file(tmp_path_factory.mktemp("files") / "tiny.safetensors")


# --- Taking checkpoints ---


def test_a_checkpoint_is_kept_with_its_card_and_hash(file, engineer):
    kept = registry.register_checkpoint(file, by=engineer, name="Tiny")
    assert registry.file_of(kept).read_bytes() == file.read_bytes()
    assert (kept.net, kept.part, kept.origin, kept.added_by) == ("lt", "multimodal", "imported", engineer)
    assert kept.card["metrics"]["test"]["both"]["UAR"] == 0.7
    assert kept.file_sha256 == registry.sha256_of(file)


def test_the_same_file_again_gives_the_row_it_has(file, engineer):
    assert registry.register_checkpoint(file, by=engineer) == registry.register_checkpoint(file)
    assert Checkpoint.objects.count() == 1


def test_guesses_of_single_clips_stay_in_the_file(tmp_path, engineer):
    metrics = {**checkpoints.METRICS, "predictions": {"clips": ["a"], "guesses": {"both": [1]}}}
    kept = checkpoints.a_checkpoint(tmp_path, engineer, metrics=metrics)
    assert "predictions" not in kept.card["metrics"]


def changed(path, file, metadata=None, weights=None):
    """The file with other metadata or weights, nothing else checked."""
    with file.open("rb") as opened:
        (length,) = struct.unpack("<Q", opened.read(8))
        told = json.loads(opened.read(length))["__metadata__"]
    save_file(weights or load_file(file), path, {**told, **(metadata or {})})
    return path


def damaged(path, file):
    path.write_bytes(file.read_bytes()[:-100])
    return path


def without_card(path, file):
    save_file(load_file(file), path)
    return path


def in_another_order(path, file):
    return checkpoints.a_clip_reader_file(path, labels=("calm", "neutral", *checkpoints_labels()[2:]))


def checkpoints_labels():
    from emotion.ml.labels import LABELS

    return LABELS


def with_other_weights(path, file):
    weights = load_file(file)
    name = next(iter(weights))
    return changed(path, file, weights={**weights, name: weights[name] + 1})


def of_an_unknown_net(path, file):
    return _with_card(path, file, net="transmogrifier")


def of_another_size(path, file):
    return _with_card(path, file, config={"net": {"name": "lt", "width": 0.2, "side": 32}})


def with_a_strange_card(path, file):
    return changed(path, file, {"card": json.dumps({"surprise": 1})})


def pickled(path, file):
    torch.save(load_file(file), path)
    return path


def barely_pickled(path, file):
    path.write_bytes(pickle.dumps({"weights": [1.0]}))
    return path


def _with_card(path, file, **fields):
    with file.open("rb") as opened:
        (length,) = struct.unpack("<Q", opened.read(8))
        card = json.loads(json.loads(opened.read(length))["__metadata__"]["card"])
    return changed(path, file, {"card": json.dumps({**card, **fields})})


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (damaged, "is damaged or no safetensors file"),
        (without_card, "carries no card"),
        (in_another_order, "labels in another order: calm, neutral"),
        (with_other_weights, "are not the ones that were saved"),
        (of_an_unknown_net, "No net here is called “transmogrifier”"),
        (of_another_size, "The weights are not those of the net lt"),
        (with_a_strange_card, "not one that this project writes"),
        (pickled, "is a pickle or an archive"),
        (barely_pickled, "is a pickle or an archive"),
    ],
)
def test_what_cannot_be_trusted_is_refused_with_a_sentence(tmp_path, file, make, sentence, engineer):
    with pytest.raises(CheckpointRefused, match=sentence):
        registry.register_checkpoint(make(tmp_path / "wrong.safetensors", file), by=engineer)
    assert not Checkpoint.objects.exists()
    assert not (tmp_path / "models").exists()


# --- Packs ---


def test_a_pack_is_the_starter_with_parts_replaced_and_proven_to_load(file, tmp_path, engineer):
    face = registry.register_checkpoint(checkpoints.an_expression_file(tmp_path / "face.safetensors"), by=engineer)
    both = registry.register_checkpoint(file, by=engineer)
    pack = registry.build_pack(registry.make_pack("pilot", [face, both], engineer))
    assert len(pack.sha256) == 64
    assert pack.versions["multimodal"].startswith("lt: tiny")
    assert "Silero" in pack.versions["voice-activity"]  # the starter's own


@pytest.mark.parametrize(
    ("name", "chosen", "sentence"),
    [
        ("empty", [], "without any this is the starter"),
        ("starter", [0], "There is a pack starter already"),
        ("twice", [0, 1], "for the same part"),
        ("useless", [2], "reads no recording"),
    ],
)
def test_a_pack_that_makes_no_sense_is_refused(engineer, name, chosen, sentence):
    rows = [checkpoints.a_made_pack(engineer, kind).checkpoints.get() for kind in ("a", "b", "c")]
    Checkpoint.objects.filter(pk=rows[2].pk).update(net="mmer")
    rows = [Checkpoint.objects.get(pk=row.pk) for row in rows]
    with pytest.raises(PackRefused, match=sentence):
        registry.make_pack(name, [rows[index] for index in chosen], engineer)


def test_a_pack_whose_file_is_gone_says_so(engineer):
    with pytest.raises(PackRefused, match="is gone"):
        registry.build_pack(checkpoints.a_made_pack(engineer, "ghost"))


# --- Which pack serves ---


def test_the_gate_wants_a_written_reason_where_the_cards_do_not_prove_enough(engineer):
    pack = checkpoints.a_made_pack(engineer, "first")
    for reason in ("", "because"):
        with pytest.raises(GateRefused, match="Write down why"):
            registry.promote(pack, engineer, reason)
    assert registry.serving_pack() is None

    promotion = registry.promote(pack, engineer, REASON)
    assert registry.serving_pack() == pack
    assert (promotion.by, promotion.reason) == (engineer, REASON)
    assert [check["name"] for check in promotion.verdict if not check["passed"]] == ["against the serving pack"]
    assert AuditEntry.objects.filter(verb="promote against the gate", subject=pack.subject).exists()


def test_a_better_pack_on_the_same_protocol_needs_no_reason_and_a_worse_one_does(engineer):
    registry.promote(checkpoints.a_made_pack(engineer, "first"), engineer, REASON)
    better = checkpoints.a_made_pack(engineer, "better", {"test": {"both": {"UAR": 0.75, "ECE": 0.05}}})
    assert registry.promote(better, engineer).reason == ""
    with pytest.raises(GateRefused):
        registry.promote(checkpoints.a_made_pack(engineer, "worse"), engineer)


def test_rolling_back_goes_step_by_step_to_the_starter(engineer):
    first, second = (checkpoints.a_made_pack(engineer, name) for name in ("first", "second"))
    registry.promote(first, engineer, REASON)
    registry.promote(second, engineer, REASON)
    undone = registry.roll_back(engineer)
    assert (undone.pack, undone.undone_by) == (second, engineer)
    assert registry.serving_pack() == first
    registry.roll_back(engineer)
    assert registry.serving_pack() is None
    with pytest.raises(PackRefused, match="nothing to go back to"):
        registry.roll_back(engineer)
    assert Promotion.objects.count() == 2  # it did happen
    assert AuditEntry.objects.filter(verb="roll back").count() == 2


def test_a_pack_that_no_worker_has_loaded_cannot_serve_nor_one_that_does_already(engineer):
    pack = checkpoints.a_made_pack(engineer, "first")
    Pack.objects.update(sha256="")
    with pytest.raises(PackRefused, match="nobody knows whether it works"):
        registry.promote(pack, engineer, REASON)
    Pack.objects.update(sha256="ab" * 32)
    registry.promote(pack, engineer, REASON)
    with pytest.raises(PackRefused, match="serves already"):
        registry.promote(pack, engineer, REASON)


def test_a_worker_notices_a_promotion_and_a_roll_back_without_a_restart(tmp_path, engineer, django_assert_num_queries):
    before = services.recogniser()
    assert before.pack == "starter"
    pack = checkpoints.a_built_pack(tmp_path, engineer)
    registry.promote(pack, engineer, REASON)
    promoted = services.recogniser()
    assert (promoted.pack, promoted.pack_sha256) == ("tiny", pack.sha256)
    with django_assert_num_queries(1):
        assert services.recogniser() is promoted
    registry.roll_back(engineer)
    assert services.recogniser() is before


def test_a_pack_whose_files_were_changed_reads_nothing(tmp_path, engineer):
    pack = checkpoints.a_built_pack(tmp_path, engineer, name="tampered", seed=2)
    registry.promote(pack, engineer, REASON)
    other = checkpoints.a_clip_reader_file(tmp_path / "other.safetensors", seed=3)
    place = registry.folder_of(pack) / "multimodal.safetensors"
    place.unlink()
    place.write_bytes(other.read_bytes())
    with pytest.raises(WrongCheckpoint, match="not the ones that were put to work"):
        services.recogniser()
