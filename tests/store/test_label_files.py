"""Files of labels that were read: each tick writes the rows that differ, together with all else of it."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from store_records import MODEL, START, commit, state

from monitor.state import LabelFile
from monitor.store import Store

KNOWN = {f"{number:05}.parquet": LabelFile("1", START + timedelta(hours=number)) for number in range(5000)}


def tick(day, label_files):
    return commit(day, state=replace(state(day), label_files=label_files))


@pytest.fixture
def written(store, tmp_path):
    """Every row of `label_files` that was written or deleted since the 5,000 known ones, by name."""
    store.commit(tick(0, KNOWN))
    with closing(sqlite3.connect(tmp_path / "driftd.db")) as connection:
        connection.execute("CREATE TABLE written (what TEXT, name TEXT)")
        for what, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
            connection.execute(
                f"CREATE TRIGGER on_{what} AFTER {what} ON label_files "
                f"BEGIN INSERT INTO written VALUES ('{what}', {row}.name); END"
            )
        connection.commit()
        yield lambda: connection.execute("SELECT what, name FROM written ORDER BY name").fetchall()


def test_one_new_file_among_5000_known_ones_is_one_row(store, written):
    grown = {**KNOWN, "new.parquet": LabelFile("1", START)}
    store.commit(tick(1, grown))
    assert written() == [("INSERT", "new.parquet")]
    assert store.state(MODEL).label_files == grown


def test_a_tick_without_a_new_file_writes_none(store, written):
    store.commit(tick(1, dict(KNOWN)))
    assert written() == []


def test_what_changed_and_what_is_gone_is_written_by_a_store_opened_anew_too(store, written, url):
    after = {**KNOWN, "00007.parquet": LabelFile("2", START)}
    del after["00009.parquet"]
    with Store.open(url) as again:
        again.commit(tick(1, after))
    assert written() == [("UPDATE", "00007.parquet"), ("DELETE", "00009.parquet")]
    assert store.state(MODEL).label_files == after


def test_a_tick_after_one_of_another_process_writes_what_differs_from_that(store, written, url):
    other, own = LabelFile("1", START), LabelFile("2", START)
    with Store.open(url) as elsewhere:
        elsewhere.commit(tick(1, {**KNOWN, "other": other}))
    store.commit(tick(2, {**KNOWN, "own": own}))
    assert written() == [("INSERT", "other"), ("DELETE", "other"), ("INSERT", "own")]
    assert store.state(MODEL).label_files == {**KNOWN, "own": own}


def test_the_text_of_the_state_does_not_grow_with_the_files(store, tmp_path):
    sizes = []
    for files in ({}, KNOWN):
        store.commit(tick(0, files))
        with closing(sqlite3.connect(tmp_path / "driftd.db")) as connection:
            sizes += connection.execute("SELECT length(state) FROM states").fetchone()
    assert sizes[0] == sizes[1]


def test_a_tick_that_fails_leaves_the_files_of_the_tick_before(store):
    def fail(point):
        if point == "before_commit":
            raise RuntimeError(point)

    first, second = {"a": LabelFile("1", START)}, {"b": LabelFile("1", START)}
    store.commit(tick(0, first))
    with pytest.raises(RuntimeError, match="before_commit"):
        store.commit(tick(1, second), fail)
    assert store.state(MODEL) == replace(state(0), label_files=first)
    store.commit(tick(1, second))
    assert store.state(MODEL) == replace(state(1), label_files=second)


def test_two_models_with_files_of_the_same_name_keep_apart(store):
    store.commit(tick(0, {"a": LabelFile("1", START)}))
    other = replace(state(0, model="other"), label_files={"a": LabelFile("2", START)})
    store.commit(commit(0, model="other", evaluations=(), profiles={}, alarms=(), state=other))
    store.commit(tick(1, {}))
    assert store.state(MODEL).label_files == {}
    assert store.state("other").label_files == other.label_files
