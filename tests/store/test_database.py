import sqlite3
from contextlib import closing

import pytest
from store_records import MODEL, commit, evaluation, pending, same_state

from monitor.errors import StoreError
from monitor.store import Store
from monitor.store.database import masked
from monitor.types import Reason


def refused(url, **options):
    with pytest.raises(StoreError) as caught:
        Store.open(url, **options)
    assert caught.value.reason is Reason.STORE_FAILED
    assert not caught.value.transient
    return str(caught.value)


class TestOpen:
    def test_other_databases_are_not_in_this_version(self):
        text = refused("postgresql://driftd:s3cret@db:5432/drift")
        assert "store postgresql is not in this version" in text
        assert "s3cret" not in text

    def test_a_path_is_not_a_url(self):
        assert "write sqlite:///driftd.db" in refused("driftd.db")

    @pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite://host/x.db"])
    def test_a_url_without_a_file(self, url):
        assert "names no file; write sqlite:///FILE" in refused(url)

    def test_a_folder_that_does_not_exist(self, tmp_path):
        text = refused(f"sqlite:///{tmp_path}/absent/driftd.db")
        assert f"the folder {tmp_path}/absent does not exist; make it" in text

    def test_a_folder_instead_of_a_file(self, tmp_path):
        assert f"is a folder; give --state a file, such as {tmp_path}/driftd.db" in refused(
            f"sqlite:///{tmp_path}"
        )

    def test_a_folder_that_nobody_can_write(self):
        text = refused("sqlite:////proc/driftd.db")
        assert "/proc/driftd.db" in text
        assert "driftd's user must be able to write the file and its folder" in text

    def test_a_file_that_is_no_database(self, tmp_path):
        (tmp_path / "notes.db").write_text("no database, but long enough to look at " * 50)
        text = refused(f"sqlite:///{tmp_path}/notes.db")
        assert "notes.db: file is not a database; restore it from a backup, or move it away" in text

    def test_a_database_of_another_program_is_left_alone(self, tmp_path):
        file = tmp_path / "other.db"
        with closing(sqlite3.connect(file)) as other:
            other.execute("CREATE TABLE recipes (name)")
        before = file.read_bytes()
        assert "is a database of another program" in refused(f"sqlite:///{file}")
        assert file.read_bytes() == before

    def test_a_damaged_database(self, store, url, tmp_path):
        for day in range(20):
            store.commit(commit(day))
        store.close()
        file = tmp_path / "driftd.db"
        whole = file.read_bytes()
        file.write_bytes(whole[:4096] + b"\x5a" * (len(whole) - 4096))
        with (
            pytest.raises(StoreError, match=r"driftd\.db: .*malformed; restore it from a backup"),
            Store.open(url) as again,
        ):
            again.evaluations(MODEL)

    def test_odd_characters_in_the_path(self, tmp_path):
        name = "d#ü %20 1.db"
        with Store.open(f"sqlite:///{tmp_path}/{name}"):
            assert (tmp_path / name).exists()

    def test_the_write_ahead_log_is_used_and_goes_on_closing(self, store, tmp_path):
        store.commit(commit(0))
        names = {file.name for file in tmp_path.iterdir()}
        assert names == {"driftd.db", "driftd.db-wal", "driftd.db-shm"}
        store.close()
        assert {file.name for file in tmp_path.iterdir()} == {"driftd.db"}

    def test_every_connection_is_durable_and_checks_references(self, store):
        with store._database.read() as connection:
            pragmas = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("synchronous", "foreign_keys", "journal_mode", "busy_timeout")
            }
        assert pragmas == {
            "synchronous": 2,
            "foreign_keys": 1,
            "journal_mode": "wal",
            "busy_timeout": 10_000,
        }


class TestReadOnly:
    def test_it_reads_while_a_writer_is_at_work(self, store, url):
        store.commit(commit(0, windows=[pending()]))
        with Store.open(url, read_only=True) as reader:
            seen = []

            def look(point):
                seen.append((point, len(reader.evaluations(MODEL))))

            store.commit(commit(1, windows=[pending()]), look)
            assert seen == [
                ("begin", 1),
                ("windows", 1),
                ("statistics", 1),
                ("state", 1),
                ("before_commit", 1),
                ("after_commit", 2),
            ]
            assert same_state(reader.state(MODEL), commit(1, windows=[pending()]).state)

    def test_it_refuses_to_write(self, store, url):
        with Store.open(url, read_only=True) as reader:
            for write in (
                lambda: reader.commit(commit(0)),
                lambda: reader.lease(MODEL, "me", 60),
                lambda: reader.save_reference(MODEL, "a", b"x"),
            ):
                with pytest.raises(StoreError, match="opened for reading only"):
                    write()
        assert store.models() == ()

    def test_a_store_that_is_not_there_is_not_made(self, url, tmp_path):
        assert "does not exist; correct --state, or evaluate a model first" in refused(url, read_only=True)
        assert list(tmp_path.iterdir()) == []

    def test_an_empty_file(self, url, tmp_path):
        (tmp_path / "driftd.db").touch()
        assert "is empty; evaluate a model first" in refused(url, read_only=True)


def limit_pages(store, extra):
    """As if the disk had room for so many more pages of the database."""
    with store._database._engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + extra}")


class TestFullDisk:
    @pytest.mark.parametrize("extra", [0, 3, 10, 20])
    def test_nothing_half_written_and_the_next_run_goes_on(self, store, extra):
        store.commit(commit(0, windows=[pending(0)]))
        limit_pages(store, extra)
        wide = evaluation(1, columns=tuple(f"column{number}" for number in range(500)))
        following = commit(1, evaluations=(wide,), windows=[pending(0), pending(1, rows=2000)])
        with pytest.raises(StoreError, match=r"driftd\.db: database or disk is full; free space") as caught:
            store.commit(following)
        assert caught.value.reason is Reason.STORE_FULL
        assert caught.value.transient
        assert same_state(store.state(MODEL), commit(0, windows=[pending(0)]).state)
        assert len(store.evaluations(MODEL)) == len(store.alarms(MODEL)) == 1
        limit_pages(store, 10_000)
        store.commit(following)
        assert same_state(store.state(MODEL), following.state)
        assert store.evaluations(MODEL)[1] == wide

    def test_a_failing_disk_is_told_like_a_full_one(self, store):
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE
        with pytest.raises(StoreError, match="disk I/O error; free space") as caught, store._database.read():
            raise error
        assert caught.value.reason is Reason.STORE_FULL
        assert caught.value.transient


class TestLocked:
    def test_another_writer_makes_it_transient(self, store, url, tmp_path):
        store.commit(commit(0))
        with (
            closing(sqlite3.connect(tmp_path / "driftd.db", isolation_level=None)) as other,
            Store.open(url, wait_seconds=0.01) as hasty,
        ):
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match=r"driftd\.db: database is locked; another") as caught:
                hasty.commit(commit(1))
            assert caught.value.reason is Reason.STORE_LOCKED
            assert caught.value.transient
            assert len(hasty.evaluations(MODEL)) == 1
            other.execute("ROLLBACK")
            hasty.commit(commit(1))
            assert len(hasty.evaluations(MODEL)) == 2


def test_a_name_that_is_no_text_is_refused_whole(store):
    with pytest.raises(StoreError, match="surrogates not allowed"):
        store.commit(commit(0, evaluations=(evaluation(0, columns=("caf\udce9",)),)))
    assert store.models() == ()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:pa:ss@word@host/db", "postgresql://me:***@host/db"),
        ("postgresql+psycopg://:secret@host/db", "postgresql+psycopg://:***@host/db"),
        ("sqlite:///plain.db", "sqlite:///plain.db"),
    ],
)
def test_passwords_are_stars(url, shown):
    assert masked(url) == shown


def test_the_text_of_a_store_is_its_file(store, tmp_path):
    assert repr(store) == f"Store('{tmp_path}/driftd.db')"
