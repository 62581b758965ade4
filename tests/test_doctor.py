"""`doctor` tells what is missing and what that costs, and fails only when nothing could run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from clinic.config import browser_files, findings
from tests.ollama_server import serving

ROOT = Path(__file__).parent.parent


@pytest.fixture
def ready(settings, monkeypatch, db):
    """A machine on which all that is essential is there."""
    settings.REDIS_URL = ""
    monkeypatch.setattr(findings, "ESSENTIALS", [findings.database, findings.migrations, findings.broker])


def test_a_machine_without_extras_is_well_and_each_absence_has_its_price(ready, settings, capsys):
    settings.OLLAMA_HOST = "http://127.0.0.1:9"
    call_command("doctor")
    told = capsys.readouterr().out
    assert "Everything essential is here." in told
    assert "MISSING  Ollama" in told
    assert "Reports are composed from the evidence alone" in told


def test_a_broker_that_does_not_answer_is_fatal(ready, settings, capsys):
    settings.REDIS_URL = "redis://127.0.0.1:9"
    with pytest.raises(SystemExit) as ended:
        call_command("doctor")
    assert ended.value.code == 1
    assert "Cannot run without: Broker." in capsys.readouterr().out


def test_a_database_that_does_not_answer_is_told_and_not_thrown(tmp_path):
    ended = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--json"],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "SECRET_KEY": "k",
            "MASTER_KEYS": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "ENV_FILE": "/dev/null",
            "ANAMNESIS_VAR": str(tmp_path),
            "DATABASE_URL": "postgres://nobody@127.0.0.1:9/none?connect_timeout=1",
            "DATABASE_POOL": "1",
            "DJANGO_SETTINGS_MODULE": "clinic.config.settings",
        },
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1, ended.stderr
    found = {finding["name"]: finding for finding in json.loads(ended.stdout)}
    assert found["Database"]["state"] == found["Tables"]["state"] == "missing"
    assert "postgresql does not answer" in found["Database"]["detail"]


def test_as_json_each_finding_says_whether_it_is_essential(ready, capsys):
    call_command("doctor", "--json")
    found = {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert found["Database"]["essential"]
    assert not found["GPU"]["essential"]
    assert all(finding["cost"] for finding in found.values())


def test_looking_does_not_load_torch():
    code = (
        "import os, sys, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'; django.setup()\n"
        "from clinic.config import findings; findings.everything()\n"
        "assert not {'torch', 'onnxruntime', 'av', 'faster_whisper', 'vosk'} & set(sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


@pytest.fixture
def ollama(settings):
    with serving("", models=("llama3.2:3b",)) as server:
        settings.OLLAMA_HOST = server.url
        yield server


def test_a_reachable_ollama_is_good_only_with_the_model_that_is_asked_for(ollama, settings):
    settings.OLLAMA_MODEL = "llama3.2:3b"
    assert findings.ollama().state == "good"
    settings.OLLAMA_MODEL = "llama3.1:70b"
    assert findings.ollama().state == "missing"
    assert "ollama pull llama3.1:70b" in findings.ollama().detail


def test_what_answers_is_told_with_its_version_digest_size_and_context(ollama, settings):
    settings.OLLAMA_MODEL = "llama3.2:3b"
    detail = findings.ollama().detail
    assert "llama3.2:3b (a80c4f17acd5; 2.0 GB, Q4_K_M; context 8192 of 131072 tokens)" in detail
    assert f"Ollama 0.14.2 at {ollama.url}" in detail
    settings.OLLAMA_CONTEXT = 200_000
    assert findings.ollama().state == "warning"


def test_a_package_without_its_model_file_is_missing():
    found = findings._packaged("Pitch", "swift_f0", ("model.onnx", "no-such-file"), "cost")
    assert found.state == "missing"
    assert "no-such-file" in found.detail


def test_a_site_that_others_reach_without_https_is_warned_about_the_camera(settings):
    settings.IS_HTTPS, settings.SITE_HOST, settings.SITE_URL = False, "clinic.example", "http://clinic.example"
    assert findings.camera().state == "warning"
    settings.SITE_HOST = "localhost"
    assert findings.camera().state == "good"


def test_a_gpu_is_named_by_the_machines_own_tool(settings, tmp_path, monkeypatch):
    settings.DEVICE = ""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert findings.gpu().state == "missing"
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA Something (UUID: GPU-1)'\n")
    tool.chmod(0o755)
    assert "NVIDIA Something" in findings.gpu().detail


def test_a_machine_without_a_network_is_told_that_the_chart_is_missing(tmp_path, monkeypatch):
    package = tmp_path / "package.json"
    package.write_text('{"dependencies": {"uplot": "1.6.32"}}')
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error no network' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setattr("clinic.config.browser_files.shutil.which", lambda name: str(npm))
    assert "npm could not install uplot (npm error no network)" in browser_files.install(
        package, tmp_path / "npm-files"
    )


def test_browser_files_that_are_there_are_not_installed_again(tmp_path):
    package = tmp_path / "package.json"
    package.write_text('{"dependencies": {"uplot": "1.6.32"}}')
    there = tmp_path / "node_modules" / "uplot"
    there.mkdir(parents=True)
    (there / "package.json").write_text('{"version": "1.6.32"}')
    with pytest.raises(browser_files.NothingToInstall):
        browser_files.install(package, tmp_path)


def test_without_a_mail_server_alerts_stay_on_the_pages_and_doctor_says_so(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    settings.EMAIL_HOST = ""
    assert findings.mail().state == "off"
    assert "Alerts show" in findings.mail().cost
    settings.EMAIL_HOST = "mail.clinic.example"
    assert findings.mail().state == "good"
