"""A changed relation of label and features opens concept drift, though the error rate may stay."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import special

from monitor.types import Kind, Reason
from tests.run_model import DAY, HOUR, START, Memory, Runs, labels_of, model, statistic, verdict

REFERENCE_DAYS = 40
ROWS = 400
LIVE = START + REFERENCE_DAYS * DAY
QUIET = 6
SLOPES = np.array([1.2, 1.2])


def day(number, slopes=SLOPES, rows=ROWS):
    """The label depends on a and b, not on c; the model knows the slopes of the reference."""
    random = np.random.default_rng(number)
    x = random.normal(size=(rows, 3))
    proba = special.expit(x[:, :2] @ SLOPES)
    y = random.random(rows) < special.expit(x[:, :2] @ slopes)
    offsets = np.sort(random.uniform(0, 86_400, rows)).astype(int)
    return pd.DataFrame(
        {
            "ts": pd.Timestamp(START + number * DAY) + pd.to_timedelta(offsets, unit="s"),
            "id": np.arange(rows) + number * 100_000,
            "a": x[:, 0],
            "b": x[:, 1],
            "c": x[:, 2],
            "place": random.choice(["north", "south"], rows),
            "pred": np.where(proba > 0.5, "yes", "no"),
            "proba": proba,
            "y": np.where(y, "yes", "no"),
        }
    )


def days(first, count, **how):
    return pd.concat([day(number, **how) for number in range(first, first + count)], ignore_index=True)


def same_error(number):
    """The label depends more on a and less on b, and as many predictions are wrong."""
    return day(number, slopes=np.array([3.5, 0.4]))


def other_shares(number):
    """Twice as many rows of yes, each as before given its label."""
    rows = day(number, rows=4 * ROWS)
    weight = np.where(rows["y"] == "yes", 4.0, 1.0)
    chosen = np.random.default_rng(number).choice(len(rows), ROWS, replace=False, p=weight / weight.sum())
    return rows.iloc[np.sort(chosen)].reset_index(drop=True)


@pytest.fixture(scope="module")
def reference():
    return days(0, REFERENCE_DAYS)


@pytest.fixture(scope="module")
def plan(tmp_path_factory, reference):
    return model(tmp_path_factory.mktemp("relation"), reference, Memory())


def run(plan, how, count=4):
    """Some quiet days, then days of this kind; the line of each."""
    first = REFERENCE_DAYS + QUIET
    live = pd.concat([days(REFERENCE_DAYS, QUIET), *(how(first + number) for number in range(count))])
    return Runs(replace(plan, live=Memory(a=live))).run(LIVE + (QUIET + count) * DAY + HOUR)


def concept(line):
    return verdict(line, Kind.CONCEPT)


def score_vector(line):
    return statistic(line, "", "score_vector")


def accuracy(line):
    return next(each.value for each in line.performance if each.metric == "accuracy")


@pytest.fixture(scope="module")
def changed(plan):
    return run(plan, same_error)


def test_quiet_days_are_quiet(changed):
    for line in changed[:QUIET]:
        assert not concept(line).alarm
        found = score_vector(line)
        assert found.value < found.threshold
        assert not found.drifted


def test_a_relation_that_changes_at_the_same_error_rate_opens_concept_drift(changed):
    before, after = (
        np.mean([accuracy(line) for line in part]) for part in (changed[:QUIET], changed[QUIET:])
    )
    assert abs(before - after) < 0.03
    opening = concept(changed[QUIET])
    assert opening.alarm
    assert opening.since == LIVE + QUIET * DAY
    assert score_vector(changed[QUIET]).drifted
    assert opening.reason.startswith("the label depends otherwise on ")
    assert {"a", "b"} >= set(opening.columns) > set()
    assert not any(verdict(line, Kind.PERFORMANCE).alarm for line in changed)


def test_other_class_shares_open_no_concept_drift(plan):
    lines = run(plan, other_shares)
    assert any(verdict(line, Kind.LABEL).alarm for line in lines)
    assert not any(concept(line).alarm for line in lines)


def test_while_inputs_are_in_alarm_the_statistic_informs(plan):
    def both(number):
        rows = same_error(number)
        return rows.assign(c=rows["c"] + 3.0)

    lines = run(plan, both)
    assert all(verdict(line, Kind.COVARIATE).alarm for line in lines[QUIET:])
    assert any(score_vector(line).drifted for line in lines[QUIET:])
    assert not any(concept(line).alarm for line in lines)


def test_days_that_the_reference_had_are_no_change(tmp_path, plan):
    """Every eighth day of the reference had another relation: one more such day is no concept drift."""
    odd = np.array([-0.2, 0.2])
    usual = [day(number, odd if number % 8 == 3 else SLOPES) for number in range(REFERENCE_DAYS)]
    knowing = model(tmp_path, pd.concat(usual, ignore_index=True), Memory())
    calm, used = (run(each, lambda number: day(number, odd), 1)[-1] for each in (plan, knowing))
    assert score_vector(calm).drifted
    assert not score_vector(used).drifted


def test_late_labels_tell_the_same(plan, tmp_path, reference, changed):
    first = REFERENCE_DAYS + QUIET
    live = pd.concat([days(REFERENCE_DAYS, QUIET), *(same_error(first + number) for number in range(4))])
    labels = Memory(a=labels_of(live, 10 * HOUR))
    late = model(tmp_path, reference, Memory(a=live.drop(columns="y")), labels)
    runs = Runs(late)
    for hours in range(1, 24 * (QUIET + 8), 5):
        runs.run(LIVE + hours * HOUR)
    found = list(runs.ledger.values())
    assert [score_vector(line) for line in found] == [score_vector(line) for line in changed]
    assert [concept(line).alarm for line in found] == [concept(line).alarm for line in changed]


def test_few_labels_are_not_judged(plan, tmp_path, reference):
    live = same_error(REFERENCE_DAYS)
    labels = Memory(a=labels_of(live[:40], HOUR))
    late = model(tmp_path, reference, Memory(a=live.drop(columns="y")), labels)
    line = Runs(late).run(LIVE + 10 * DAY)[-1]
    assert score_vector(line).reason is Reason.TOO_FEW_LABELS
    nothing = model(
        tmp_path / "none", reference, Memory(a=live.drop(columns="y")), Memory(a=labels_of(live[:0], HOUR))
    )
    line = Runs(nothing).run(LIVE + 10 * DAY)[-1]
    assert score_vector(line).reason is Reason.NO_LABELS


def test_labels_of_classes_that_the_reference_lacks_are_left_out(plan):
    rows = day(REFERENCE_DAYS)
    rows["y"] = "maybe"
    line = Runs(replace(plan, live=Memory(a=rows))).run(LIVE + DAY + HOUR)[-1]
    assert score_vector(line).reason is Reason.UNSEEN_CLASS


def test_features_that_are_encoded_otherwise_are_not_compared(tmp_path, reference):
    live = day(REFERENCE_DAYS)
    labels = Memory(a=labels_of(live, DAY))
    late = model(tmp_path, reference, Memory(a=live.drop(columns="y")), labels)
    other = model(tmp_path / "other", reference.drop(columns="place"), Memory())
    runs = Runs(late)
    runs.run(LIVE + DAY + HOUR)
    runs.plan = replace(late, relation=other.relation)
    line = runs.run(LIVE + 10 * DAY)[-1]
    assert line.labelled_rows == ROWS
    assert score_vector(line).reason is Reason.UNDEFINED
