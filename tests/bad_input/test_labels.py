"""Labels that are late, never, doubled, unknown, of one class; ids and probabilities that are wrong."""

import os
import re

import numpy as np
import pandas as pd
import pytest

from monitor.types import Kind, Reason
from tests.bad_input.world import (
    LABEL_KINDS,
    Case,
    Seen,
    World,
    live_rows,
    metric,
    statistics,
    untouched,
    write,
)

TRUTH = (
    'ground_truth: {source: {kind: files, path: "labels/*"}, id: id, label: y, '
    "timestamp: label_ts, horizon: 1d}"
)
THIRD = "2024-01-23T00:00:00Z"


def labels_of(day: int) -> pd.DataFrame:
    rows = live_rows(day)
    return rows[["id", "y"]].assign(label_ts=rows["ts"] + pd.Timedelta(hours=2))


def joined(world: World, change=lambda labels: labels, *, days: int = 3, after=lambda folder: None) -> Seen:
    """Live days whose labels come apart, two hours after the rows; `change` is to those of the second."""

    def prepare(folder):
        for day in range(days):
            write(folder / f"live/{day + 1}.parquet", live_rows(day).drop(columns="y"))
            labels = labels_of(day)
            write(folder / f"labels/{day + 1}.parquet", change(labels) if day == 1 else labels)
        after(folder)

    return world.run(prepare=prepare, truth=TRUTH)


@pytest.fixture(scope="module")
def apart(tmp_path_factory, shared):
    """The run without a fault in which the labels come apart."""
    seen = joined(World(tmp_path_factory.mktemp("apart"), shared))
    assert seen.ran.code == 0, seen.ran.err
    assert not any(line["problems"] for line in seen.ran.last.values())
    assert seen.second["final"]
    return seen


def states(line) -> dict[str, str]:
    return {each["kind"]: each["state"] for each in line["verdicts"]}


def realised(line) -> dict[str, dict]:
    """What labels tell of the performance, by metric."""
    return {each["metric"]: each for each in line["performance"] if each["source"] == "realised"}


class TestJoined:
    def test_the_clean_run_is_the_one_with_labels_in_the_rows(self, apart, clean):
        untouched(apart, clean, {""})
        assert apart.second["labelled_rows"] == clean.second["labelled_rows"] == 400

    def test_labels_for_unknown_ids(self, world, apart):
        """The other labels count; the strangers are told of when they come."""

        def strange(labels):
            return pd.concat([labels, labels.iloc[:30].assign(id=range(10**9, 10**9 + 30))])

        seen = joined(world, strange)
        text = (
            "30 labels came for ids in 'id' that no window awaits: the ids are unknown, "
            "or the labels are later than ground_truth.horizon"
        )
        assert seen.problems()["id", "unknown_id"] == text
        assert not seen.problems(seen.ran.last[THIRD])
        untouched(seen, apart, set())
        assert seen.second["performance"] == apart.second["performance"]

    def test_unknown_ids_are_counted_while_that_window_is_the_newest(self, world):
        def strange(labels):
            return labels.assign(id=labels["id"] + 10**9)

        seen = joined(world, strange, days=2)
        within = int((labels_of(1)["label_ts"] < pd.Timestamp(THIRD)).sum())
        assert seen.problems()["id", "unknown_id"].startswith(f"{within} labels came for ids in 'id'")
        assert states(seen.second)["performance"] == "unknown"
        metric(seen, Reason.UNKNOWN_ID)

    def test_two_labels_for_one_id_the_first_holds(self, world, apart):
        def contradicted(labels):
            second = labels.iloc[:12].assign(
                y=1 - labels["y"].iloc[:12], label_ts=labels["label_ts"].iloc[:12] + pd.Timedelta(hours=1)
            )
            return pd.concat([second, labels])

        seen = joined(world, contradicted)
        text = "12 ids came with several different labels; the first of each holds"
        assert seen.problems()["y", "duplicate_label"] == text
        untouched(seen, apart, set())
        assert seen.second["performance"] == apart.second["performance"]

    def test_the_same_label_twice_is_no_problem(self, world, apart):
        seen = joined(world, lambda labels: pd.concat([labels, labels]))
        assert not seen.problems()
        untouched(seen, apart, set())

    def test_labels_never(self, world, apart):
        seen = joined(world, lambda labels: labels.iloc[:0])
        assert seen.problems()["y", "no_labels"] == (
            "none of 400 rows got its label before the window was final"
        )
        assert (seen.second["final"], seen.second["labelled_rows"]) == (True, 0)
        assert {states(seen.second)[kind] for kind in LABEL_KINDS - {"label"}} == {"unknown"}
        assert states(seen.second)["label"] == "ok"  # predictions tell the class shares
        found = realised(seen.second)
        assert {each["reason"] for each in found.values()} == {"no_labels"}
        assert {each["value"] for each in found.values()} == {None}
        untouched(seen, apart, {"y", ""})

    def test_labels_after_the_horizon_are_told_and_count_for_none(self, world, apart):
        seen = joined(world, lambda labels: labels.assign(label_ts=labels["label_ts"] + pd.Timedelta(days=4)))
        assert (seen.second["final"], seen.second["labelled_rows"]) == (True, 0)
        assert states(seen.second)["label"] == "ok"
        assert {each["reason"] for each in realised(seen.second).values()} == {"no_labels"}
        untouched(seen, apart, {"y", ""})

    @pytest.mark.parametrize("type_", ["float64", "str"])
    def test_labels_of_another_type_that_mean_the_same(self, world, apart, type_):
        seen = joined(world, lambda labels: labels.assign(y=labels["y"].astype(type_)))
        assert seen.second["performance"] == apart.second["performance"]
        assert seen.second["label_shift"] == apart.second["label_shift"]

    def test_no_label_file_at_all(self, world, apart):
        def no_files(folder):
            for day in (0, 1):
                write(folder / f"live/{day + 1}.parquet", live_rows(day).drop(columns="y"))

        seen = world.run(prepare=no_files, truth=TRUTH)
        problems = seen.problems(seen.first)
        assert re.fullmatch(
            r"ground_truth: no file matches .*labels/\*; check the path, or wait for the first file",
            problems["", "no_files"],
        )
        assert problems["y", "no_labels"]
        untouched(seen, apart, {"y", ""})
        metric(seen, Reason.NO_LABELS)

    def test_few_labels(self, world, apart):
        seen = joined(world, lambda labels: labels.iloc[:99])
        assert seen.problems()["y", "too_few_labels"] == "99 labels, fewer than 100"
        assert {states(seen.second)[kind] for kind in LABEL_KINDS - {"label"}} == {"unknown"}
        untouched(seen, apart, {"y", ""})

    def test_label_files_without_the_label(self, world, apart):
        seen = joined(world, lambda labels: labels.drop(columns="y"))
        text = "ground_truth: 400 rows are in files without the column 'y'; they are left out"
        assert seen.problems(seen.first)["y", "absent_column"] == text
        assert seen.problems()["y", "no_labels"]
        untouched(seen, apart, {"y", ""})

    def test_labels_without_id_and_without_time(self, world, apart):
        def holes(labels):
            more = labels.iloc[:9].assign(label_ts=pd.NaT)
            nobody = labels.iloc[:4].assign(id=None)
            return pd.concat([labels, more, nobody]).astype({"id": "Int64"})

        seen = joined(world, holes)
        problems = seen.problems(seen.first)
        assert problems["id", "unknown_id"] == "ground_truth: 4 rows have no id in 'id'; they are left out"
        assert problems["label_ts", "no_timestamp"] == (
            "ground_truth: 9 rows have no time that can be read in 'label_ts'; "
            "they count as known when first read"
        )
        untouched(seen, apart, {"", "y"})

    def test_a_damaged_label_file(self, world, apart):
        def damage(folder):
            file = folder / "labels/2.parquet"
            file.write_bytes(file.read_bytes()[:-100])
            os.utime(file, (0, 0))

        seen = joined(world, after=damage)
        assert seen.problems(seen.first)["", "file_unreadable"].startswith(
            "ground_truth: 2.parquet: it cannot"
        )
        assert seen.ran.last[THIRD]["labelled_rows"] == 400


CASES = [
    Case(
        "one class only",
        "y",
        Reason.ONE_CLASS,
        "all 400 labels are '0'; what compares classes is undefined",
        live=lambda day: day.assign(y=0),
        opens={Kind.LABEL, Kind.PERFORMANCE, Kind.CONCEPT},
        touched={""},
    ),
    Case(
        "a class that is new",
        "y",
        Reason.UNSEEN_CLASS,
        "8 of 400 labels are of classes that the reference's labels lack, as '2'",
        live=lambda day: day.assign(y=day["y"].mask(np.arange(len(day)) < 8, 2)),
        touched={""},
    ),
    Case(
        "probabilities in per cent",
        "y_proba",
        Reason.BAD_PROBABILITY,
        r"probabilities in 'y_proba' reach from [\d.]+ to [\d.]+; they belong in \[0, 1\]",
        live=lambda day: day.assign(y_proba=100 * day["y_proba"]),
        opens={Kind.PREDICTION, Kind.QUALITY},
        touched={"", "y"},
    ),
    Case(
        "one probability above 1",
        "y_proba",
        Reason.BAD_PROBABILITY,
        r"probabilities in 'y_proba' reach from [\d.]+ to 1\.5; they belong in \[0, 1\]",
        live=lambda day: day.assign(y_proba=day["y_proba"].mask(np.arange(len(day)) < 1, 1.5)),
        touched={"", "y"},
    ),
    Case(
        "no prediction",
        "y_pred",
        Reason.NO_PREDICTION,
        "no labelled row has a prediction, so there is no error to judge",
        live=lambda day: day.assign(y_pred=pd.array([None] * len(day), "Int64")),
        opens={Kind.QUALITY},
        touched={"", "y"},
        more={("y_pred", Reason.ALL_MISSING): "column 'y_pred' has no value in 400 rows"},
    ),
    Case(
        "ids that repeat",
        "id",
        Reason.DUPLICATE_ID,
        "4 rows repeat an id in 'id'; all rows are counted, labels join the first row of each id",
        live=lambda day: day.assign(id=day["id"].where(np.arange(len(day)) >= 4, day["id"] + 10)),
        touched={"", "y"},
    ),
    Case(
        "no label in the reference",
        "y",
        Reason.NO_REFERENCE_LABELS,
        "the reference has no labels, so label shift, performance and concept drift are not judged",
        usual=lambda rows: rows.assign(y=pd.array([None] * len(rows), "Int64")),
        touched={""},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_label(case, world, clean):
    case.check(world, clean)


def test_what_one_class_leaves_undefined(world):
    seen = world.run(live=lambda day: day.assign(y=0))
    found = realised(seen.second)
    assert (found["roc_auc"]["value"], found["roc_auc"]["reason"]) == (None, "one_class")
    assert found["accuracy"]["value"] is not None
    assert not re.search(r'driftd_performance{metric="roc_auc".*source="realised"', seen.scrape)
    assert re.search(r'driftd_performance{metric="accuracy".*source="realised"', seen.scrape)


def test_what_bad_probabilities_leave_undefined(world):
    seen = world.run(live=lambda day: day.assign(y_proba=100 * day["y_proba"]))
    found = realised(seen.second)
    assert {found[name]["reason"] for name in ("roc_auc", "log_loss", "brier")} == {"bad_probability"}
    (told,) = [each for each in seen.second["statistics"] if each["detector"] == "estimated_shares"]
    assert (told["value"], told["reason"]) == (None, "bad_probability")
    assert seen.second["label_shift"] is None


def test_doubled_rows_all_count_and_labels_join_the_first(world, clean):
    seen = world.run(live=lambda day: pd.concat([day, day.iloc[:100]]))
    assert seen.second["rows"] == 500
    assert seen.problems()["id", "duplicate_id"].startswith("100 rows repeat an id in 'id'")
    assert seen.opened == {"quality"}
    metric(seen, Reason.DUPLICATE_ID)
    assert seen.second["labelled_rows"] == 400
    key = ("performance", "", "mean_error")
    assert statistics(seen.second)[key]["value"] == statistics(clean.second)[key]["value"]


def test_an_id_of_a_window_that_awaits_labels_is_a_duplicate_too(world):
    def again(folder):
        rows = live_rows(1).drop(columns="y").assign(id=live_rows(0)["id"])
        write(folder / "live/2.parquet", rows)

    seen = joined(world, after=again)
    assert seen.problems()["id", "duplicate_id"].startswith("400 rows repeat an id in 'id'")
    assert (seen.first["labelled_rows"], seen.second["labelled_rows"]) == (400, 0)
