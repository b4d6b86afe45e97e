"""Live rows in one pass: which window each belongs to, what is kept of it, and how much at once."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from monitor import scan as scanning
from monitor.rows import Classes
from monitor.scan import chunks, scan, wanted
from monitor.types import Problem, Reason, Task, Window
from monitor.windows import micros
from tests.run_model import DAY, LIVE, REFERENCE_DAYS, START, Memory, day, days, model


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return model(tmp_path_factory.mktemp("scan"), days(0, REFERENCE_DAYS), Memory())


def windows(count: int, first: int = 10) -> tuple[Window, ...]:
    return tuple(
        Window(START + number * DAY, START + (number + 1) * DAY) for number in range(first, first + count)
    )


def scanned(plan, live, count=2):
    names = [entry.name for entry in live.files()]
    return scan(replace(plan, live=live), windows(count), names, Classes(("no", "yes")), 1)


def test_each_row_is_in_its_window_whatever_the_order_and_the_file(plan):
    rows = days(10, 2).sample(frac=1, random_state=3)
    one, other = scanned(plan, Memory(a=rows[:333], b=rows[333:])).windows
    expected = days(10, 2)
    assert (one.profile.rows, other.profile.rows) == (300, 300)
    assert sum(one.files.values()) == sum(other.files.values()) == 300
    assert sorted(one.rows.times.tolist()) == [micros(ts.to_pydatetime()) for ts in expected["ts"][:300]]
    assert one.profile.columns["x"].observed == 300
    assert one.profile.columns["x"].low == expected["x"][:300].min()


def test_rows_outside_of_all_windows_are_left_out(plan):
    rows = pd.concat([days(9, 4), day(10).assign(ts=pd.NaT)])
    assert [each.profile.rows for each in scanned(plan, Memory(a=rows)).windows] == [300, 300]


def test_labels_and_predictions_are_class_codes_and_a_new_class_gets_the_next(plan):
    rows = day(10)
    rows.loc[5, "y"] = "perhaps"
    rows.loc[6, "y"] = None
    classes = Classes(("no", "yes"))
    live = Memory(a=rows)
    found = scan(replace(plan, live=live), windows(1), ["a"], classes, 1).windows[0].rows
    assert classes.names == ("no", "yes", "perhaps")
    assert found.labels[5] == 2.0
    assert np.isnan(found.labels[6])
    assert found.predictions.tolist() == [float(each == "yes") for each in rows["pred"]]
    np.testing.assert_allclose(found.scores[:, 0], rows["proba"], rtol=1e-6)


def test_ids_that_are_missing_are_not_identified(plan):
    rows = day(10)
    rows["id"] = rows["id"].where(rows.index >= 10)
    (found,) = scanned(plan, Memory(a=rows), 1).windows
    assert found.rows.identified.sum() == 290
    assert found.unique_ids == 290


def test_only_the_named_files_are_opened_and_their_faults_told(plan):
    live = Memory(a=day(10), b=day(11), c=day(12))
    live.faults["b"] = Problem("", Reason.FILE_UNREADABLE, "b: broken")
    found = scan(replace(plan, live=live), windows(2), ["a", "b"], Classes(()), 1)
    assert live.opened == ["a", "b"]
    assert found.problems == (live.faults["b"],)
    assert [each.profile.rows for each in found.windows] == [300, 0]


def test_an_empty_window_has_as_many_scores_as_others(plan):
    (found,) = scanned(plan, Memory(a=day(99)), 1).windows
    assert found.rows.scores.shape == (0, 1)


def test_columns_that_are_not_measured_are_not_read(plan):
    assert set(wanted(plan, rows_needed=True)) == {"ts", "id", "x", "colour", "pred", "proba", "y"}
    live = Memory(a=day(10, more=1.0))
    batches = replace(plan, live=live).live.scan(wanted(plan, rows_needed=True))
    assert "more" not in next(batches).rows.schema.names


def test_versions_are_counted_by_window(plan):
    named = replace(plan, names=replace(plan.names, version="version"))
    rows = days(10, 2).assign(version=["v1"] * 400 + ["v2"] * 200)
    one, other = scanned(named, Memory(a=rows)).windows
    assert one.versions == {"v1": 300}
    assert other.versions == {"v1": 100, "v2": 200}


def test_infinite_numbers_are_neither_label_nor_prediction(plan):
    numbers = replace(plan, target=replace(plan.target, task=Task.REGRESSION))
    rows = day(10).assign(y=1.5, pred=2.5)
    rows.loc[0, "y"] = np.inf
    rows.loc[1, "pred"] = -np.inf
    (found,) = scanned(numbers, Memory(a=rows), 1).windows
    assert np.isnan(found.rows.labels[0])
    assert np.isnan(found.rows.predictions[1])
    assert found.rows.labels[2:].tolist() == [1.5] * 298


class TestChunks:
    def test_hold_so_many_windows_as_rows_allow(self, plan, monkeypatch):
        monkeypatch.setattr(scanning, "CHUNK_ROWS", 1000)
        found = list(chunks(plan, windows(10), 3000.0))
        assert [len(each) for each in found] == [3, 3, 3, 1]
        assert [each for chunk in found for each in chunk] == list(windows(10))

    def test_a_window_of_many_rows_is_alone(self, plan):
        assert {len(each) for each in chunks(plan, windows(3), 1e9)} == {1}

    def test_windows_of_few_rows_are_read_together(self, plan):
        assert [len(each) for each in chunks(plan, windows(300), 10.0)] == [256, 44]

    def test_files_are_read_one_by_one(self, plan):
        files = (Window(None, None, "a"), Window(None, None, "b"))
        assert list(chunks(replace(plan, calendar=None), files, 0.0)) == [(each,) for each in files]


def test_rows_before_the_live_start_are_in_no_window(plan):
    noon = LIVE + DAY / 2
    (found,) = scanned(replace(plan, live_start=noon), Memory(a=day(10)), 1).windows
    assert found.profile.rows == (day(10)["ts"] >= pd.Timestamp(noon)).sum()


def test_a_file_without_times_has_no_row_in_any_window(plan):
    table = pa.Table.from_pandas(day(10).drop(columns="ts"), preserve_index=False)
    live = Memory()
    live.put("a", table)
    assert [each.profile.rows for each in scanned(plan, live).windows] == [0, 0]
