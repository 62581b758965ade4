"""The gate: what a card proves, and what it does not."""

import pytest

from emotion import gate

SERVING = {"multimodal": None}


def a_card(test: dict | None = None, **fields) -> dict:
    figures = {"UAR": 0.7, "ECE": 0.04, "clips": 48} if test is None else test
    card = {
        "net": "lt",
        "corpora": ["made"],
        "data": {"made": "ab" * 32},
        "metrics": {"validation": {"UAR": 0.99, "ECE": 0.0}, "test": {"both": figures}},
    }
    return {**card, **fields}


def the_check(verdict: gate.Verdict, name: str) -> gate.Check:
    return next(check for check in verdict.checks if check.name.endswith(name))


def test_a_calibrated_clean_net_that_is_as_good_as_the_serving_one_passes():
    verdict = gate.judge({"multimodal": a_card()}, {"multimodal": a_card()})
    assert verdict.passed
    assert the_check(verdict, "figures").sentence == "UAR 0.700 on made · test · both (48 clips), as the card says."


@pytest.mark.parametrize(
    ("card", "name", "sentence"),
    [
        (a_card(metrics={}), "figures", "no recall (UAR) on test clips"),
        (a_card(metrics={"validation": {"UAR": 0.9, "ECE": 0.01}}), "figures", "no recall (UAR) on test clips"),
        (a_card({"UAR": 0.7}), "calibration", "no calibration error (ECE)"),
        (a_card({"UAR": 0.7, "ECE": 0.31}), "calibration", "0.310, above the limit of 0.10"),
        (a_card(data={}), "contamination", "it learned from made and is tested on made"),
        (a_card(corpora=[]), "contamination", "does not say what this was trained on"),
        (
            a_card({"UAR": 0.6, "ECE": 0.04}),
            "serving pack",
            "UAR 0.600 on made · test · both; the serving pack has 0.700",
        ),
        (a_card(data={"made": "cd" * 32}), "serving pack", "no figures on the same protocol"),
    ],
)
def test_what_is_missing_or_worse_is_said_in_a_sentence(card, name, sentence):
    verdict = gate.judge({"multimodal": card}, {"multimodal": a_card()})
    assert not verdict.passed
    assert not the_check(verdict, name).passed
    assert sentence in the_check(verdict, name).sentence


def test_a_part_that_the_serving_pack_does_not_have_cannot_be_compared():
    verdict = gate.judge({"multimodal": a_card()}, {})
    assert [check.name for check in verdict.checks if not check.passed] == ["against the serving pack"]


def test_a_difference_inside_the_noise_is_called_that():
    mine = a_card({"UAR": 0.71, "ECE": 0.04, "interval": [0.6, 0.8]})
    sentence = the_check(gate.judge({"multimodal": mine}, {"multimodal": a_card()}), "serving pack").sentence
    assert "inside the noise (95 % interval 0.600 to 0.800)" in sentence


def test_a_net_that_starts_from_weights_which_heard_the_test_is_contaminated_however_it_was_split():
    card = a_card(
        corpora=["ravdess"],
        data={"ravdess fold 1": "ab" * 32},
        config={"net": {"encoder": "/srv/models/fetched/wav2vec2-ravdess"}},
    )
    verdict = gate.judge({"multimodal": card}, {"multimodal": card})
    assert "it learned from RAVDESS" in the_check(verdict, "contamination").sentence


def test_a_run_that_knows_itself_to_be_contaminated_is_believed():
    card = a_card()
    card["metrics"]["contaminated"] = ["x.safetensors was itself trained on RAVDESS."]
    assert not the_check(gate.judge({"multimodal": card}, {"multimodal": card}), "contamination").passed


def test_every_row_of_figures_is_found_the_one_that_speaks_for_the_net_first():
    card = a_card()
    card["metrics"]["test"] = {"face only": {"UAR": 0.5}, "both": {"unweighted_recall": 0.7, "calibration_error": 0.1}}
    rows = gate.figures_of(card)
    assert [(row.protocol, row.uar, row.ece) for row in rows] == [
        ("made · test · both", 0.7, 0.1),
        ("made · test · face only", 0.5, None),
    ]
