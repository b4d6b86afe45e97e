"""Rows of the reference, drawn in one scan."""

import numpy as np
import pandas as pd

from monitor.reference_sample import draw
from monitor.sources.base import Interval
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
