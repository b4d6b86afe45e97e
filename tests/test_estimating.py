"""Before any label: how class shares and performance probably are, and when that cannot be said."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from monitor.estimating import ESTIMATED, ESTIMATED_SHARES, estimate
from monitor.estimators import Estimators
from monitor.rows import Classes
from monitor.scan import scan
from monitor.types import Kind, PerformanceMetric, Reason, State, Statistic, Window
from tests.run_model import DAY, LIVE, REFERENCE_DAYS, Memory, Runs, day, labels_of, model, verdict

ROWS = 2_000
WINDOW = Window(LIVE, LIVE + DAY)
COLUMNS = 'timestamp: ts, id: id, prediction: pred, probability: proba, label: y, positive: "yes"'


def shifted(number: int, share: float, rows: int = ROWS) -> pd.DataFrame:
    """A day in which this share of rows is positive; what positives look like is as ever."""
    pool = pd.concat([day(number + 1000 * part, rows) for part in (1, 2, 3, 4)], ignore_index=True)
    rng = np.random.default_rng(number)
    positive, negative = pool[pool["y"] == "yes"], pool[pool["y"] == "no"]
    ones = int(share * rows)
    found = pd.concat(
        [positive.sample(ones, random_state=rng), negative.sample(rows - ones, random_state=rng)]
    )
    frame = found.sample(frac=1, random_state=rng).reset_index(drop=True)
    own = day(number, rows)
    return frame.assign(ts=own["ts"], id=own["id"])


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    reference = pd.concat([day(number, ROWS) for number in range(REFERENCE_DAYS + 4)], ignore_index=True)
    return model(tmp_path_factory.mktemp("estimating"), reference, Memory())


def estimated(plan, rows: pd.DataFrame, moved=(), statistics=()):
    plan = replace(plan, live=Memory(a=rows))
    data = scan(plan, (WINDOW,), ["a"], Classes(plan.target.classes), 1).windows[0]
    return estimate(plan, data, statistics, moved)


def accuracy(rows: pd.DataFrame) -> float:
    return float((rows["y"] == rows["pred"]).mean())


def metric(found, name="accuracy") -> PerformanceMetric:
    return next(each for each in found.performance if each.metric == name)


class TestShares:
    @pytest.mark.parametrize("share", [0.15, 0.35, 0.5, 0.8])
    def test_the_intervals_hold_the_class_shares_of_now(self, plan, share):
        held = []
        for number in range(12):
            rows = shifted(2_000 + number, share).drop(columns="y")
            found = estimated(plan, rows.assign(ts=day(REFERENCE_DAYS, ROWS)["ts"])).label_shift
            held.append(found.lower["yes"] <= share <= found.upper["yes"])
            assert sum(found.estimate.values()) == pytest.approx(1)
        assert sum(held) >= 9

    def test_shares_that_moved_are_beyond_their_line_and_those_that_did_not_are_not(self, plan):
        rows = day(REFERENCE_DAYS, ROWS)
        assert not estimated(plan, rows).measurement.statistic.drifted
        moved = estimated(plan, shifted(REFERENCE_DAYS, 0.75)).measurement
        assert moved.statistic.drifted
        assert moved.material
        assert "'yes'" in moved.words or "'no'" in moved.words

    def test_another_look_of_a_class_is_not_label_shift(self, plan):
        rows = day(REFERENCE_DAYS, ROWS)
        rows["x"] += 3
        found = estimated(plan, rows, moved=("x",)).label_shift
        assert (found.valid, found.reason) == (False, Reason.NOT_LABEL_SHIFT)

    def test_features_that_move_with_the_classes_are_explained(self, plan):
        assert estimated(plan, shifted(REFERENCE_DAYS, 0.75), moved=("x",)).label_shift.valid

    def test_what_label_shift_does_not_explain_decides_nothing(self, plan):
        rows = day(REFERENCE_DAYS, ROWS)
        rows["x"] += 3
        found = estimated(plan, rows, moved=("x",)).measurement
        assert found.informs
        assert not found.statistic.drifted


class TestPerformance:
    def test_the_intervals_hold_what_labels_then_tell(self, plan):
        held = [
            (found := metric(estimated(plan, rows))).lower <= accuracy(rows) <= found.upper
            for rows in (
                day(3_000 + number, ROWS).assign(ts=day(REFERENCE_DAYS, ROWS)["ts"]) for number in range(20)
            )
        ]
        assert sum(held) >= 17

    def test_other_class_shares_are_reckoned_with(self, plan):
        rows = [
            shifted(4_000 + number, 0.85).assign(ts=day(REFERENCE_DAYS, ROWS)["ts"]) for number in range(6)
        ]
        away = [abs(metric(estimated(plan, each)).value - accuracy(each)) for each in rows]
        assert np.mean(away) < 0.02

    def test_inputs_beyond_the_reference_make_it_unsure(self, plan):
        broken = Statistic(Kind.QUALITY, "x", "missing", 0.4, 0.02, drifted=True)
        rows = day(REFERENCE_DAYS, ROWS)
        assert metric(estimated(plan, rows, ("x",), (broken,))).reason is Reason.OUTSIDE_SUPPORT
        assert metric(estimated(plan, rows, (), (broken,))).reason is None
        beyond = replace(broken, detector="out_of_range")
        assert metric(estimated(plan, rows, (), (beyond,))).reason is Reason.OUTSIDE_SUPPORT
        assert metric(estimated(plan, rows)).reason is None

    def test_probabilities_that_cannot_be_calibrated_make_it_unsure(self, plan):
        untrusted = replace(plan, estimators=replace(plan.estimators, trusted=False))
        assert metric(estimated(untrusted, day(REFERENCE_DAYS, ROWS))).reason is Reason.NOT_CALIBRATED

    def test_probabilities_that_are_not_calibrated_are_calibrated_first(self, tmp_path):
        def proud(rows):
            return rows.assign(proba=rows["proba"] ** 3 / (rows["proba"] ** 3 + (1 - rows["proba"]) ** 3))

        reference = proud(pd.concat([day(number, ROWS) for number in range(REFERENCE_DAYS)]))
        plan = model(tmp_path, reference, Memory())
        rows = proud(day(REFERENCE_DAYS, ROWS))
        assert metric(estimated(plan, rows)).value == pytest.approx(accuracy(rows), abs=0.03)


class TestBadInput:
    def plan_of(self, folder, columns=COLUMNS, rows=300, count=REFERENCE_DAYS, **changes):
        reference = pd.concat([day(number, rows) for number in range(count)], ignore_index=True)
        return model(folder, reference.assign(**changes), Memory(), columns=columns)

    def test_without_probabilities_shares_are_told_and_said_to_be_untested(self, tmp_path):
        plan = self.plan_of(tmp_path, COLUMNS.replace("probability: proba, ", ""))
        found = estimated(plan, day(REFERENCE_DAYS, ROWS).drop(columns="proba"))
        assert (found.label_shift.method, found.label_shift.reason) == ("bbse_hard", Reason.UNTESTED)
        assert found.performance == ()
        width = found.label_shift.upper["yes"] - found.label_shift.lower["yes"]
        assert 0 < width < 0.3

    def test_constant_probabilities_tell_nothing_of_shares(self, tmp_path):
        plan = self.plan_of(tmp_path, proba=0.5, pred="yes")
        found = estimated(plan, day(REFERENCE_DAYS).assign(proba=0.5, pred="yes")).label_shift
        assert found.upper["yes"] - found.lower["yes"] > 0.8

    def test_probabilities_outside_of_0_to_1_are_left_out(self, plan):
        rows = day(REFERENCE_DAYS, ROWS)
        rows.loc[: ROWS // 2, "proba"] = 7.0
        found = estimated(plan, rows)
        assert found.label_shift.valid
        assert estimated(plan, rows.assign(proba=7.0)).label_shift is None

    def test_a_prediction_that_the_reference_never_had_is_left_out(self, plan):
        rows = day(REFERENCE_DAYS, ROWS)
        rows.loc[:99, "pred"] = "perhaps"
        assert set(estimated(plan, rows).label_shift.estimate) == {"yes", "no"}

    def test_without_a_detector_on_labels_there_is_no_verdict_on_shares(self, plan):
        budgets = {kind: days for kind, days in plan.budgets.items() if kind is not Kind.LABEL}
        found = estimated(replace(plan, budgets=budgets), day(REFERENCE_DAYS, ROWS))
        assert (found.measurement, found.statistics) == (None, ())
        assert found.label_shift.valid
        nothing = estimated(replace(plan, budgets=budgets), day(REFERENCE_DAYS, ROWS).assign(proba=7.0))
        assert (nothing.measurement, nothing.label_shift) == (None, None)

    def test_one_class_alone_is_estimated(self, plan):
        rows = day(REFERENCE_DAYS, ROWS)
        found = estimated(plan, rows[rows["pred"] == "yes"]).label_shift
        assert found.estimate["yes"] > 0.6

    def test_few_labels_in_the_reference_teach_nothing(self, tmp_path):
        plan = self.plan_of(tmp_path, rows=110, count=1)
        assert plan.estimators is None
        assert estimated(plan, day(REFERENCE_DAYS)).label_shift is None

    def test_too_few_rows_are_not_estimated(self, plan):
        assert estimated(plan, day(REFERENCE_DAYS, 60)).label_shift is None

    def test_the_estimators_are_kept_exactly(self, plan):
        again = Estimators.from_bytes(plan.estimators.to_bytes())
        rows = day(REFERENCE_DAYS, ROWS)
        assert (
            estimated(replace(plan, estimators=again), rows).label_shift == estimated(plan, rows).label_shift
        )
        assert (
            estimated(replace(plan, estimators=again), rows).performance == estimated(plan, rows).performance
        )


class TestLines:
    def ran(self, folder, live, after=3 * DAY):
        labels = Memory(a=labels_of(live, after))
        reference = pd.concat([day(number, ROWS) for number in range(REFERENCE_DAYS + 4)], ignore_index=True)
        runs = Runs(model(folder, reference, Memory(a=live), labels, more=""))
        return runs, {line.window.key: line for line in runs.run(LIVE + 9 * DAY) if not line.restated}

    def test_label_shift_is_in_alarm_before_its_labels_come(self, tmp_path):
        first = REFERENCE_DAYS + 4
        live = pd.concat(
            [day(first, ROWS), *(shifted(first + number, 0.8) for number in (1, 2, 3))], ignore_index=True
        )
        runs, firsts = self.ran(tmp_path, live, after=30 * DAY)
        line = list(firsts.values())[-1]
        said = verdict(line, Kind.LABEL)
        assert said.state is State.ALARM
        assert "estimated from predictions" in said.reason
        assert line.labelled_rows == 0
        assert verdict(line, Kind.CONCEPT).state is State.UNKNOWN
        assert runs.state.pending

    def test_estimated_and_realised_stand_side_by_side(self, tmp_path):
        live = pd.concat([day(REFERENCE_DAYS + 4 + number, ROWS) for number in range(3)], ignore_index=True)
        runs, _ = self.ran(tmp_path, live, after=DAY / 24)
        runs.run(LIVE + 30 * DAY)
        line = next(iter(runs.ledger.values()))
        sources = {each.source for each in line.performance if each.metric == "accuracy"}
        assert sources == {"realised", ESTIMATED}
        assert set(line.class_shares) == {"reference", "observed", ESTIMATED}
        assert any(each.detector == ESTIMATED_SHARES for each in line.statistics)
        assert runs.state.estimates["accuracy"].windows == 3
