"""A config goes into a file and comes back the same."""

import pytest

from emotion.ml.training.config import TrainingConfig
from emotion.ml.training.presets import RECIPES, preset
from emotion.ml.training.toml import to_toml


@pytest.mark.parametrize("net", RECIPES)
def test_every_recipe_comes_back_as_it_was(net):
    config = preset(net)
    assert TrainingConfig.from_toml(to_toml(config)) == config


def test_no_value_comes_back_as_no_value():
    config = TrainingConfig(gradient_clip=None, patience=None)
    assert TrainingConfig.from_toml(to_toml(config)) == config


def test_paths_with_quotes_and_letters_of_any_language_come_back(tmp_path):
    config = TrainingConfig.checked({"corpus": {"name": "ravdess", "folder": str(tmp_path / 'a "b" صوت')}})
    assert TrainingConfig.from_toml(to_toml(config)) == config
