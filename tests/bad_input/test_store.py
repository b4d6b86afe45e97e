"""A disk that is full, a database that is locked, damaged or away: told, and later made good."""

import re
import sqlite3
from contextlib import closing

import pytest

from monitor.store import Store
from monitor.types import Reason, Stage
from tests.bad_input.world import FIRST, SECOND, error, live_rows, untouched, write


@pytest.fixture
def begun(world):
    """A model whose first live day is evaluated and whose second has just come."""
    seen = world.run(prepare=lambda folder: (folder / "live/2.parquet").unlink())
    assert set(seen.ran.last) == {FIRST}
    write(world.folder / "live/2.parquet", live_rows(1))
    return world


def goes_on(world, clean) -> None:
    """The next run evaluates what is missing, as if nothing had been."""
    again = world.again()
    assert again.ran.code == 0, again.ran.err
    assert set(again.ran.last) == {SECOND}
    untouched(again, clean, set())
    assert again.second["performance"] == clean.second["performance"]


@pytest.mark.parametrize("pages", [0, 2, 4])
def test_a_full_disk(begun, clean, monkeypatch, pages):
    connect = sqlite3.connect

    def full(*arguments, **options):
        connection = connect(*arguments, **options)
        (count,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {count + pages}")
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", full)
        ran = begun.model.once("2024-02-10T00:00Z")
    assert ran.code == 2
    assert not ran.lines
    text = (
        r"^driftd: world: store .*driftd\.db: database or disk is full; free space on its disk, the next run "
    )
    assert re.search(text + r"writes what is missing \[store: store_full\]$", ran.err, re.MULTILINE)
    error(begun.shown(ran), Stage.STORE, Reason.STORE_FULL)
    goes_on(begun, clean)


def test_a_locked_database(begun, clean, monkeypatch):
    opened = Store.open.__func__
    hasty = classmethod(lambda cls, url, **options: opened(cls, url, **{**options, "wait_seconds": 0.01}))
    with (
        monkeypatch.context() as patch,
        closing(sqlite3.connect(begun.folder / "driftd.db", isolation_level=None)) as other,
    ):
        patch.setattr(Store, "open", hasty)
        other.execute("BEGIN IMMEDIATE")
        ran = begun.model.once("2024-02-10T00:00Z")
        other.execute("ROLLBACK")
    assert ran.code == 2
    assert not ran.lines
    text = r"^driftd: world: store .*driftd\.db: database is locked; another process holds it, the next run "
    assert re.search(text + r"tries again \[store: store_locked\]$", ran.err, re.MULTILINE)
    error(begun.shown(ran), Stage.STORE, Reason.STORE_LOCKED)
    goes_on(begun, clean)


def test_a_damaged_database(begun):
    file = begun.folder / "driftd.db"
    file.write_bytes(b"no database at all" * 1000)
    ran = begun.model.once("2024-02-10T00:00Z")
    assert ran.code == 2
    assert "file is not a database; restore it from a backup, or move it away" in ran.err
    assert not ran.lines


def test_a_folder_that_is_not_there(world):
    world.run()
    world.model.state = f"sqlite:///{world.folder}/absent/driftd.db"
    ran = world.model.once("2024-02-10T00:00Z")
    assert ran.code == 2
    assert "absent does not exist; make it (mkdir -p) or correct --state" in ran.err
