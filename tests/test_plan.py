"""What follows from a plan: how the budget is split, and what stands where."""

from dataclasses import replace

import pytest

from monitor.budget import SHARES
from monitor.types import Kind, Role
from monitor.windows import Calendar
from tests.run_model import REFERENCE_DAYS, Memory, days, model


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return model(tmp_path_factory.mktemp("plan"), days(0, REFERENCE_DAYS), Memory())


def test_the_budget_of_a_kind_is_split_over_its_tests(plan):
    assert plan.tests_of(Kind.COVARIATE) == 3  # psi and ks of x, psi of colour
    assert plan.tests_of(Kind.PREDICTION) == 3  # psi and ks of the probability, psi of the prediction
    assert plan.tests_of(Kind.LABEL) == 1
    constant = len(plan.reference.columns)
    assert plan.tests_of(Kind.QUALITY) == 8 + constant
    assert plan.tests_of(Kind.CONCEPT) == 1


def test_levels_of_all_tests_add_up_to_that_of_the_kind(plan):
    for kind in (Kind.COVARIATE, Kind.PREDICTION, Kind.QUALITY, Kind.LABEL):
        whole = plan.level_of(kind) * plan.tests_of(kind)
        assert whole == pytest.approx(plan.window_days / plan.budgets[kind])


def test_budgets_of_all_kinds_are_those_of_the_model(plan):
    assert set(plan.budgets) == set(SHARES)
    days_of_one = 1 / sum(1 / each for each in plan.budgets.values())
    assert plan.budgets[Kind.COVARIATE] == pytest.approx(days_of_one / SHARES[Kind.COVARIATE])


def test_a_window_that_is_a_file_counts_as_one(plan):
    assert replace(plan, calendar=None).window_days == 1.0
    assert replace(plan, calendar=Calendar(days=7)).window_days == 7.0


def test_columns_are_found_by_role(plan):
    assert {column.name for column in plan.columns(Role.FEATURE)} == {"x", "colour"}
    assert {column.name for column in plan.columns(Role.PREDICTION, Role.PROBABILITY)} == {"pred", "proba"}
    assert [column.name for column in plan.columns(Role.LABEL)] == ["y"]


def test_errors_are_binned_by_the_probability_where_there_is_one(plan):
    assert plan.target.scored
    assert not replace(plan.target, probabilities=()).scored
    assert replace(plan.target, probabilities=("no", "yes")).positive_column == 1
