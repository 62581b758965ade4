"""The figures of the study, against values worked out by hand."""

import ast
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

import reports.study
from emotion.ml.labels import LABELS
from reports.study.cases import CasesError, published, read_cases, read_verdicts, shipped
from reports.study.statistics import Arm, Verdict, accuracy, agreement, mcnemar, results, wilson

YES, PARTIAL, NO = Verdict.YES, Verdict.PARTIAL, Verdict.NO
EXCHANGE = {"question": "How are you?", "answer": "Fine.", "emotions": ["sad"]}
CASE = {"id": "1", "diagnosis": "Panic disorder", "code": "F41.0", "history": [EXCHANGE]}


def cases(*changed: dict) -> str:
    return json.dumps({"title": "Some", "cases": [{**CASE, **one} for one in changed]})


def test_the_fifteen_published_verdicts_give_the_published_figures():
    found = results(published().by_case)
    assert found.without.score == pytest.approx(11.5 / 15)
    assert found.with_labels.score == pytest.approx(13 / 15)
    assert [one.case for one in found.discordant] == ["16", "37"]
    assert (found.test.only_with, found.test.only_without, found.test.p) == (2, 0, 0.5)
    assert (found.without.low, found.without.high) == pytest.approx((0.51373, 0.91086), abs=1e-5)
    assert (found.with_labels.low, found.with_labels.high) == pytest.approx((0.62118, 0.96264), abs=1e-5)
    assert (found.without.cases, found.left_out) == (15, ())


def test_the_command_prints_them():
    said = StringIO()
    call_command("study", "published", stdout=said)
    for figure in ("76.67 %", "86.67 %", "Discordant cases: 2", "case 16", "case 37", "p = 0.5"):
        assert figure in said.getvalue()
    assert "no clinical evaluation" in said.getvalue()


def test_exact_mcnemar_by_hand():
    assert mcnemar(0, 0).p == 1
    assert mcnemar(1, 0).p == 1
    assert mcnemar(5, 0).p == pytest.approx(2 / 32)
    assert mcnemar(0, 6).p == pytest.approx(2 / 64)
    assert mcnemar(8, 2).p == pytest.approx(2 * (1 + 10 + 45) / 1024)
    assert mcnemar(3, 3).p == 1


def test_wilson_by_hand():
    # 5 of 10 and 0 of 10 with z = 1.96: textbook values.
    assert wilson(0.5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(0.0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(1.0, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)


def test_a_half_counts_one_half_in_the_accuracy_and_not_as_right_in_the_pairs():
    found = results({"1": {Arm.WITHOUT: [PARTIAL], Arm.WITH: [PARTIAL]}, "2": {Arm.WITHOUT: [NO], Arm.WITH: [PARTIAL]}})
    assert (found.without.score, found.with_labels.score) == (0.25, 0.5)
    assert found.test.discordant == 0


def test_runs_of_a_case_are_averaged_and_never_counted_as_cases():
    found = results({"1": {Arm.WITHOUT: [YES, NO, NO], Arm.WITH: [YES, YES, NO]}})
    assert found.without.score == pytest.approx(1 / 3)
    assert found.with_labels.cases == 1
    assert (found.test.only_with, found.test.only_without) == (1, 0)


def test_half_of_the_runs_right_is_not_right():
    assert results({"1": {Arm.WITHOUT: [YES, NO], Arm.WITH: [NO, NO]}}).test.discordant == 0


def test_a_case_that_lacks_an_arm_is_in_no_figure_and_is_named():
    found = results({"1": {Arm.WITHOUT: [YES], Arm.WITH: [YES]}, "2": {Arm.WITHOUT: [NO], Arm.WITH: []}})
    assert (found.without.cases, found.left_out) == (1, ("2",))
    assert results({"2": {Arm.WITHOUT: [NO]}}) is None


def test_kappa_by_hand():
    # 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: observed .7, by chance .5, kappa .4 (Cohen's own kind of example).
    pairs = [(YES, YES)] * 20 + [(YES, NO)] * 5 + [(NO, YES)] * 10 + [(NO, NO)] * 15
    one = {str(number): pair[0] for number, pair in enumerate(pairs)}
    other = {str(number): pair[1] for number, pair in enumerate(pairs)}
    found = agreement(one, other)
    assert (found.shared, found.same, found.raw) == (50, 35, pytest.approx(0.7))
    assert found.kappa == pytest.approx(0.4)


def test_kappa_is_none_where_it_says_nothing():
    assert agreement({"a": YES}, {"a": YES}).kappa is None
    assert agreement({"a": YES}, {"b": YES}).raw is None


def test_accuracy_is_of_scores():
    assert accuracy([1, 0.5, 0]).score == 0.5


def test_twelve_vignettes_ship_with_it():
    found = shipped().cases
    assert len(found) == 12
    assert all(4 <= len(case.history) <= 6 for case in found)
    assert len({case.code for case in found}) >= 10
    assert {label for case in found for exchange in case.history for label in exchange.emotions} <= set(LABELS)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("not json", "This is not JSON."),
        ("[]", "–"),
        (json.dumps({"title": "Some", "cases": []}), "cases"),
        (cases({}, {}), "the case 1 is there twice"),
        (cases({"diagnosis": ""}), "cases.0.diagnosis"),
        (cases({"history": []}), "cases.0.history"),
        (cases({"history": [{**EXCHANGE, "emotions": ["<b>"]}]}), "cases.0.history.0.emotions.0"),
        (cases({"code": "296.2"}), "cases.0.code"),
        (cases({"patient": "Mina Haddad"}), "cases.0.patient"),
        ("[" * 100_000, "This is not JSON."),
        (" " * 1_000_001, "at most"),
    ],
    ids=["text", "list", "none", "twice", "diagnosis", "history", "label", "code", "more", "deep", "large"],
)
def test_a_file_that_does_not_fit_is_refused_with_the_place(text, fault):
    with pytest.raises(CasesError) as refused:
        read_cases(text)
    assert fault in str(refused.value)
    assert "Mina" not in str(refused.value)


def test_a_number_may_name_a_case():
    assert read_cases(cases({"id": 16})).cases[0].id == "16"


def test_a_verdict_is_yes_partial_or_no():
    with pytest.raises(CasesError, match=r"cases\.0\.with"):
        read_verdicts(
            json.dumps({"title": "T", "source": "S", "cases": [{"case": 1, "without": ["yes"], "with": ["?"]}]})
        )


def test_no_door_leads_from_an_interview_into_the_study():
    """Vignettes only: not one file of the study reads interviews, evidence or reports."""
    for path in Path(reports.study.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert not (name or "").startswith(("interviews", "reports.evidence", "reports.models")), path
