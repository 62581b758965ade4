"""Scoring: totals, bands, clusters, and what is missing. No database: an instrument is data, a total is a sum."""

import json

import pytest

from interviews import scales
from interviews.errors import InstrumentRefused
from interviews.scales import SKELETON, UNOFFICIAL, shipped


def instrument(slug: str, language: str = "en") -> scales.Definition:
    return next(one for one in shipped() if (one.slug, one.language) == (slug, language))


def totalling(definition: scales.Definition, total: int) -> dict[int, int]:
    """Answers to the scored items that add up to this total."""
    answers = {}
    for item in definition.items:
        if item.is_scored:
            answers[item.number] = min(total, max(option.value for option in item.options))
            total -= answers[item.number]
    assert total == 0
    return answers


@pytest.mark.parametrize(
    ("slug", "total", "band"),
    [
        ("phq-9", 0, "minimal"),
        ("phq-9", 4, "minimal"),
        ("phq-9", 5, "mild"),
        ("phq-9", 9, "mild"),
        ("phq-9", 10, "moderate"),
        ("phq-9", 14, "moderate"),
        ("phq-9", 15, "moderately severe"),
        ("phq-9", 19, "moderately severe"),
        ("phq-9", 20, "severe"),
        ("phq-9", 27, "severe"),
        ("gad-7", 0, "minimal"),
        ("gad-7", 4, "minimal"),
        ("gad-7", 5, "mild"),
        ("gad-7", 9, "mild"),
        ("gad-7", 10, "moderate"),
        ("gad-7", 14, "moderate"),
        ("gad-7", 15, "severe"),
        ("gad-7", 21, "severe"),
        ("pcl-5", 0, "below the often used cut-point (31 to 33)"),
        ("pcl-5", 30, "below the often used cut-point (31 to 33)"),
        ("pcl-5", 31, "within the often used cut-point (31 to 33)"),
        ("pcl-5", 33, "within the often used cut-point (31 to 33)"),
        ("pcl-5", 34, "above the often used cut-point (31 to 33)"),
        ("pcl-5", 80, "above the often used cut-point (31 to 33)"),
    ],
)
@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_total_lies_in_the_scales_own_band(slug, language, total, band):
    definition = instrument(slug, language)
    scored = scales.score(definition, totalling(definition, total))
    assert (scored.total, scored.band, scored.missing) == (total, band, ())


@pytest.mark.parametrize(("slug", "items", "most"), [("phq-9", 10, 27), ("gad-7", 8, 21), ("pcl-5", 20, 80)])
def test_each_instrument_has_its_items_and_its_highest_total(slug, items, most):
    for language in ("en", "ar"):
        definition = instrument(slug, language)
        assert (len(definition.items), definition.most) == (items, most)


@pytest.mark.parametrize(("slug", "number"), [("phq-9", 10), ("gad-7", 8)])
def test_how_difficult_it_made_life_is_asked_and_not_counted(slug, number):
    definition = instrument(slug)
    whole = totalling(definition, 5)
    assert not definition.item(number).is_scored
    assert scales.score(definition, whole | {number: 3}) == scales.score(definition, whole)


@pytest.mark.parametrize("how", ["left out", "never seen"])
def test_with_an_item_missing_there_is_no_total_and_it_is_named(how):
    definition = instrument("phq-9")
    answers: dict[int, int | None] = dict(totalling(definition, 12))
    if how == "left out":
        answers[4] = None
    else:
        del answers[4]
    scored = scales.score(definition, answers)
    assert (scored.total, scored.band, scored.missing) == (None, "", (4,))


def test_the_clusters_of_the_pcl5_are_summed_apart_and_one_that_lacks_an_item_has_no_sum():
    definition = instrument("pcl-5")
    answers: dict[int, int | None] = {number: 1 + (number > 14) for number in range(1, 21)}
    clusters = scales.score(definition, answers).clusters
    assert [(one.name, one.score, one.most) for one in clusters] == [
        ("B", 5, 20),
        ("C", 2, 8),
        ("D", 7, 28),
        ("E", 12, 24),
    ]
    answers[6] = None
    assert [one.score for one in scales.score(definition, answers).clusters] == [5, None, 7, 12]


def test_a_value_that_is_no_answer_is_refused():
    with pytest.raises(InstrumentRefused, match="4 is no answer to item 2"):
        scales.score(instrument("phq-9"), {2: 4})


@pytest.mark.parametrize("language", ["en", "ar"])
def test_only_the_ninth_item_of_the_phq9_calls_for_a_person_and_any_answer_above_nought_does(language):
    flagged = {item.number: item for item in instrument("phq-9", language).items if item.flagged_above is not None}
    assert list(flagged) == [9]
    assert [flagged[9].calls_for_a_person(value) for value in (None, 0, 1, 2, 3)] == [False, False, True, True, True]


def test_each_set_and_each_item_names_its_licence_and_source():
    for definition in shipped():
        assert definition.licence, definition
        assert definition.source, definition
        assert all(item.licence for item in definition.items), definition


def test_what_is_not_the_publishers_wording_says_so():
    kinds = {(one.slug, one.language): one.wording for one in shipped()}
    assert kinds["phq-9", "ar"] == kinds["gad-7", "ar"] == UNOFFICIAL
    assert kinds["pcl-5", "ar"] == SKELETON
    assert all(kind == scales.OFFICIAL for (_slug, language), kind in kinds.items() if language == "en")


def test_a_skeleton_has_numbers_and_no_words_and_is_scored_all_the_same():
    skeleton = instrument("pcl-5", "ar")
    assert scales.without_words(skeleton)
    assert [item.number for item in skeleton.items] == list(range(1, 21))
    assert scales.score(skeleton, totalling(skeleton, 40)).total == 40


def test_an_instrument_survives_the_way_through_json():
    for definition in shipped():
        assert scales.parse(json.loads(json.dumps(scales.as_json(definition)))) == definition


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"licence": ""}, "under which licence"),
        ({"wording": "stolen"}, "kind of wording"),
        ({"items": []}, "numbered from 1"),
        ({"items": [{"number": 2, "text": "x"}]}, "numbered from 1"),
        ({"options": [{"value": 0, "text": "no"}]}, "fewer than two"),
        ({"bands": [{"least": 0, "most": 2, "name": "low"}]}, "gaps or overlap"),
        ({"clusters": [{"name": "B", "title": "", "items": [9]}]}, "a cluster names".capitalize()),
        ({"items": [{"number": 1, "text": ""}]}, "without words it is a skeleton"),
        ({"items": [{"text": "x"}]}, "'number' is missing"),
        ({"items": 3}, "is no instrument"),
    ],
    ids=lambda value: value if isinstance(value, str) else "+".join(value),
)
def test_what_is_no_instrument_is_refused_with_a_sentence(change, sentence):
    told = {
        **{name: "x" for name in ("slug", "name", "title", "source", "licence")},
        "language": "en",
        "wording": "clinic",
        "options": [{"value": 0, "text": "no"}, {"value": 3, "text": "yes"}],
        "items": [{"number": 1, "text": "Well?"}],
    }
    assert scales.parse(told).most == 3
    with pytest.raises(InstrumentRefused, match=sentence):
        scales.parse(told | change)
