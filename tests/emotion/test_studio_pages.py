"""The engineer's pages for training: a form made from the config's schema, refusals at the field, a run's page."""

import re
import sys
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from clinic.models import AuditEntry
from emotion.forms import ConfigForm
from emotion.ml.training.config import TrainingConfig
from emotion.ml.training.presets import RECIPES, preset
from emotion.models import Device, SavedConfig, TrainingRun
from emotion.schema import flat
from emotion.services import checks
from tests import factories
from tests.emotion.training_configs import tiny

pytestmark = pytest.mark.django_db
NEW = "/training/new/"


@pytest.fixture
def page(client, engineer):
    client.force_login(engineer)

    def get(address: str) -> str:
        response = client.get(address)
        assert response.status_code == 200, f"{address}: {response.status_code}"
        return response.content.decode()

    return get


def a_device(memory: float = 16e9, name: str = "here/cpu") -> Device:
    return Device.objects.create(name=name, title="8 cores", memory=memory, free=memory / 2, seen_at=timezone.now())


def typed(config: TrainingConfig | None = None, name: str = "My run", **changes: str) -> dict[str, str]:
    """What a browser sends of the form that shows this config, with some fields typed anew."""
    form = ConfigForm((config or tiny()).model_dump(mode="json"))
    shown = {name: form[name].value() for name in form.places}
    sent = {f"config-{name}": value for name, value in shown.items() if value not in (None, False)}
    return {**sent, "name": name, **{f"config-{name.replace('__', '.')}": value for name, value in changes.items()}}


def send(client, do: str, **fields: str):
    return client.post(NEW, {**typed(**fields), "do": do})


# --- The form ---


def test_every_value_of_the_config_has_a_field_with_its_title_explanation_and_range(page):
    html = page(NEW)
    for place in ConfigForm({}).places.values():
        assert f'name="config-{place.name}"' in html
        assert place.title in html
    assert "How often each clip is seen" in html
    assert "1 to 2,000; usually 30" in html


@pytest.mark.parametrize("net", RECIPES)
def test_every_recipe_goes_through_the_form_and_comes_out_as_it_was(net):
    recipe = preset(net)
    form = ConfigForm(typed=typed(recipe))
    assert form.is_valid(), form.errors
    assert form.config
    came_out, went_in = flat(form.config.model_dump()), flat(recipe.model_dump())
    differing = {name for name in went_in if came_out[name] != went_in[name]}
    assert differing <= ({"augmentation"} if net == "voice-small" else set()), "but what a net without faces ignores"


@pytest.mark.parametrize(
    ("changes", "place", "sentence"),
    [
        ({"corpus__name": "ravdess", "corpus__folder": "/nowhere/at/all"}, "corpus.folder", "there is no folder"),
        ({"corpus__name": "ravdess", "corpus__folder": ""}, "corpus.folder", "Say where RAVDESS"),
        ({"epochs": "0"}, "epochs", "greater than or equal to 1"),
        ({"epochs": ""}, "epochs", "required"),
        ({"epochs": "many"}, "epochs", "valid integer"),
        ({"learning_rate": "10"}, "learning_rate", "less than or equal to 1"),
        ({"net__name": "perceptron"}, "net.name", "Input should be"),
        ({"device": "abacus"}, "device", "match pattern"),
        ({"device": "cuda:3"}, "device", "No worker has this device. There is: cpu."),
        ({"batch_size": "512", "net__name": "enhanced", "net__encoder": "xlsr-large"}, "batch_size", "GB of memory"),
        ({"corpus__fold": "6", "corpus__name": "meld"}, "corpus.fold", "1 fold"),
    ],
)
def test_what_cannot_run_is_refused_at_its_field_with_a_sentence(client, engineer, page, changes, place, sentence):
    a_device()
    response = send(client, "start", **changes)
    assert response.status_code == 422
    html = response.content.decode()
    at_field = re.search(rf'id="id_config-{re.escape(place)}_error">(.*?)</div>', html, re.DOTALL)
    assert at_field, "the sentence stands at its field"
    assert sentence in at_field[1]
    assert f'href="#id_config-{place}"' in html, "the summary leads there"
    assert not TrainingRun.objects.exists()
    assert 'value="My run"' in html, "what was typed is kept"


def test_a_run_without_a_name_is_refused(client, engineer, page):
    response = send(client, "start", name=" ")
    assert response.status_code == 422
    assert not TrainingRun.objects.exists()


def test_a_check_shows_the_split_the_memory_and_the_time(client, engineer, page):
    a_device()
    html = send(client, "check").content.decode()
    assert "This can run" in html
    for part in ("to learn from", "to choose by", "to report on"):
        assert part in html
    assert "of memory, on 8 cores with" in html
    assert "at the most, for" in html
    assert not TrainingRun.objects.exists()


def test_a_server_without_what_reads_corpora_leaves_that_to_the_worker(db):
    told = (sys.executable, "-c", "import a_module_that_is_not_here")
    checked = checks.check(tiny(), told)
    assert (checked.problems, checked.corpora) == ({}, [])
    assert checked.needs
    assert checked.needs.memory > 0


def test_what_starts_waits_in_the_queue_and_the_start_is_noted(client, engineer, page):
    response = send(client, "start")
    run = TrainingRun.objects.get()
    assert response["Location"] == f"/training/runs/{run.pk}/"
    assert (run.state, run.name, run.started_by) == ("queued", "My run", engineer)
    assert TrainingConfig.checked(run.config) == tiny()
    assert AuditEntry.objects.filter(verb="train", subject=f"training-run:{run.pk}").exists()
    assert "place 1" in page(response["Location"])


def test_what_does_not_matter_with_the_chosen_net_is_left_to_its_default(client, engineer, page):
    """Another net was chosen after a recipe was loaded: its modality dropout no longer applies."""
    form = ConfigForm(typed=typed(preset("lt"), net__name="voice-small"))
    assert form.is_valid(), form.errors
    assert form.config
    assert form.config.modality_dropout == "none"


def test_phases_are_added_and_removed_without_losing_what_was_typed(client, engineer, page):
    added = client.post(NEW, {**typed(epochs="77"), "do": "add:phases"}).content.decode()
    assert 'name="config-phases.0.number"' in added
    assert 'value="77"' in added
    two = {**typed(preset("wav2vec2")), "do": "remove:phases.0"}
    html = client.post(NEW, two).content.decode()
    assert 'name="config-phases.0.number"' in html
    assert 'name="config-phases.1.number"' not in html


# --- Kept, copied, exported ---


def test_a_config_is_kept_loaded_changed_and_forgotten(client, engineer, page):
    kept_at = send(client, "save", name="Mine", epochs="5")["Location"]
    kept = SavedConfig.objects.get()
    assert kept.values["epochs"] == 5
    assert 'value="5"' in page(kept_at)
    client.post(NEW, {**typed(name="Mine", epochs="6"), "do": "save", "saved": kept.pk})
    assert SavedConfig.objects.get().values["epochs"] == 6
    client.post(f"/training/configs/{kept.pk}/forget/")
    assert not SavedConfig.objects.exists()


def test_a_kept_config_is_not_lost_to_another_of_its_name(client, engineer, page):
    send(client, "save", name="Mine", epochs="5")
    refused = send(client, "save", name="Mine", epochs="6")
    assert refused.status_code == 422
    assert "kept already" in refused.content.decode()
    assert SavedConfig.objects.get().values["epochs"] == 5


def test_the_toml_that_is_exported_is_the_one_that_is_read(client, engineer, page):
    exported = send(client, "toml", epochs="9")
    assert 'filename="my-run.toml"' in exported["Content-Disposition"]
    assert TrainingConfig.from_toml(exported.content.decode()) == tiny(epochs=9)
    file = SimpleUploadedFile("config.toml", exported.content)
    read = client.post("/training/import/", {"file": file})
    assert read.status_code == 200
    assert 'name="config-epochs" value="9"' in read.content.decode()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("epochs = ", "not TOML"),
        ("epochs = 0", "epochs: Input should be greater"),
        ("colour = 'red'", "colour: There is no such setting."),
        ("", "Choose a TOML file"),
    ],
)
def test_a_toml_that_is_none_is_refused_with_a_sentence(client, engineer, page, text, sentence):
    response = client.post("/training/import/", {"text": text})
    assert response.status_code == 422
    assert sentence in response.content.decode()


def test_a_file_that_is_no_text_is_refused(client, engineer, page):
    response = client.post("/training/import/", {"file": SimpleUploadedFile("x.toml", b"\xff\xfe\x00")})
    assert "no text" in response.content.decode()


def test_a_run_can_be_copied_and_its_config_exported(client, engineer, page):
    run = factories.a_training_run(engineer, config=tiny(epochs=8), name="Old")
    assert 'name="config-epochs" value="8"' in page(f"{NEW}?from=run:{run.pk}")
    assert TrainingConfig.from_toml(page(f"/training/runs/{run.pk}/config.toml")) == tiny(epochs=8)


def test_what_one_wanted_to_start_from_may_be_gone(page):
    assert "not there any more" in page(f"{NEW}?from=saved:4711")


# --- A run ---


def test_a_run_shows_where_it_is_what_it_warns_of_and_what_is_taken_for_what(engineer, page):
    now = {"epoch": 4, "step": 3, "steps": 9, "loss": 1.25, "memory": 5e8, "seconds_left": 3700, "share": 0.5}
    later = timezone.now() + timedelta(hours=1)
    run = factories.a_training_run(
        engineer, epochs=3, state="running", device="here/cpu", owner="x:1:y", leased_until=later, now=now
    )
    run.epochs.filter(number=3).update(warnings=["Never predicted: calm."], is_best=True)
    html = page(f"/training/runs/{run.pk}/")
    for shown in ("3 of 9", "1.250", "1 h 1 min", "Never predicted: calm.", "epoch 3", 'id="stop"', "here/cpu"):
        assert shown in html, shown
    part = page(f"/training/runs/{run.pk}/?part")
    assert "<html" not in part
    assert 'id="run-confusion"' in part


def test_a_failed_run_says_why_and_can_go_on(client, engineer, page, settings, tmp_path):
    settings.RUNS_DIR = tmp_path
    run = factories.a_training_run(engineer, epochs=1, state="failed", reason="The memory of cpu was not enough.")
    assert "The memory of cpu was not enough." in page(f"/training/runs/{run.pk}/")
    client.post(f"/training/runs/{run.pk}/resume/")
    run.refresh_from_db()
    assert run.state == "queued"
    client.post(f"/training/runs/{run.pk}/stop/")
    client.post(f"/training/runs/{run.pk}/discard/")
    assert not TrainingRun.objects.exists()


def test_a_verb_that_comes_too_late_gets_a_sentence(client, engineer, page):
    run = factories.a_training_run(engineer, state="done")
    response = client.post(f"/training/runs/{run.pk}/stop/", follow=True)
    assert "nothing to stop" in response.content.decode()


def test_the_log_of_a_run_is_shown_and_empty_before_it_began(engineer, page, settings, tmp_path):
    settings.RUNS_DIR = tmp_path
    run = factories.a_training_run(engineer)
    assert page(f"/training/runs/{run.pk}/log.txt") == ""
    (tmp_path / str(run.key)).mkdir()
    (tmp_path / str(run.key) / "log.txt").write_text("Epoch 1\n")
    assert page(f"/training/runs/{run.pk}/log.txt") == "Epoch 1\n"


def test_every_epoch_stands_in_a_table(engineer, page):
    run = factories.a_training_run(engineer, epochs=120)
    first, second = page(f"/training/runs/{run.pk}/epochs/"), page(f"/training/runs/{run.pk}/epochs/?page=2")
    assert first.count("<tr>") == 101
    assert second.count("<tr>") == 21
    assert "Loss, validation" in first


def test_more_runs_cost_no_more_queries(client, engineer, page, django_assert_max_num_queries):
    def queries_of_list() -> int:
        with django_assert_max_num_queries(40) as counted:
            page("/training/")
        return len(counted)

    factories.a_training_run(engineer)
    before = queries_of_list()
    for number in range(10):
        factories.a_training_run(engineer, name=f"Run {number}")
    assert queries_of_list() == before


# --- Side by side ---


def results(right: int) -> dict:
    """Of 48 clips by three actors, each class guessed right for this many of an actor's 16."""
    clips = [(f"{actor}-{clip}", actor, clip % 8) for actor in ("01", "02", "03") for clip in range(16)]
    guesses = [label if int(name[3:]) < right else (label + 1) % 8 for name, _actor, label in clips]
    predictions = {
        "clips": [name for name, *_ in clips],
        "speakers": [actor for _name, actor, _label in clips],
        "labels": [label for *_, label in clips],
        "guesses": {"both": guesses},
    }
    test = {"both": {"clips": 48, "UAR": right / 16, "ECE": 0.05}}
    return {"test": test, "predictions": predictions, "intervals": {"both": [0.1, 0.9]}, "epoch": 3}


def test_two_runs_stand_side_by_side_with_what_differs_and_whether_it_says_anything(engineer, page):
    first = factories.a_training_run(engineer, epochs=2, name="Narrow", state="done", results=results(8))
    second = factories.a_training_run(
        engineer, epochs=2, name="Wide", config=tiny(batch_size=32), state="done", results=results(16)
    )
    html = page(f"/training/compare/?run={first.pk}&run={second.pk}")
    assert "Wide is better by 50.0 points of UAR" in html
    assert "Batch size" in html
    assert "Optimiser" not in html
    assert "0.100 – 0.900" in html
    assert html.count('<th scope="row">01</th>') == 1
    same = page(f"/training/compare/?run={first.pk}&run={first.pk}&run={second.pk}")
    assert "Wide is better" in same
    again = factories.a_training_run(engineer, epochs=2, name="Again", state="done", results=results(8))
    html = page(f"/training/compare/?run={first.pk}&run={again.pk}")
    assert "inside the noise" in html
    assert "these runs have the same config" in html


def test_a_run_that_is_not_done_is_compared_by_its_curves_alone(engineer, page):
    first = factories.a_training_run(engineer, epochs=2, name="Done", state="done", results=results(8))
    second = factories.a_training_run(engineer, epochs=2, name="Fresh")
    html = page(f"/training/compare/?run={first.pk}&run={second.pk}")
    assert "Fresh is not done, so it has no test results yet." in html
    assert html.count("data-curves=") == 2


def test_with_fewer_than_two_runs_the_page_says_what_to_do(engineer, page):
    assert "There are not two runs yet" in page("/training/compare/")
    factories.a_training_run(engineer)
    factories.a_training_run(engineer)
    assert "Choose two or more." in page("/training/compare/?run=notanumber")
