"""What the lists make of a typed name. Pure."""

import pytest

from interviews.disorders import Source, Verdict, code_of, fold, is_code_of_ours, look_up, plain_name


@pytest.mark.parametrize("typed", ["F32.1", "f32.1", "F321", " f321 "])
def test_a_code_is_found_however_it_is_typed(typed):
    found = look_up(typed)
    assert (found.verdict, found.taken.code, found.taken.source) == (Verdict.KNOWN, "F32.1", Source.CODE)


@pytest.mark.parametrize("typed", ["F32.77", "F", "F00-F09", "V", "321", ""])
def test_what_is_no_code_is_not_taken_for_one(typed):
    assert code_of(typed) == ""


def test_every_code_of_our_own_list_is_of_chapter_five():
    from interviews.disorders import _table

    assert len(_table()) > 70
    assert all(is_code_of_ours(code) and names["en"] and names["ar"] for code, names in _table().items())


def test_a_name_the_clinic_has_comes_before_the_lists():
    found = look_up("ptsd", {"PTSD": "F43.1"})
    assert found.taken.source is Source.CLINIC


def test_what_the_clinic_has_stands_although_no_list_knows_it():
    assert look_up("hoarding", {"Hoarding": ""}).verdict is Verdict.KNOWN


@pytest.mark.parametrize(("typed", "code"), [("burnout", "Z73.0"), ("Burn-out", "Z73.0"), ("migraine", "G43")])
def test_what_another_chapter_of_icd_holds_is_refused_with_its_place(typed, code):
    found = look_up(typed)
    assert (found.verdict, found.taken.code) == (Verdict.ELSEWHERE, code)
    assert found.chapter


def test_a_misspelt_name_is_offered_and_never_taken():
    found = look_up("shizofrenia")
    assert (found.verdict, found.taken, found.offers[0].name) == (Verdict.NEAR, None, "Schizophrenia")


def test_the_word_disorder_alone_makes_no_two_names_alike():
    assert "F81.0" not in {offer.code for offer in look_up("hoarding disorder").offers}  # the reading disorder
    assert look_up("disorder").verdict is Verdict.UNKNOWN


def test_words_in_another_order_are_offered():
    assert look_up("anxiety, social").offers[0].name == "Social anxiety"


@pytest.mark.parametrize("typed", ["tic", "map", "x"])
def test_short_words_are_near_to_nothing(typed):
    assert look_up(typed).verdict is Verdict.UNKNOWN


def test_names_are_given_in_the_language_of_the_page():
    assert look_up("PTSD", language="ar").taken.name == "كرب ما بعد الصدمة"
    assert look_up("اضطراب ما بعد الصدمة").taken.name == "Post-traumatic stress"
    assert plain_name("F32.1", "ar") == "Moderate depressive episode"  # no list of ours has a name for it


def test_spellings_that_mean_the_same_are_folded_together():
    assert fold("Generalised  Anxiety-Disorder") == fold("generalized anxiety disorder")
    assert fold("الوسواس القهرى") == fold("الوَسواس القهري")
    assert fold("The Asperger’s syndrome") == fold("asperger syndrome")
