from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable
from store_records import MODEL, commit, evaluation

from monitor.store.schema import EPOCH, Moment, insert_absent, metadata, now, upsert, windows
from monitor.types import Kind, Statistic


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=str)
def test_every_table_and_statement_is_one_that_postgresql_takes(table):
    dialect = postgresql.dialect()
    assert str(CreateTable(table).compile(dialect=dialect)).strip().startswith("CREATE TABLE")
    assert "ON CONFLICT DO NOTHING" in str(insert_absent(table, "postgresql").compile(dialect=dialect))


def test_an_upsert_keeps_the_number_of_a_window():
    text = str(upsert(windows, "postgresql").compile(dialect=postgresql.dialect()))
    assert "ON CONFLICT (model, key) DO UPDATE" in text
    assert "SET id" not in text


def test_the_clock_is_the_databases(store):
    with store._database.read() as connection:
        seconds = connection.execute(select(now("sqlite"))).scalar()
    assert abs(seconds - datetime.now(UTC).timestamp()) < 60
    assert "clock_timestamp" in str(select(now("postgresql")).compile(dialect=postgresql.dialect()))


@pytest.mark.parametrize(
    "moment",
    [
        EPOCH,
        EPOCH - timedelta(microseconds=1),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ],
)
def test_moments_are_exact_to_the_microsecond(moment):
    column = Moment()
    stored = column.process_bind_param(moment, None)
    assert column.process_result_value(stored, None) == moment


def test_a_statistic_takes_few_bytes(store):
    """So that 1,000 columns with 5 statistics each over 2,000 windows fit in 600 MB."""
    names = [f"a_column_with_a_long_name_{number}" for number in range(500)]
    pages = []
    for day in range(5):
        many = tuple(
            Statistic(Kind.COVARIATE, name, detector, 1 / (day + 3), 0.06123, 0.0123)
            for name in names
            for detector in ("psi", "ks")
        )
        store.commit(commit(day, evaluations=(evaluation(day, statistics=many),)))
        with store._database.read() as connection:
            pages.append(connection.exec_driver_sql("PRAGMA page_count").scalar())
    assert (pages[-1] - pages[0]) * 4096 / (4 * 1000) < 60


def test_models_are_referred_to(store):
    store.commit(commit(0))
    with store._database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() == []
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    assert store.models() == (MODEL,)
