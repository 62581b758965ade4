"""What `make setup` does before anything is installed: the lock, the virtual environment, the first secrets."""

import base64
import importlib.metadata
import re
import runpy
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from clinic.config import first_env, install

ROOT = Path(__file__).parent.parent
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def locked() -> dict[str, str]:
    lines = (line.strip() for line in LOCK.splitlines() if not line.lstrip().startswith("#"))
    return {normal(name): version for name, _, version in (line.partition("==") for line in lines if line)}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_lock_holds_everything_that_the_project_asks_for():
    asked = [Requirement(line) for extra in PROJECT["optional-dependencies"].values() for line in extra]
    versions = locked()
    for need in asked:
        if need.name != PROJECT["name"]:
            assert need.specifier.contains(versions[normal(need.name)]), (
                f"{need} is not what is locked: run `make lock`"
            )


def test_the_lock_names_no_host_and_pins_every_line():
    assert "://" not in LOCK
    lines = [line for line in LOCK.splitlines() if line and not line.lstrip().startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][\w.+]*", line) for line in lines)


def test_what_is_installed_is_what_is_locked():
    for name, version in locked().items():
        assert importlib.metadata.version(name).split("+")[0] == version, name


def test_pytorch_is_left_to_pip_and_all_else_is_installed_as_locked():
    rest = install.without_torch(LOCK)
    assert len(rest) == len(locked()) - 1
    assert not [line for line in rest if line.startswith("torch==")]


def test_an_old_python_is_refused_with_a_sentence(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 0))
    with pytest.raises(SystemExit, match=r"Python 3\.11 or newer is needed"):
        install.main()


def test_the_scripts_that_run_before_the_installation_need_only_the_standard_library():
    for script in ("install.py", "first_env.py", "leash.py"):
        path = ROOT / "clinic" / "config" / script
        ended = subprocess.run(
            [sys.executable, "-I", "-S", "-c", f"import runpy; runpy.run_path({str(path)!r})"],
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stderr


def test_the_first_secrets_are_fresh_and_for_the_owners_eyes_only(tmp_path):
    one, other = tmp_path / "one.env", tmp_path / "other.env"
    first_env.write(one)
    first_env.write(other)
    assert stat.S_IMODE(one.stat().st_mode) == 0o600
    assert one.read_text() != other.read_text()
    told = dict(line.split("=", 1) for line in one.read_text().splitlines() if line and not line.startswith("#"))
    assert len(base64.b64decode(told["MASTER_KEYS"])) == 32
    assert len(told["SECRET_KEY"]) >= 50


def test_a_file_of_secrets_is_never_replaced(tmp_path, monkeypatch):
    path = tmp_path / ".env"
    path.write_text("MASTER_KEYS=the only key to many recordings\n")
    with pytest.raises(FileExistsError):
        first_env.write(path)
    monkeypatch.setattr(sys, "argv", ["first_env.py", str(path)])
    runpy.run_path(first_env.__file__, run_name="__main__")
    assert path.read_text() == "MASTER_KEYS=the only key to many recordings\n"


def test_no_file_is_written_where_the_environment_holds_the_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "k")
    monkeypatch.setenv("MASTER_KEYS", "k")
    monkeypatch.setattr(sys, "argv", ["first_env.py", str(tmp_path / ".env")])
    runpy.run_path(first_env.__file__, run_name="__main__")
    assert list(tmp_path.iterdir()) == []
