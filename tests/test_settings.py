"""A missing or senseless setting stops the start with a sentence that names it; the example file lists them all."""

import ast
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from environs import EnvError

ROOT = Path(__file__).parent.parent
GOOD = {"SECRET_KEY": "k", "MASTER_KEYS": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "ENV_FILE": os.devnull}
PLAIN = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


@pytest.fixture
def read(monkeypatch, tmp_path):
    """The settings file, read with nothing in the environment but this; None takes a variable away."""

    def read(**environment: str | None) -> dict:
        told = {**PLAIN, **GOOD, "ANAMNESIS_VAR": str(tmp_path), **environment}
        monkeypatch.setattr(os, "environ", {name: value for name, value in told.items() if value is not None})
        return runpy.run_path(str(ROOT / "clinic/config/settings.py"))

    return read


def test_the_two_secrets_are_enough_to_start(read):
    assert read()["SITE_URL"] == "http://127.0.0.1:8000"


def test_what_stops_the_start_is_told_in_one_sentence_and_no_traceback(tmp_path):
    told = {**PLAIN, **GOOD, "ANAMNESIS_VAR": str(tmp_path), "PORT": "eighty"}
    ended = subprocess.run([sys.executable, "manage.py", "check"], cwd=ROOT, env=told, capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr.startswith('Cannot start: Environment variable "PORT" invalid')
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", None),
        ("SECRET_KEY", ""),
        ("MASTER_KEYS", None),
        ("MASTER_KEYS", "not base64"),
        ("MASTER_KEYS", "c2hvcnQ="),
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("SITE_URL", "clinic"),
        ("SITE_URL", "ftp://clinic.example"),
        ("DATABASE_URL", "elephants://here"),
        ("REDIS_URL", "http://here"),
        ("DEBUG", "perhaps"),
        ("WORKER_PROCESSES", "0"),
        ("CELERY_WORKER_POOL_START_METHOD", "clone"),
        ("MAX_ANSWER_SECONDS", "-1"),
        ("DEVICE", "abacus"),
        ("OLLAMA_TIMEOUT", "soon"),
        ("OLLAMA_KEEP_ALIVE", "5"),
        ("OLLAMA_CONTEXT", "512"),
        ("OLLAMA_PARALLEL", "0"),
        ("TIME_ZONE", "Moon/Tranquility"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_missing_or_senseless_value_stops_the_start_with_a_sentence_naming_it(read, name, value):
    with pytest.raises((EnvError, ImproperlyConfigured)) as stopped:
        read(**{name: value})
    assert name in str(stopped.value)
    if value and name in GOOD:
        assert value not in str(stopped.value), "a secret must not be printed"


def test_the_example_lists_every_variable_that_the_settings_read():
    read = {
        call.args[0].value
        for call in ast.walk(ast.parse((ROOT / "clinic/config/settings.py").read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "env"
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }
    assert "SECRET_KEY" in read
    assert listed() == read


def listed() -> set[str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return {line.removeprefix("#").split("=")[0] for line in lines if "=" in line and not line.startswith("# ")}


def test_no_other_file_reads_the_environment_for_a_setting():
    """One place to look. Programs that run before there are settings, and what starts programs, are named here."""
    allowed = {"settings.py", "asgi.py", "celery.py", "first_env.py", "programs.py", "up.py"}
    allowed |= {"machine.py", "distributed.py"}  # which GPU a training process sees, how its processes meet
    says = {Path("emotion/ml/__init__.py")}  # writes, reads nothing: no library may phone home
    readers = [
        name
        for room in ("clinic", "interviews", "emotion", "reports")
        for path in (ROOT / room).rglob("*.py")
        if ("os.environ" in path.read_text() or "getenv" in path.read_text()) and path.name not in allowed
        if (name := path.relative_to(ROOT)) not in says
    ]
    assert readers == []


def test_a_redis_url_with_a_number_gives_three_databases_from_there(read):
    settings = read(REDIS_URL="redis://127.0.0.1:6379/4")
    assert settings["CELERY_BROKER_URL"] == "redis://127.0.0.1:6379/4"
    assert settings["CACHES"]["default"]["LOCATION"] == "redis://127.0.0.1:6379/5"
    assert settings["CHANNEL_LAYERS"]["default"]["CONFIG"]["hosts"] == ["redis://127.0.0.1:6379/6"]
