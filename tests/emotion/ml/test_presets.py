from typing import get_args

import pytest

from emotion.ml.training.config import ConfigRefused, CorpusConfig
from emotion.ml.training.kinds import NetName
from emotion.ml.training.presets import preset


@pytest.mark.parametrize("net", get_args(NetName))
def test_every_net_has_a_recipe_that_may_be_run(net):
    assert preset(net).net.name == net


def test_the_enhanced_model_s_third_phase_can_be_on_iemocap():
    ravdess = CorpusConfig(name="ravdess", folder="RAVDESS")
    config = preset("enhanced", ravdess, last_corpus=CorpusConfig(name="iemocap", folder="IEMOCAP"))
    assert [(phase.number, phase.corpus.name) for phase in config.stages] == [
        (1, "ravdess"),
        (2, "ravdess"),
        (3, "iemocap"),
    ]


def test_a_recipe_is_refused_on_a_corpus_that_lacks_what_the_net_needs():
    with pytest.raises(ConfigRefused, match="no transcripts"):
        preset("mmer", CorpusConfig(name="ravdess", folder="RAVDESS"))
