import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alarms import opens
from monitor.types import Kind, Reason, Statistic
from monitor.verdicts import Measurement, decide, norm_over_columns, significant, unknown

BUDGET = 66.7


def measured(column="temp", value=4.1, line=0.06, days=2120.0, *, material=True, detector="psi", **more):
    statistic = Statistic(Kind.COVARIATE, column, detector, value, line)
    words = more.pop("words", f"{column} moved: median 57 to 14")
    return Measurement(statistic, days, material, words=words, **more)


def fixed(value, line=0.15, column="temp"):
    """A test whose line the user fixed: outside of the budget."""
    return measured(column, value, line, None, detector="ks", material=False, forced=value >= line)


def not_measured(reason, column="temp"):
    return Measurement(Statistic(Kind.COVARIATE, column, "psi", None, reason=reason), None, material=False)


def verdict(*measurements, budget=BUDGET, timed=True):
    return decide(Kind.COVARIATE, measurements, budget, timed=timed)


class TestScore:
    @given(st.floats(0, 1e12), st.floats(0.5, 1e4))
    def test_is_the_logarithm_of_the_days_over_that_of_the_budget(self, days, budget):
        found = verdict(measured(days=days), budget=budget)
        assert found.score == pytest.approx(
            math.log10(1 + days) / math.log10(1 + budget), rel=1e-9, abs=1e-12
        )
        assert found.days_by_chance == days

    @given(st.lists(st.tuples(st.floats(0, 1e12), st.booleans()), min_size=1, max_size=6))
    def test_opens_exactly_where_something_rare_is_material(self, found):
        decision = verdict(*(measured(f"c{n}", days=d, material=m) for n, (d, m) in enumerate(found)))
        assert opens(decision) is any(days >= BUDGET and material for days, material in found)
        assert decision.quiet is not opens(decision)
        assert decision.known

    def test_is_one_where_chance_gives_one_event_per_budget(self):
        assert verdict(measured(days=BUDGET)).score == 1.0
        assert significant(BUDGET, BUDGET)
        assert not significant(BUDGET * 0.999, BUDGET)

    def test_days_beyond_the_most_are_the_most(self):
        found = verdict(measured(days=math.inf))
        assert found.days_by_chance == 1e12
        assert found.reason.endswith("; not by chance")

    def test_the_rarest_decides(self):
        found = verdict(measured("a", days=1.0), measured("b", days=500.0), measured("c", days=100.0))
        assert found.days_by_chance == 500.0
        assert found.columns == ("b", "c")

    def test_a_rarer_effect_that_is_not_material_gives_an_alarm_no_more_days(self):
        found = verdict(measured("a", days=1e6, material=False), measured("b", days=100.0))
        assert (found.days_by_chance, found.columns, found.material) == (100.0, ("b",), True)

    def test_of_equally_rare_columns_the_one_furthest_beyond_its_line_is_first(self):
        found = verdict(
            measured("a", 0.2, 0.1, 100.0), measured("b", 0.5, 0.1, 100.0), measured("a", 0.9, 0.1, 90.0)
        )
        assert found.columns == ("b", "a")


class TestNotMaterial:
    def test_rare_but_small_is_told_and_opens_nothing(self):
        found = verdict(measured(days=100.0, material=False))
        assert found.score > 1
        assert (found.material, found.quiet, opens(found)) == (False, True, False)
        assert found.columns == ("temp",)
        assert found.reason.endswith("; by chance once in 100 days; smaller than min_effect")

    def test_nothing_rare_says_nothing(self):
        found = verdict(measured(days=3.0), measured("dewp", days=4.0))
        assert (found.columns, found.reason, found.material) == ((), "", False)
        assert found.days_by_chance == 4.0


class TestFixedLine:
    @pytest.mark.parametrize("value", [0.15, 0.9])
    def test_at_or_above_it_the_alarm_opens_whatever_chance_says(self, value):
        found = verdict(fixed(value), measured("dewp", days=0.1, material=False))
        assert opens(found)
        assert (found.score, found.columns) == (1.0, ("temp",))

    def test_no_days_by_chance_are_claimed_for_it(self):
        found = verdict(fixed(0.2))
        assert found.days_by_chance is None
        assert found.reason == (
            "temp moved: median 57 to 14, ks 0.2 (line 0.15); at or above the line that the model file fixes"
        )

    @pytest.mark.parametrize(("value", "score"), [(0.0, 0.0), (0.075, 0.5), (-0.3, 0.0)])
    def test_below_it_the_kind_is_known_and_quiet(self, value, score):
        found = verdict(fixed(value))
        assert (found.known, found.quiet, found.score) == (True, True, pytest.approx(score))
        assert (found.days_by_chance, found.columns, found.reason) == (None, (), "")

    @pytest.mark.parametrize(("value", "score"), [(-1.0, 0.0), (0.0, 1.0)])
    def test_a_line_of_zero(self, value, score):
        assert verdict(fixed(value, line=0.0)).score == score

    def test_beside_a_rare_effect_the_rare_one_gives_days_and_comes_first(self):
        found = verdict(fixed(0.2), measured("dewp", days=500.0))
        assert (found.days_by_chance, found.columns) == (500.0, ("dewp", "temp"))
        assert found.score > 1


class TestUnknown:
    def test_nothing_measured_is_unknown_and_says_why(self):
        found = verdict(not_measured(Reason.ALL_MISSING), not_measured(Reason.ABSENT_COLUMN, "dewp"))
        assert (found.known, found.score, found.days_by_chance, found.quiet) == (False, None, None, False)
        assert found.reason == "nothing could be measured: absent_column, all_missing"

    def test_no_tests_at_all(self):
        assert verdict() == unknown(Kind.COVARIATE, "nothing could be measured")

    def test_one_column_is_enough(self):
        assert verdict(not_measured(Reason.ALL_MISSING), measured("dewp", days=1.0)).known


class TestReason:
    def test_reads_as_the_interface_promises(self):
        assert verdict(measured()).reason == (
            "temp moved: median 57 to 14, psi 4.1 (line 0.06); by chance once in 2,120 days"
        )

    def test_without_time_it_counts_windows(self):
        found = verdict(measured(), timed=False)
        assert found.days_by_chance is None
        assert found.reason.endswith("; by chance once in 2,120 windows")

    @pytest.mark.parametrize(
        ("count", "end"),
        [
            (3, "c2 moved: median 57 to 14, psi 4.1 (line 0.06)"),
            (4, "and 1 more column"),
            (6, "and 3 more columns"),
        ],
    )
    def test_names_three_columns_and_counts_the_rest(self, count, end):
        found = verdict(*(measured(f"c{number}") for number in range(count)))
        assert found.reason.split("; ")[:-1][-1] == end
        assert len(found.columns) == count

    def test_names_a_column_once_by_its_rarest_detector(self):
        found = verdict(measured(days=200.0), measured(value=0.5, line=0.1, days=900.0, detector="ks"))
        assert found.reason.startswith("temp moved: median 57 to 14, ks 0.5 (line 0.1); by chance")
        assert found.columns == ("temp",)

    def test_the_whole_model_is_no_column(self):
        found = verdict(measured("", words="error rose: 0.1 to 0.3", line=None))
        assert found.columns == ()
        assert found.reason == "error rose: 0.1 to 0.3, psi 4.1; by chance once in 2,120 days"

    @pytest.mark.parametrize(("column", "name"), [("temp", "temp"), ("", "covariate")])
    def test_without_words_it_names_the_column_or_the_kind(self, column, name):
        assert verdict(measured(column, words="")).reason.startswith(f"{name}, psi 4.1")

    def test_a_small_budget_prints_no_zero_days(self):
        assert "once in 0.25 days" in verdict(measured(days=0.25), budget=0.2).reason


class TestNormOverColumns:
    def test_of_the_largest_ratio_of_each_column(self):
        found = norm_over_columns(
            Kind.COVARIATE,
            [
                measured("a", 0.3, 0.1),
                measured("a", 0.1, 0.1, detector="ks"),
                measured("b", 0.4, 0.1),
                measured("c", 0.05, 0.1),
            ],
        )
        assert found.l0 == 2
        assert found.l1 == pytest.approx(7.5)
        assert found.l2 == pytest.approx(math.sqrt(9 + 16 + 0.25))
        assert found.linf == pytest.approx(4.0)
        assert {type(each) for each in (found.l0, found.l1, found.l2, found.linf)} == {float}

    def test_at_the_line_counts(self):
        assert norm_over_columns(Kind.COVARIATE, [measured("a", 0.1, 0.1)]).l0 == 1

    def test_what_has_no_value_no_line_no_column_or_is_no_default_is_left_out(self):
        found = [
            not_measured(Reason.ALL_MISSING),
            measured("a", 0.3, None),
            measured("", 0.3, 0.1),
            measured("b", 0.3, 0.1, default=False),
        ]
        assert norm_over_columns(Kind.COVARIATE, found) is None
        assert norm_over_columns(Kind.COVARIATE, [*found, measured("c", 0.2, 0.1)]).l1 == pytest.approx(2.0)

    @given(st.lists(st.floats(0, 1e6), min_size=1, max_size=8))
    def test_the_norms_are_ordered_as_norms_are(self, values):
        found = norm_over_columns(
            Kind.COVARIATE, [measured(f"c{number}", value, 1.0) for number, value in enumerate(values)]
        )
        slack = 1 + 1e-9
        assert found.linf <= found.l2 * slack
        assert found.l2 <= found.l1 * slack
        assert found.l0 == sum(value >= 1 for value in values)
