"""What is promised of each kind's false alarms: the budget adds up, and what is unsure is said."""

from dataclasses import replace

import pytest

from monitor.plan import Plan
from monitor.promises import promises
from monitor.types import Kind
from tests.run_model import Memory, days, model, not_replayed


@pytest.fixture(scope="module")
def plan(tmp_path_factory) -> Plan:
    return model(tmp_path_factory.mktemp("promises"), days(0, 24), Memory())


def by_kind(plan: Plan):
    return {each.kind: each for each in promises(plan)}


def test_the_budgets_of_all_kinds_are_that_of_the_model(plan):
    assert sum(each.budget_per_30d for each in promises(plan)) == pytest.approx(1.0)
    assert by_kind(plan)[Kind.COVARIATE].budget_per_30d == pytest.approx(0.45)


def test_what_is_expected_lies_within_its_limits_and_the_budget(plan):
    for each in promises(plan):
        assert each.lower <= each.false_alarms_per_30d <= each.upper
        assert each.false_alarms_per_30d <= each.budget_per_30d + 1e-9


def test_a_short_reference_is_provisional_and_says_why(plan):
    found = by_kind(plan)[Kind.COVARIATE]
    assert found.provisional
    assert found.reason.startswith("24 windows")
    assert 0 < found.effective_windows <= 24


def test_what_was_not_replayed_promises_nothing(plan):
    found = by_kind(not_replayed(plan))[Kind.LABEL]
    assert (found.false_alarms_per_30d, found.effective_windows, found.provisional) == (None, None, True)
    assert found.budget_per_30d == pytest.approx(0.1)


def test_without_time_there_are_no_thirty_days(plan):
    assert {each.budget_per_30d for each in promises(replace(plan, calendar=None))} == {None}
