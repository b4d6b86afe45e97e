import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from sqlalchemy import text
from store_records import DAY, MODEL, START, alarm, commit, pending, same_state, state, window

from monitor.errors import StoreError
from monitor.state import Acceptance, LabelFile
from monitor.store import Store, migrations
from monitor.types import Kind, Reason

READ = '1 ["id", "y", "known", "UTC"]'
"""The version under which a file of labels was read: its own, and what was read of it."""
VERSION_1 = Path(__file__).with_name("version_1.sql")
"""A store as the first schema wrote it: two days, one pending window, a reference; alarms not calibrated."""
LABEL_FILES = Path(__file__).with_name("version_1_label_files.sql")
"""A later store of the first schema: one model with three files of labels in its state, one without any."""
WRITTEN = {number: Path(__file__).with_name(f"version_{number}.sql") for number in (2, 3)}
"""A store as each later schema wrote it, the same with a file of labels; in the third a day was accepted."""


def execute(file, script):
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(script)


@pytest.fixture
def old(tmp_path):
    execute(tmp_path / "driftd.db", VERSION_1.read_text())
    return tmp_path / "driftd.db"


@pytest.fixture
def with_label_files(tmp_path):
    execute(tmp_path / "driftd.db", LABEL_FILES.read_text(encoding="utf-8"))
    return tmp_path / "driftd.db"


def awaiting(day):
    """A pending window as it was before features waited for their labels."""
    nothing = pending(day, rows=0)
    return replace(pending(day), sampled=nothing.sampled, features=np.zeros((0, 0), np.float16), moved=False)


def layout(file):
    with closing(sqlite3.connect(file)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f"PRAGMA table_info('{name}')").fetchall() for name in names}


def test_a_store_of_the_first_schema_is_read_and_written(old, url):
    with Store.open(url) as store:
        before = replace(commit(1, windows=[replace(awaiting(1), readings={})]).state, memories={})
        assert same_state(store.state(MODEL), before)
        lines = [*commit(0).evaluations, *commit(1).evaluations]
        assert store.evaluations(MODEL) == [replace(each, promises=()) for each in lines]
        assert store.alarms(MODEL) == (alarm(0), alarm(1))
        assert store.alarms_opened(MODEL) == {Kind.COVARIATE: 2}
        assert store.reference(MODEL, "fingerprint") == b"reference"
        assert store.profile(MODEL, window(1).key) == b"profile 1"
        store.commit(commit(2))
        assert len(store.evaluations(MODEL)) == 3


class TestLabelFiles:
    """From schema 1 to 2: out of the state's text, into rows."""

    FILES: ClassVar = {
        "2024/old.parquet": LabelFile(READ, START + timedelta(hours=7, microseconds=5)),
        "2024/recent.parquet": LabelFile(READ, START + 3 * DAY),
        "2024/übrig '1'.csv": LabelFile(READ, START),
    }

    def test_they_are_those_that_the_state_had(self, with_label_files, url):
        with Store.open(url) as store:
            whole = replace(commit(1, windows=[awaiting(1)]).state, label_files=self.FILES)
            assert same_state(store.state(MODEL), whole)
            assert store.state("other") == state(0, model="other", files=())

    def test_they_change_from_there(self, with_label_files, url):
        left = {"2024/recent.parquet": LabelFile("2", START), "new": LabelFile(READ, START)}
        with Store.open(url) as store:
            store.commit(commit(2, state=replace(state(2), label_files=left)))
        with Store.open(url) as store:
            assert store.state(MODEL).label_files == left

    def test_a_step_that_does_not_understand_a_state_leaves_the_store_as_it_was(self, with_label_files, url):
        execute(with_label_files, "UPDATE states SET state = '{}' WHERE model = 'other'")
        before = layout(with_label_files)
        with pytest.raises(StoreError, match=r"cannot be brought to schema 3: KeyError.*from a backup"):
            Store.open(url)
        assert layout(with_label_files) == before
        with closing(sqlite3.connect(with_label_files)) as connection:
            assert connection.execute("SELECT version FROM schema_version").fetchall() == [(1,)]
            (text_of_state,) = connection.execute(
                "SELECT state FROM states WHERE model = ?", (MODEL,)
            ).fetchone()
        assert "2024/old.parquet" in text_of_state


@pytest.mark.parametrize("version", WRITTEN)
def test_a_store_of_a_later_schema_is_read_and_written(tmp_path, url, version):
    execute(tmp_path / "driftd.db", WRITTEN[version].read_text(encoding="utf-8"))
    accepted = version >= 3
    whole = commit(1, windows=[awaiting(1)]).state
    known = replace(whole, accepted=int(accepted), label_files={"old.parquet": LabelFile("1", START)})
    closed = replace(alarm(0), closed=START + DAY, reason=Reason.ACCEPTED)
    acceptance = Acceptance(START + 3 * DAY, START + 2 * DAY, "new sensor")
    with Store.open(url) as store:
        assert same_state(store.state(MODEL), known)
        assert store.evaluations(MODEL) == [*commit(0).evaluations, *commit(1).evaluations]
        assert store.alarms(MODEL) == (closed if accepted else alarm(0), alarm(1))
        assert store.acceptances(MODEL) == ((acceptance,) if accepted else ())
        store.commit(commit(2))
        assert len(store.evaluations(MODEL)) == 3


def test_every_schema_has_a_store_that_it_wrote():
    assert {VERSION_1, *WRITTEN.values()} <= set(Path(__file__).parent.glob("version_?.sql"))
    assert [1, *WRITTEN] == list(range(1, migrations.VERSION + 1))


def test_a_migrated_store_has_the_tables_of_a_new_one(old, url, tmp_path):
    Store.open(url).close()
    Store.open(f"sqlite:///{tmp_path}/new.db").close()
    assert layout(old) == layout(tmp_path / "new.db")


def test_a_store_of_a_newer_driftd_is_refused_and_left_alone(old, url):
    execute(old, f"UPDATE schema_version SET version = {migrations.VERSION + 1}")
    for read_only in (False, True):
        with pytest.raises(StoreError, match=r"made by a newer driftd; .* Upgrade driftd, or give --state"):
            Store.open(url, read_only=read_only)


def test_reading_only_does_not_migrate(old, url):
    execute(old, "UPDATE schema_version SET version = 0")
    with pytest.raises(StoreError, match="has schema 0, this driftd reads schema 3; start driftd run"):
        Store.open(url, read_only=True)


class TestSteps:
    """How the next schemas will be reached, with steps of the test's own."""

    @staticmethod
    def first(connection):
        connection.execute(text("ALTER TABLE models ADD COLUMN colour TEXT"))

    @staticmethod
    def second(connection):
        connection.execute(text("UPDATE models SET colour = 'red'"))

    @staticmethod
    def broken(connection):
        connection.execute(text("UPDATE models SET size = 1"))

    def migrate(self, store, *steps):
        with store._database.write() as connection:
            migrations.migrate(connection, "here", migrations=(*migrations.MIGRATIONS, *steps))

    def read(self, store, query):
        with store._database.read() as connection:
            return connection.execute(text(query)).scalar()

    def test_those_that_lack_are_taken_in_order(self, store):
        store.commit(commit(0))
        self.migrate(store, self.first)
        self.migrate(store, self.first, self.second)
        self.migrate(store, self.first, self.second)
        assert self.read(store, "SELECT colour FROM models") == "red"
        assert self.read(store, "SELECT version FROM schema_version") == migrations.VERSION + 2

    def test_one_that_fails_takes_the_others_back(self, store):
        store.commit(commit(0))
        with pytest.raises(StoreError, match="no such column: size"):
            self.migrate(store, self.first, self.broken)
        assert self.read(store, "SELECT version FROM schema_version") == migrations.VERSION
        self.migrate(store, self.first)
        assert self.read(store, "SELECT count(*) FROM models WHERE colour IS NULL") == 1


def test_two_that_make_the_store_at_once_make_it_once(url):
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: Store.open(url), range(8)))
    for number, store in enumerate(stores):
        store.save_reference(f"model{number}", "a", b"x")
        store.close()
    with Store.open(url) as store:
        assert len(store.models()) == 8
