"""python -m emotion.ml train CONFIG.toml"""

import json

import pytest

from emotion.ml.__main__ import main

TOML = """
epochs = 2
batch_size = 16
device = "cpu"
[corpus]
actors = 3
[net]
name = "voice-small"
width = 0.05
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(TOML)
    return path


def test_a_net_is_trained_as_a_file_says_and_its_scores_are_printed(config, tmp_path, capsys):
    assert main(["train", str(config), "--out", str(tmp_path / "run")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["checkpoint"] == str(tmp_path / "run" / "best.safetensors")
    assert set(told["test"]) == {"voice only", "noisy"}
    assert main(["train", str(config), "--out", str(tmp_path / "run")]) == 0
    assert json.loads(capsys.readouterr().out) == told


def test_a_config_that_cannot_be_run_is_refused_with_a_sentence_and_nothing_is_begun(config, tmp_path, capsys):
    config.write_text(TOML + "colour = 'red'\n")
    assert main(["train", str(config), "--out", str(tmp_path / "run")]) == 1
    assert "net.colour: There is no such setting." in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_config_that_is_not_there_is_named(tmp_path, capsys):
    assert main(["train", str(tmp_path / "none.toml"), "--out", str(tmp_path / "run")]) == 1
    assert "none.toml cannot be read" in capsys.readouterr().err
