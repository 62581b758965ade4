"""Pages and API of models and trials: engineers only, each her own trials, and a sentence for each refusal."""

import json
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from clinic.models import User
from emotion.models import FetchedModel, Pack, Promotion, Trial, Upload
from emotion.registry_urls import api_patterns, page_patterns
from emotion.services import registry, store_reading, trying
from tests import factories
from tests.emotion import checkpoints
from tests.emotion.test_services import a_reading

pytestmark = pytest.mark.django_db
REASON = "Tried on the made corpus."


@pytest.fixture(autouse=True)
def models_folder(settings, tmp_path):
    settings.MODELS_DIR = tmp_path / "models"


@pytest.fixture
def pack(engineer) -> Pack:
    return checkpoints.a_made_pack(engineer, "pilot")


@pytest.fixture
def trial(engineer) -> Trial:
    trial = Trial.objects.create(owner=engineer, kind="clip", expires_at="2099-01-01T00:00Z")
    store_reading(a_reading(7), trial.pk, trial.key)
    return trial


@pytest.fixture
def page(client, engineer):
    client.force_login(engineer)
    return client


def addresses(pack: Pack, trial: Trial, upload: Upload) -> list[str]:
    """Every address of models and trials, with rows that exist."""
    rows = {"checkpoints": pack.checkpoints.get().pk, "packs": pack.pk, "catalogue": "vosk-ar", "try": trial.pk}
    rows |= {"trials": trial.pk, "uploads": upload.pk, "imports": upload.pk, "media": 0, "parts": 0}
    found = [f"/{pattern.pattern}" for pattern in page_patterns] + [
        f"/api/{pattern.pattern}" for pattern in api_patterns
    ]
    found += ["/api/", "/api/openapi.json", "/api/openapi.yaml"]
    filled = []
    for route in found:
        words = route.split("/")
        filled.append(
            "/".join(str(rows[words[i - 1]]) if word.startswith("<") else word for i, word in enumerate(words))
        )
    return filled


@pytest.mark.parametrize("role", ["signed out", User.Role.PATIENT, User.Role.CLINICIAN, User.Role.ADMIN])
def test_to_everybody_else_there_is_nothing_at_any_of_these_doors(engineer, pack, trial, role):
    FetchedModel.objects.create(name="vosk-ar")
    upload, client = trying.open_upload(engineer, 5, "x"), Client()
    if role != "signed out":
        client.force_login(factories.a_user(role))
    told = {}
    for address in addresses(pack, trial, upload):
        for method in ("get", "post", "put", "delete"):
            response = getattr(client, method)(address, content_type="application/json")
            if role == "signed out":
                sent_away = response.status_code == 302 and "/accounts/login/" in response["Location"]
                fine = sent_away or response.status_code in (403, 405)
            else:
                fine = response.status_code in (404, 405)
            if not fine:
                told[f"{method} {address}"] = response.status_code
    assert told == {}
    assert not Promotion.objects.exists()
    assert Trial.objects.exists()
    assert Upload.objects.exists()


def test_another_engineer_does_not_see_a_trial_nor_a_file_on_its_way(engineer, trial):
    upload, client = trying.open_upload(engineer, 5), Client()
    client.force_login(factories.a_user(User.Role.ENGINEER))
    for address in (
        reverse("emotion:trial", args=[trial.pk]),
        reverse("emotion:trial_timeline", args=[trial.pk]),
        reverse("emotion:trial_media", args=[trial.pk, 0]),
        f"/api/trials/{trial.pk}/",
        f"/api/trials/{trial.pk}/reading/",
        f"/api/uploads/{upload.pk}/",
    ):
        assert client.get(address).status_code == 404, address
    assert client.delete(f"/api/trials/{trial.pk}/").status_code == 404
    assert client.post(reverse("emotion:delete_trial", args=[trial.pk])).status_code == 404
    assert client.get("/api/trials/").json() == []


# --- Pages ---


@pytest.mark.parametrize("name", ["registry", "catalogue", "new_pack", "trials"])
def test_each_page_opens_with_nothing_in_it_and_with_something(page, pack, trial, name):
    assert page.get(reverse(f"emotion:{name}")).status_code == 200
    Promotion.objects.all().delete()
    Pack.objects.all().delete()
    Trial.objects.all().delete()
    assert page.get(reverse(f"emotion:{name}")).status_code == 200


def test_ten_more_packs_cost_no_more_queries(page, engineer, pack, django_assert_max_num_queries):
    def count() -> int:
        with django_assert_max_num_queries(40) as counted:
            page.get(reverse("emotion:registry"))
        return len(counted)

    before = count()
    for number in range(10):
        checkpoints.a_made_pack(engineer, f"more-{number}")
    assert count() == before


def test_the_gate_refuses_on_the_page_and_takes_a_written_reason(page, engineer, pack):
    shown = page.get(reverse("emotion:pack", args=[pack.pk])).content.decode()
    assert "no figures on the same protocol" in shown
    address = reverse("emotion:promote", args=[pack.pk])
    refused = page.post(address, {"reason": "just so"})
    assert refused.status_code == 422
    assert "Write down why it should serve" in refused.content.decode()
    page.post(address, {"reason": REASON})
    assert registry.serving_pack() == pack
    assert REASON in page.get(reverse("emotion:registry")).content.decode()
    page.post(reverse("emotion:roll_back"))
    assert registry.serving_pack() is None
    assert "nothing to go back to" in page.post(reverse("emotion:roll_back"), follow=True).content.decode()


def test_a_pack_starts_from_the_one_that_serves_with_the_asked_checkpoint_in_its_place(page, engineer, pack):
    registry.promote(pack, engineer, REASON)
    form = page.get(reverse("emotion:new_pack")).context["form"]
    assert form.initial["multimodal"] == pack.checkpoints.get()
    other = checkpoints.a_made_pack(engineer, "other").checkpoints.get()
    asked = page.get(reverse("emotion:new_pack"), {"checkpoint": other.pk}).context["form"]
    assert (asked.initial["multimodal"], asked.initial["name"]) == (other, "net-of-other")


def test_a_pack_without_parts_or_with_a_taken_name_is_refused_at_the_form(page, pack):
    for typed, sentence in (
        ({"name": "empty"}, "Choose at least one checkpoint"),
        ({"name": "pilot", "multimodal": pack.checkpoints.get().pk}, "There is a pack pilot already"),
        ({"name": "not a name"}, "valid “slug”"),
    ):
        response = page.post(reverse("emotion:new_pack"), typed)
        assert (response.status_code, sentence in response.content.decode()) == (422, True), sentence


def test_the_catalogue_says_what_each_model_has_seen_and_how_to_get_the_rest(page):
    shown = page.get(reverse("emotion:catalogue")).content.decode()
    assert "It has heard or seen clips of RAVDESS" in shown
    assert "ollama pull llama3.2:3b" in shown
    assert "you are asked to confirm the one computed here" in shown


def test_what_was_fetched_without_a_published_checksum_asks_to_be_confirmed(page, engineer):
    fetched = FetchedModel.objects.create(
        name="wav2small", checksums={"model.safetensors": "ab" * 32}, asked_by=engineer
    )
    shown = page.get(reverse("emotion:catalogue")).content.decode()
    assert "ab" * 32 in shown
    assert reverse("emotion:confirm", args=["wav2small"]) in shown
    refused = page.post(reverse("emotion:confirm", args=["wav2small"]), follow=True)
    assert "has not been fetched whole yet" in refused.content.decode()  # the file itself is not there
    fetched.refresh_from_db()
    assert fetched.confirmed_how == ""


def test_a_trial_shows_its_timeline_its_probabilities_and_its_pack(page, trial):
    shown = page.get(reverse("emotion:trial", args=[trial.pk])).content.decode()
    assert "sad 100 %" in shown
    assert "ab" * 32 in shown
    lanes = page.get(reverse("emotion:trial_timeline", args=[trial.pk])).json()
    assert len(lanes["at"]) == 35


def test_without_scripts_a_file_comes_with_the_form_itself(page, tmp_path, django_capture_on_commit_callbacks):
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear all")
    for name, field, sentence in (
        ("trials", "brought", "This file is not a video or sound recording"),
        ("import_checkpoint", "file", "letter.txt is damaged or no safetensors file."),
    ):
        with letter.open("rb") as file, django_capture_on_commit_callbacks(execute=True):
            response = page.post(reverse(f"emotion:{name}"), {field: file})
        assert sentence in page.get(response["Location"]).content.decode()


# --- API ---


def send(page, method: str, address: str, told=None):
    body = {} if told is None else {"data": json.dumps(told), "content_type": "application/json"}
    return getattr(page, method)(f"/api/{address}", **body)


def test_a_clip_goes_in_parts_is_read_and_comes_back_as_json(
    page, settings, tmp_path, django_capture_on_commit_callbacks
):
    from tests.emotion.ml.recordings import spoken, write

    clip = write(tmp_path / "voice.webm", None, spoken("two_cities.wav", 2)).read_bytes()
    settings.MAX_CHUNK_BYTES = 4_000
    upload = send(page, "post", "uploads/", {"size": len(clip)}).json()
    assert upload["parts"] == -(-len(clip) // 4_000)
    for number in range(upload["parts"]):
        part = clip[number * 4_000 : (number + 1) * 4_000]
        address = f"/api/uploads/{upload['id']}/parts/{number}"
        assert page.put(address, part, content_type="application/octet-stream").status_code == 204
    with django_capture_on_commit_callbacks(execute=True):
        trial = send(page, "post", "trials/", {"uploads": [upload["id"]]}).json()
    assert send(page, "get", f"trials/{trial['id']}/").json()["work"] == {"state": "done", "percent": 100, "reason": ""}
    read = send(page, "get", f"trials/{trial['id']}/reading/").json()
    assert (read["pack"], len(read["labels"]), len(read["points"])) == ("starter", 8, 11)
    assert read["failures"]["face"].startswith("The recording has no picture")
    assert send(page, "delete", f"trials/{trial['id']}/").status_code == 204
    assert send(page, "get", f"trials/{trial['id']}/reading/").status_code == 404


def test_a_part_of_the_wrong_length_is_refused_with_a_sentence(page, engineer):
    upload = trying.open_upload(engineer, 5)
    response = page.put(f"/api/uploads/{upload.pk}/parts/0", b"abc", content_type="application/octet-stream")
    assert response.status_code == 409
    assert response.json() == {"detail": "Part 0 should have 5 bytes and has 3.", "code": "TrialRefused"}


def test_a_pack_is_judged_promoted_and_taken_back_by_json(page, pack):
    told = send(page, "get", f"packs/{pack.pk}/").json()
    assert [check["name"] for check in told["gate"] if not check["passed"]] == ["against the serving pack"]
    refused = send(page, "post", f"packs/{pack.pk}/promote/", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "GateRefused")
    assert send(page, "post", f"packs/{pack.pk}/promote/", {"reason": REASON}).json()["name"] == "pilot"
    assert send(page, "get", "packs/serving/").json()["pack"]["name"] == "pilot"
    assert send(page, "post", "packs/roll-back/").json() == {"name": "starter", "pack": None}
    assert send(page, "post", "packs/roll-back/").status_code == 409


def test_checkpoints_and_the_catalogue_are_listed(page, pack):
    (told,) = send(page, "get", "checkpoints/").json()
    whole = send(page, "get", f"checkpoints/{told['id']}/").json()
    assert whole["figures"][0]["uar"] == 0.7
    names = [shelf["model"]["name"] for shelf in send(page, "get", "catalogue/").json()]
    assert "vosk-ar" in names
    assert send(page, "get", "catalogue/vosk-ar/").json()["fetched"] is None
    assert send(page, "post", "catalogue/llama3.2-3b/pull/").json()["detail"].startswith("Ollama brings it itself")
    assert send(page, "get", f"trials/{uuid4()}/").status_code == 404
