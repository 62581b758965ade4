"""The study from a terminal, through the official client and Ollama's wire protocol."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from reports.study.rows import Study
from tests.ollama_server import serving
from tests.reports.study_cases import some_cases

pytestmark = pytest.mark.django_db


def say(request: dict) -> str:
    """A model that needs the labels; another that grades by the first letter."""
    asked = request["messages"][-1]["content"]
    if '"answer": "' in asked and '"right": "' in asked:
        return json.dumps({"verdict": "yes" if '"answer": "Panic' in asked else "no"})
    return json.dumps({"diagnosis": "Panic disorder" if "emotions" in asked else "Asthma", "code": "F41.0"})


@pytest.fixture
def ollama(settings):
    with serving(say, models=("llama3.2:3b", "judge:1b")) as server:
        settings.OLLAMA_HOST, settings.OLLAMA_MODEL, settings.OLLAMA_TIMEOUT = server.url, "llama3.2:3b", 20.0
        yield server


def study(*arguments: str) -> str:
    said = StringIO()
    call_command("study", *arguments, stdout=said)
    return said.getvalue()


def test_run_grade_and_report(ollama, engineer, tmp_path):
    file = tmp_path / "cases.json"
    file.write_text(some_cases(2).model_dump_json())
    said = study("run", "Pilot", "--by", engineer.email, "--cases", str(file), "--runs", "2", "--seed", "5")
    made = Study.objects.get()
    assert f"Study {made.pk}, Pilot: done, 8 of 8 answers, 0 failed." in said
    assert [request["options"]["seed"] for request in ollama.asked[:4]] == [5, 5, 6, 6]
    assert ollama.asked[0]["model"] == "llama3.2:3b"
    graded = study("grade", str(made.pk), "--model", "judge:1b")
    assert ollama.asked[-1]["model"] == "judge:1b"
    assert "Graded by ollama judge:1b (a model), 8 of 8 answers" in graded
    assert "With labels:    100.00 % of 2 cases" in graded
    assert json.loads(study("report", str(made.pk), "--json"))["results"][0]["is_model"]
    assert len(study("report", str(made.pk), "--csv").splitlines()) == 9
    assert "Pilot" in study("list")


def test_a_model_that_is_not_there_is_named_and_going_on_finishes(ollama, engineer):
    with pytest.raises(CommandError, match="missing:1b"):
        study("run", "Pilot", "--by", engineer.email, "--model", "missing:1b")
    made = Study.objects.get()
    ollama.models = (*ollama.models, "missing:1b")
    assert "24 of 24 answers" in study("go-on", str(made.pk))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "Pilot", "--by", "nobody@clinic.example"], "no engineer"),
        (["report", "77"], "no study 77"),
        (["grade", "77", "--model", "x"], "no study 77"),
    ],
    ids=["who", "which", "grade"],
)
def test_what_cannot_be_done_is_a_sentence(arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        study(*arguments)


def test_a_file_that_is_not_there_is_a_sentence(engineer):
    with pytest.raises(CommandError, match="No such file"):
        study("run", "Pilot", "--by", engineer.email, "--cases", "/nowhere.json")
