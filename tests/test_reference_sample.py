"""Rows of the reference, drawn in one scan."""

import numpy as np
import pandas as pd

from monitor.reference_sample import WINDOW, draw
from monitor.sources.base import Interval
from monitor.types import Window
from tests.run_model import DAY, START, Memory, days


def drawn(rows, interval, most=10_000):
    return draw(Memory(a=rows[:700], b=rows[700:]), interval, ("x",), ("colour",), most)


def test_only_rows_of_the_interval_are_drawn_and_each_time_the_same():
    rows = days(0, 4).sample(frac=1, random_state=1).reset_index(drop=True)
    rows.loc[3, "ts"] = pd.NaT
    interval = Interval("ts", "UTC", START + DAY, START + 3 * DAY)
    found = drawn(rows, interval)
    inside = rows["ts"].between(interval.start, interval.end, inclusive="left")
    assert len(found) == found.rows == inside.sum()
    np.testing.assert_allclose(np.sort(found.numbers[:, 0]), np.sort(rows["x"][inside].astype("float32")))
    few = drawn(rows, interval, 100)
    assert (len(few), few.rows) == (100, inside.sum())
    np.testing.assert_array_equal(few.hashes, found.hashes[:100])


def test_without_time_every_row_counts_and_without_its_column_none():
    rows = days(0, 2)
    assert drawn(rows, None).rows == len(rows)
    assert drawn(rows.drop(columns="ts"), Interval("ts", "UTC", None, None)).rows == 0


def test_each_row_tells_its_window():
    rows = days(0, 4)
    windows = [Window(START + number * DAY, START + (number + 1) * DAY) for number in range(3)]
    source = Memory(a=rows[:700], b=rows[700:])
    found = draw(source, Interval("ts", "UTC", START, None), ("x",), (), 10_000, windows)
    assert found.numeric == ("x", WINDOW)
    day_of = dict(zip(rows["x"].astype("float32"), (rows["ts"] - pd.Timestamp(START)).dt.days, strict=True))
    numbers = [day_of[x] for x in found.numbers[:, 0]]
    assert found.numbers[:, 1].tolist() == [number if number < 3 else -1 for number in numbers]
    few = draw(source, Interval("ts", "UTC", START, None), ("x",), (), 100)
    assert few.numeric == ("x",)


def test_a_file_is_a_window():
    rows = days(0, 1)
    source = Memory(a=rows[:100], b=rows[100:250], c=rows[250:])
    found = draw(source, None, ("x",), (), 10_000, [Window(None, None, "a"), Window(None, None, "b")])
    assert np.unique(found.numbers[:, 1], return_counts=True)[1].tolist() == [len(rows) - 250, 100, 150]
