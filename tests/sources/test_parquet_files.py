import pickle
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.sources.base import Interval
from monitor.sources.reading import BATCH_ROWS
from monitor.values import event_time, since_epoch

from .conftest import START, hourly, rows, values


def interval(start, end, zone="UTC"):
    return Interval("ts", zone, start, end)


def hours(first, last, zone="UTC"):
    return interval(START + timedelta(hours=first), START + timedelta(hours=last), zone)


@pytest.fixture
def grouped(folder):
    """100 hours in row groups of ten."""

    def write(table):
        pq.write_table(table, folder.path / "a.parquet", row_group_size=10)
        return folder.source()

    return write


def numbers(source, wanted):
    return [(number, row["x"]) for _, number, row in rows(source, ("ts", "x"), interval=wanted)]


def test_row_groups_outside_of_the_interval_are_left_out(grouped):
    source = grouped(hourly(100))
    assert numbers(source, hours(35, 52)) == [(number, number) for number in range(30, 60)]
    assert numbers(source, hours(30, 40)) == [(number, number) for number in range(30, 40)]
    assert numbers(source, hours(200, 300)) == []
    assert source.problems() == ()
    assert len(numbers(source, interval(None, START + timedelta(hours=10)))) == 10
    assert len(numbers(source, interval(START + timedelta(hours=90), None))) == 10


def test_row_numbers_hold_over_gaps(grouped):
    table = hourly(30)
    shuffled = pa.concat_tables(
        [table.slice(0, 10), table.slice(20, 10), table.slice(10, 10), table.slice(0, 10)]
    )
    assert [number for number, _ in numbers(grouped(shuffled), hours(0, 10))] == [*range(10), *range(30, 40)]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("tz", [None, "America/New_York"])
def test_every_unit_is_pruned(grouped, unit, tz):
    table = hourly(100, zone=tz)
    column = table.column("ts").cast(pa.timestamp(unit, tz))
    assert len(numbers(grouped(table.set_column(0, "ts", column)), hours(35, 52))) == 30


def test_times_without_a_zone_are_read_in_the_zone_of_the_interval(grouped):
    table = hourly(100, zone=None)
    found = numbers(grouped(table), hours(35, 52, "America/New_York"))  # five hours behind: 30 to 47
    assert [number for number, _ in found] == list(range(30, 50))


def test_no_row_of_the_interval_is_lost_where_the_clock_changes(grouped):
    local = pa.array([datetime(2024, 10, 26, 20) + timedelta(minutes=15 * step) for step in range(80)])  # noqa: DTZ001
    source = grouped(pa.table({"ts": local, "x": list(range(80))}))
    zone = "Europe/Berlin"
    for step in range(60):
        start = datetime(2024, 10, 26, 18, tzinfo=UTC) + timedelta(minutes=20 * step)
        wanted = interval(start, start + timedelta(minutes=20), zone)
        kept = {number for number, _ in numbers(source, wanted)}
        micros = event_time(local, zone).micros
        inside = (micros >= since_epoch(wanted.start)) & (micros < since_epoch(wanted.end))
        assert set(np.flatnonzero(inside).tolist()) <= kept


def test_dates_are_pruned(grouped):
    days = pa.array([START.date() + timedelta(days=day) for day in range(100)])
    assert len(numbers(grouped(pa.table({"ts": days, "x": list(range(100))})), hours(24, 48))) == 10


@pytest.mark.parametrize(
    "column",
    [
        pa.array([str(START + timedelta(hours=hour)) for hour in range(20)]),
        pa.array([int(START.timestamp()) + 3600 * hour for hour in range(20)]),
        pa.nulls(20, pa.timestamp("us")),
    ],
    ids=["text", "integer", "null"],
)
def test_where_statistics_tell_no_times_everything_is_read(grouped, column):
    assert len(numbers(grouped(pa.table({"ts": column, "x": list(range(20))})), hours(0, 1))) == 20


def test_without_statistics_everything_is_read(folder):
    pq.write_table(hourly(20), folder.path / "a.parquet", row_group_size=10, write_statistics=False)
    assert len(numbers(folder.source(), hours(0, 1))) == 20


def test_old_int96_times_are_read(folder):
    pq.write_table(
        hourly(20), folder.path / "a.parquet", row_group_size=10, use_deprecated_int96_timestamps=True
    )
    assert len(numbers(folder.source(), hours(0, 1))) == 20


def test_a_file_without_the_timestamp_is_read(folder):
    folder.write("a.parquet", {"x": [1]})
    assert values(folder.source(), interval=hours(0, 1)) == [1]


def test_large_row_groups_come_in_slices(folder):
    count = BATCH_ROWS * 2 + 5
    folder.write("a.parquet", {"x": np.arange(count)})
    batches = list(folder.source().scan(("x",)))
    assert [batch.rows.num_rows for batch in batches] == [BATCH_ROWS, BATCH_ROWS, 5]
    assert [batch.offset for batch in batches] == [0, BATCH_ROWS, 2 * BATCH_ROWS]
    assert batches[2].rows.column("x").to_pylist() == list(range(2 * BATCH_ROWS, count))


def test_texts_that_repeat_stay_dictionaries(folder):
    folder.write(
        "a.parquet", {"x": ["low", "high"] * 500, "id": [f"order-number-{row}" for row in range(1000)]}
    )
    (batch,) = folder.source().scan(("x", "id"))
    assert pa.types.is_dictionary(batch.rows.schema.field("x").type)
    assert batch.rows.schema.field("id").type == pa.string()
    assert batch.rows.column("x").to_pylist()[:2] == ["low", "high"]


def test_names_with_dots_and_nested_columns(folder):
    folder.write("a.parquet", {"a": [1], "a.b": [2], "s": [{"c": "x"}], "l": [["y"]]})
    assert [row for *_, row in rows(folder.source(), ("a",))] == [{"a": 1}]
    assert [row for *_, row in rows(folder.source(), ("s", "l", "a.b"))] == [
        {"a.b": 2, "s": {"c": "x"}, "l": ["y"]}
    ]


def test_parameters_survive_a_worker(folder):
    parameters = folder.source()._parameters
    assert pickle.loads(pickle.dumps(parameters)) == parameters
