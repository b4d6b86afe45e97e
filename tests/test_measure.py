"""Every detector on every column of a window: what opens which kind, and what one failure costs."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from monitor import plan as plans
from monitor.errors import DetectorError
from monitor.measure import window
from monitor.plan import Plan
from monitor.rows import Classes
from monitor.scan import scan
from monitor.stats.bins import CategoricalReference, NumericReference
from monitor.types import Column, ColumnType, Kind, Reason, Role, Window
from monitor.verdicts import significant
from tests.run_model import DAY, LIVE, REFERENCE_DAYS, Memory, day, days, model, not_replayed


def reference():
    return more(days(0, REFERENCE_DAYS))


def live(**changes):
    return more(day(10)).assign(**changes)


def more(rows):
    """With a column that misses every third value and one that misses none."""
    return rows.assign(gaps=rows["x"].where(np.arange(len(rows)) % 3 > 0), full=rows["x"] * 2)


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return not_replayed(model(tmp_path_factory.mktemp("measure"), reference(), Memory()))


def measured(plan: Plan, rows=None, **changes):
    plan = replace(plan, live=Memory(a=live(**changes) if rows is None else rows))
    data = scan(plan, (Window(LIVE, LIVE + DAY),), ["a"], Classes(("no", "yes")), 1).windows[0]
    return window(plan, data)


def statistics(found):
    return {(each.column, each.detector): each for each in found.statistics}


@dataclass(frozen=True)
class Fixed:
    """A detector of someone else: gives or raises what the test says."""

    outcome: object
    quality: bool = False
    token: str = "others"
    types: frozenset = frozenset(ColumnType)

    def value(self, reference, live):
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome

    def null(self, reference, live):
        return self

    def sf(self, value):
        return 1e-9

    def isf(self, alpha):
        return 0.5


def with_detector(plan: Plan, detector: Fixed, column: str = "x", *, private=False, **options) -> Plan:
    own, _ = plan.reference.columns[column]
    kind = Kind.QUALITY if detector.quality else Kind.COVARIATE
    return replace(
        plan, tests=(*plan.tests, plans.Test(replace(own, private=private), detector, kind, **options))
    )


class TestQuiet:
    def test_rows_like_those_of_the_reference(self, plan):
        found = measured(plan)
        assert {kind: decision.quiet for kind, decision in found.decisions.items()} == {
            Kind.COVARIATE: True,
            Kind.PREDICTION: True,
            Kind.QUALITY: True,
        }
        assert not any(each.drifted for each in found.statistics)
        assert found.problems == ()

    def test_every_default_detector_of_every_column_is_there(self, plan):
        tokens: dict[str, set[str]] = {}
        for column, detector in statistics(measured(plan)):
            tokens.setdefault(column, set()).add(detector)
        numeric = {"psi", "ks", "missing", "out_of_range", "constant", "type"}
        assert tokens == {
            "x": numeric,
            "gaps": numeric,
            "full": numeric,
            "proba": numeric,
            "colour": {"psi", "missing", "unseen", "constant"},
            "pred": {"psi", "missing", "unseen", "constant"},
            "id": {"duplicate_id"},
        }

    def test_norms_are_there_for_each_kind(self, plan):
        assert {norm.kind for norm in measured(plan).norms} >= {Kind.COVARIATE, Kind.PREDICTION}


class TestKinds:
    def test_a_moved_column_is_covariate_shift(self, plan):
        found = measured(plan, x=day(10)["x"] + 1).decisions
        assert found[Kind.COVARIATE].columns == ("x",)
        assert "median" in found[Kind.COVARIATE].reason
        assert found[Kind.QUALITY].quiet
        assert found[Kind.PREDICTION].quiet

    def test_missing_rows_alone_are_quality_alone(self, plan):
        found = measured(plan, full=(day(10)["x"] * 2).where(day(10).index >= 150))
        assert statistics(found)["full", "psi"].drifted
        assert found.decisions[Kind.QUALITY].columns == ("full",)
        assert found.decisions[Kind.COVARIATE].quiet
        assert not significant(found.decisions[Kind.COVARIATE].days_by_chance, plan.budgets[Kind.COVARIATE])

    def test_gaps_of_the_reference_that_are_filled_are_nothing(self, plan):
        found = measured(plan, gaps=day(10)["x"])
        assert statistics(found)["gaps", "psi"].drifted
        assert found.decisions[Kind.COVARIATE].quiet
        assert not significant(found.decisions[Kind.COVARIATE].days_by_chance, plan.budgets[Kind.COVARIATE])
        assert found.decisions[Kind.QUALITY].quiet

    def test_unseen_categories_alone_are_quality_alone(self, plan):
        found = measured(plan, colour=day(10)["colour"].where(day(10).index >= 100, "mauve"))
        assert statistics(found)["colour", "psi"].drifted
        assert found.decisions[Kind.QUALITY].columns == ("colour",)
        assert "'mauve'" in found.decisions[Kind.QUALITY].reason
        assert not significant(found.decisions[Kind.COVARIATE].days_by_chance, plan.budgets[Kind.COVARIATE])

    def test_a_column_that_lost_all_values_leaves_covariate_to_the_others(self, plan):
        found = measured(plan, full=np.nan)
        assert statistics(found)["full", "ks"].reason is Reason.ALL_MISSING
        assert found.decisions[Kind.COVARIATE].known
        assert found.decisions[Kind.QUALITY].columns == ("full",)

    def test_an_absent_column_is_quality(self, plan):
        found = measured(plan, rows=live().drop(columns="full"))
        assert statistics(found)["full", "psi"].reason is Reason.ABSENT_COLUMN
        assert statistics(found)["full", "absent"].value == 1.0
        assert found.decisions[Kind.QUALITY].material


FEW = [(0, "no rows"), (99, "99 rows, fewer than window.min_rows (100)")]


class TestFewRows:
    @pytest.mark.parametrize(("rows", "reason"), FEW)
    def test_nothing_is_measured(self, plan, rows, reason):
        found = measured(plan, rows=live().head(rows) if rows else day(20))
        assert (found.statistics, found.norms) == ((), ())
        assert {each.reason for each in found.decisions.values()} == {reason}
        assert not any(each.known for each in found.decisions.values())


class TestFailures:
    @pytest.mark.parametrize(
        "error", [ValueError("no"), KeyError("no"), RuntimeError("no"), AssertionError("no")]
    )
    def test_a_detector_that_raises_costs_its_statistic(self, plan, error):
        calm = measured(plan)
        found = measured(with_detector(plan, Fixed(error)))
        failed = statistics(found)["x", "others"]
        assert (failed.value, failed.reason) == (None, Reason.DETECTOR_FAILED)
        assert [each.message for each in found.problems if each.reason is Reason.DETECTOR_FAILED] == [
            f"the detector others failed on 'x': {type(error).__name__}: {error}; the others go on"
        ]
        assert {key: each.value for key, each in statistics(found).items() if key[1] != "others"} == {
            key: each.value for key, each in statistics(calm).items()
        }

    def test_no_message_of_a_private_column_is_told(self, plan):
        found = measured(with_detector(plan, Fixed(ValueError("Zanzibar")), private=True))
        assert "Zanzibar" not in str(found.problems)

    @pytest.mark.parametrize("outcome", [DetectorError("no"), float("nan"), float("inf")])
    def test_no_number_is_an_undefined_statistic(self, plan, outcome):
        found = statistics(measured(with_detector(plan, Fixed(outcome))))["x", "others"]
        assert (found.value, found.reason) == (None, Reason.UNDEFINED)

    def test_want_of_memory_is_no_matter_of_one_detector(self, plan):
        with pytest.raises(MemoryError):
            measured(with_detector(plan, Fixed(MemoryError())))


class TestLines:
    def test_a_fixed_line_opens_outside_of_the_budget(self, plan):
        found = measured(with_detector(plan, Fixed(0.2), fixed=0.2))
        own = statistics(found)["x", "others"]
        assert (own.threshold, own.drifted) == (0.2, True)
        decision = found.decisions[Kind.COVARIATE]
        assert (decision.score, decision.material, decision.columns) == (1.0, True, ("x",))
        assert "the line that the model file fixes" in decision.reason or decision.days_by_chance is not None

    def test_below_a_fixed_line_nothing_opens_however_rare(self, plan):
        found = measured(with_detector(plan, Fixed(0.19), fixed=0.2))
        assert not statistics(found)["x", "others"].drifted
        assert found.decisions[Kind.COVARIATE].quiet

    def test_a_fixed_line_takes_nothing_of_the_budget(self, plan):
        fixed = with_detector(plan, Fixed(0.0), fixed=0.2)
        assert fixed.tests_of(Kind.COVARIATE) == plan.tests_of(Kind.COVARIATE)
        assert with_detector(plan, Fixed(0.0)).tests_of(Kind.COVARIATE) == plan.tests_of(Kind.COVARIATE) + 1

    def test_the_line_is_where_the_p_value_is_the_level(self, plan):
        found = statistics(measured(plan))["x", "ks"]
        test = next(each for each in plan.tests if each.column.name == "x" and each.detector.token == "ks")
        _, own = plan.reference.columns["x"]
        assert isinstance(own, NumericReference)
        null = test.detector.null(own, replace(own.counts, bins=own.counts.bins // REFERENCE_DAYS))
        level = plan.level_of(Kind.COVARIATE)
        assert null.sf(null.isf(level)) == pytest.approx(level, rel=1e-4)
        assert found.drifted is (found.value >= found.threshold)

    def test_a_quality_detector_of_others_decides_by_its_null(self, plan):
        found = measured(with_detector(plan, Fixed(0.9, quality=True)))
        assert found.decisions[Kind.QUALITY].material


def test_ids_as_a_feature_are_reported_and_not_tested(tmp_path):
    rows = days(0, REFERENCE_DAYS)
    texts = rows.assign(ticket=[f"t{n}" for n in range(len(rows))])
    plan = model(tmp_path, texts, Memory(), columns="timestamp: ts, features: {categorical: [ticket]}")
    _, reference = plan.reference.columns["ticket"]
    assert isinstance(reference, CategoricalReference)
    found = measured(plan, rows=day(10).assign(ticket=[f"u{n}" for n in range(300)]))
    assert {each.reason for each in found.statistics if each.column == "ticket"} == {Reason.HIGH_CARDINALITY}
    assert found.decisions[Kind.QUALITY].quiet
    assert plan.columns(Role.FEATURE)[0] == Column("ticket", Role.FEATURE, ColumnType.CATEGORICAL)
