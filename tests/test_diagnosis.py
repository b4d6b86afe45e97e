"""A correlation that breaks opens an alarm, and a classifier tells why."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from monitor import diagnosis
from monitor.stats.domain_classifier import separate
from monitor.types import Kind
from tests.run_model import DAY, LIVE, START, Memory, Runs, model, problems, verdict

REFERENCE_DAYS = 30
COLUMNS = "timestamp: ts"
FIRST = START + REFERENCE_DAYS * DAY


def day(number, *, broken=False, moved=0.0, rows=200):
    """Wet and dry follow each other, wind does not; in a broken day wet is shuffled over the rows."""
    random = np.random.default_rng(number)
    dry = random.normal(size=rows)
    wet = 0.9 * dry + 0.44 * random.normal(size=rows)
    if broken:
        wet = random.permutation(wet)
    return pd.DataFrame(
        {
            "ts": pd.Timestamp(START + number * DAY)
            + pd.to_timedelta(np.arange(rows) * 86_400 // rows, unit="s"),
            "dry": dry,
            "wet": wet,
            "wind": random.normal(size=rows) + moved,
            "place": random.choice(["north", "south"], rows),
        }
    )


def days(first, count, **how):
    return pd.concat([day(number, **how) for number in range(first, first + count)], ignore_index=True)


def plan_of(folder, live, columns=COLUMNS, more=""):
    rows = days(0, REFERENCE_DAYS)
    return model(folder, rows, Memory(a=live), columns=columns, more=more)


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """Twelve quiet days, then four in which wet is shuffled."""
    live = pd.concat([days(REFERENCE_DAYS, 12), days(REFERENCE_DAYS + 12, 4, broken=True)])
    return plan_of(tmp_path_factory.mktemp("broken"), live)


@pytest.fixture(scope="module")
def lines(broken):
    return Runs(broken).run(FIRST + 20 * DAY)


def covariate(line):
    return verdict(line, Kind.COVARIATE)


def test_pairs_are_the_numeric_features(broken):
    assert broken.panels.pairs == (("dry", "wet"), ("dry", "wind"), ("wet", "wind"))


def test_a_correlation_that_breaks_opens_the_alarm_and_names_both_columns(lines):
    assert len(lines) == 16
    assert not any(covariate(line).alarm for line in lines[:12])
    opening = covariate(lines[12])
    assert opening.alarm
    assert opening.columns[:2] == ("dry", "wet")
    assert opening.reason.startswith("dry and wet: correlation 0.9")
    assert "not by chance" in opening.reason


def test_the_classifier_is_told_when_the_alarm_opens_and_not_again(lines):
    told = "; a classifier tells these rows from the reference's with AUC 0."
    assert told in covariate(lines[12]).reason
    assert {"dry", "wet"} == {*covariate(lines[12]).reason.rsplit(" by ", 1)[1].split(", ")}
    assert all(covariate(line).alarm for line in lines[13:])
    assert not any(told in covariate(line).reason for line in lines[13:])


def test_runs_in_steps_say_the_same(broken, lines):
    runs = Runs(broken)
    found = [line for number in range(1, 21) for line in runs.run(FIRST + number * DAY)]
    assert [covariate(line) for line in found] == [covariate(line) for line in lines]


def test_diagnosis_decides_nothing(broken, lines):
    without = Runs(replace(broken, reference_sample=None)).run(FIRST + 20 * DAY)

    def decided(line):
        found = covariate(line)
        return replace(found, reason=found.reason.partition("; a classifier")[0])

    assert [decided(line) for line in without] == [decided(line) for line in lines]


def test_a_column_that_moves_names_the_alarm_and_not_its_pairs(tmp_path):
    plan = plan_of(tmp_path, days(REFERENCE_DAYS, 1, moved=2.0))
    (line,) = Runs(plan).run(FIRST + 2 * DAY)
    assert covariate(line).columns == ("wind",)
    assert " with AUC 0.9" in covariate(line).reason
    assert covariate(line).reason.endswith(" by wind")


def test_a_diagnosis_that_fails_is_told_and_the_alarm_stands(broken, lines, monkeypatch):
    def failing(*_):
        raise OSError(28, "what it says may hold values")

    monkeypatch.setattr(diagnosis, "separate", failing)
    found = Runs(broken).run(FIRST + 20 * DAY)
    assert covariate(found[12]).alarm
    assert "classifier" not in covariate(found[12]).reason
    assert (
        problems(found[12])["detector_failed"]
        == "the diagnosis of the alarm failed: OSError; the alarm stands"
    )
    assert [covariate(line).alarm for line in found] == [covariate(line).alarm for line in lines]


def test_too_few_rows_are_diagnosed_in_silence(broken, monkeypatch):
    def few(reference, live, variant):
        return separate(reference, live.take(np.arange(10)), variant)

    monkeypatch.setattr(diagnosis, "separate", few)
    found = Runs(broken).run(FIRST + 20 * DAY)[12]
    assert covariate(found).alarm
    assert "classifier" not in covariate(found).reason
    assert "detector_failed" not in problems(found)


def test_the_reference_is_read_once_for_all_alarms_and_only_after_one(broken):
    asked = []

    def drawn():
        asked.append(True)
        return broken.reference_sample()

    Runs(replace(broken, reference_sample=drawn)).run(FIRST + 12 * DAY)
    assert not asked
    Runs(replace(broken, reference_sample=drawn)).run(FIRST + 20 * DAY)
    assert len(asked) == 1
    assert broken.reference_sample() is broken.reference_sample()


def test_private_columns_show_no_value(tmp_path):
    columns = f"{COLUMNS}, features: {{private: [wet]}}"
    plan = plan_of(tmp_path, days(REFERENCE_DAYS, 1, broken=True), columns)
    (line,) = Runs(plan).run(FIRST + 2 * DAY)
    assert covariate(line).reason.startswith("dry and wet: correlation 0.9")


@pytest.mark.parametrize("least", [0.2, 9])
def test_a_change_of_correlation_below_the_least_is_not_material(tmp_path, least):
    rows = days(0, REFERENCE_DAYS, rows=1000).drop(columns="place")
    live = days(REFERENCE_DAYS, 1, rows=1000, broken=True).drop(columns="place")
    more = f"alarms: {{min_effect: {{correlation: {least}}}}}"
    plan = model(tmp_path, rows, Memory(a=live), columns=COLUMNS, more=more)
    (line,) = Runs(plan).run(FIRST + 2 * DAY)
    assert covariate(line).score >= 1
    assert covariate(line).alarm is (least < 1)
    assert covariate(line).columns[:2] == ("dry", "wet")


def test_one_numeric_feature_makes_no_pair(tmp_path):
    live = days(REFERENCE_DAYS, 1)
    rows = days(0, REFERENCE_DAYS).drop(columns=["wet", "wind"])
    plan = model(tmp_path, rows, Memory(a=live), columns=COLUMNS)
    assert plan.panels.pairs == ()
    (line,) = Runs(plan).run(LIVE + 40 * DAY)
    assert not covariate(line).alarm


def test_of_a_regression_the_category_that_moved_is_named(tmp_path):
    """The sample of a regression holds predictions, too, which are no feature."""

    def priced(rows):
        return rows.assign(pred=100 + rows["dry"], y=100 + rows["dry"] + 0.1 * rows["wind"])

    live = priced(days(REFERENCE_DAYS, 1))
    live["place"] = np.where(live["place"] == "north", "south", live["place"])
    plan = model(
        tmp_path,
        priced(days(0, REFERENCE_DAYS)),
        Memory(a=live),
        columns="timestamp: ts, prediction: pred, label: y",
        more="task: regression\n",
    )
    assert plan.losses is not None
    (line,) = Runs(plan).run(FIRST + 2 * DAY)
    assert covariate(line).reason.endswith(" by place")
