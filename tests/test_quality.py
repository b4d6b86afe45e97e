"""What is broken rather than moved: constant, retyped, absent columns; repeated ids."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from monitor.types import Kind, Reason
from tests.run_model import REFERENCE_DAYS, Memory, day, days, model
from tests.test_measure import measured as measure
from tests.test_measure import statistics


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    rows = days(0, REFERENCE_DAYS)
    rows = rows.assign(flag=(np.arange(len(rows)) % 100 == 0).astype(int), always=7)
    return model(tmp_path_factory.mktemp("quality"), rows, Memory())


def measured(plan, **changes):
    rows = day(10)
    more = {"flag": (np.arange(len(rows)) % 100 == 0).astype(int), "always": 7}
    return measure(plan, rows=rows.assign(**(more | changes)))


class TestConstant:
    def test_one_value_of_many_is_broken(self, plan):
        found = measured(plan, x=0.25)
        own = statistics(found)["x", "constant"]
        assert (own.value, own.drifted) == (1.0, True)
        assert found.decisions[Kind.QUALITY].columns == ("x",)
        told = {each.column: each.message for each in found.problems if each.reason is Reason.CONSTANT}
        assert told["x"].startswith("column 'x' has the single value 0.25 in 300 rows")

    def test_the_usual_value_of_a_rare_flag_is_chance(self, plan):
        own = statistics(measured(plan, flag=0))["flag", "constant"]
        assert own.value == 1.0
        assert not own.drifted
        assert own.p_value == pytest.approx(0.99**300, rel=0.1)

    def test_what_always_was_constant_is_not_broken(self, plan):
        found = measured(plan)
        assert statistics(found)["always", "constant"].value == 0.0
        assert found.decisions[Kind.QUALITY].quiet
        assert found.problems == plan.problems

    def test_a_category_alone_is_broken_too(self, plan):
        own = statistics(measured(plan, colour="blue"))["colour", "constant"]
        assert (own.value, own.drifted) == (1.0, True)

    def test_no_value_at_all_is_missing_not_constant(self, plan):
        own = statistics(measured(plan, x=np.nan))["x", "constant"]
        assert (own.value, own.reason) == (None, Reason.ALL_MISSING)


class TestType:
    def test_is_the_share_of_values_that_are_no_numbers(self, plan):
        texts = day(10)["x"].astype(str).where(day(10).index >= 30, "far")
        own = statistics(measured(plan, x=texts))["x", "type"]
        assert (own.value, own.drifted) == (pytest.approx(0.1), True)

    def test_numbers_as_texts_are_numbers(self, plan):
        assert statistics(measured(plan, x=day(10)["x"].astype(str)))["x", "type"].value == 0.0


class TestDuplicates:
    def test_are_the_share_of_rows_that_repeat_an_id(self, plan):
        ids = day(10)["id"].where(day(10).index >= 30, 5)
        found = measured(plan, id=ids)
        assert statistics(found)["id", "duplicate_id"].value == pytest.approx(29 / 300)
        assert "9.7% of rows repeat an id" in found.decisions[Kind.QUALITY].reason

    def test_few_are_told_and_open_nothing(self, plan):
        ids = day(10)["id"].where(day(10).index >= 2, 5)
        found = measured(plan, id=ids)
        assert statistics(found)["id", "duplicate_id"].drifted
        assert found.decisions[Kind.QUALITY].quiet

    def test_missing_ids_are_no_duplicates(self, plan):
        found = measured(plan, id=pd.Series([None] * 300, dtype="Int64"))
        own = statistics(found)["id", "duplicate_id"]
        assert (own.value, own.reason) == (None, Reason.ALL_MISSING)

    def test_without_an_id_there_is_no_such_statistic(self, plan):
        found = measured(replace(plan, names=replace(plan.names, id=None)))
        assert ("id", "duplicate_id") not in statistics(found)
