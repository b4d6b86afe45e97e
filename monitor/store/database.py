"""One database: how it is opened, read and written, and what its failures mean to the user."""

import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from monitor.errors import StoreError
from monitor.store import migrations
from monitor.types import Reason

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
_DAMAGED = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}
SWITCH_SECONDS, SWITCH_PAUSE_SECONDS = 5.0, 0.02
_REFUSED = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}


class Database:
    """Connections for reading (many at once, each a snapshot) and writing (one at a time).

    `place` is what messages call the database: its file.
    """

    def __init__(self, engine: Engine, place: str, *, read_only: bool) -> None:
        self.place = place
        self.dialect = engine.dialect.name
        self._engine = engine
        self._writer = engine.execution_options(driftd_write=True)
        self._read_only = read_only
        self._writing = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database throughout."""
        with _explained(self.place), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is written as a whole, or, if the body raises, not at all."""
        if self._read_only:
            message = f"store {self.place} was opened for reading only"
            raise StoreError(message)
        with self._writing, _explained(self.place), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def open_database(url: str, *, read_only: bool, wait_seconds: float) -> Database:
    """Open the database that `url` names, made and migrated where need be.

    `wait_seconds` is how long a statement waits for another process' lock.
    """
    path = _path(url)
    _check_folder(path, read_only=read_only)
    database = Database(_engine(path, wait_seconds, read_only=read_only), str(path), read_only=read_only)
    try:
        _prepare(database, read_only=read_only)
    except BaseException:
        database.close()
        raise
    return database


def masked(url: str) -> str:
    """The URL without a password, for messages."""
    return re.sub(r"(?<=//)([^/@:]*):.*@", r"\1:***@", url)


def _path(url: str) -> Path:
    """The file of the URL, taken letter by letter: nothing in it is decoded."""
    scheme, mark, rest = url.partition("://")
    kind = scheme.partition("+")[0]
    if not mark:
        message = f"store {url!r} is not a URL; for a file write sqlite:///{url}"
        raise StoreError(message)
    if kind != "sqlite":
        message = f"store {kind} is not in this version ({masked(url)}); use sqlite:///FILE"
        raise StoreError(message)
    file = rest.removeprefix("/")
    if file == rest or file in {"", ":memory:"}:
        hint = "three slashes for a relative path, four for an absolute one"
        message = f"store {masked(url)} names no file; write sqlite:///FILE ({hint})"
        raise StoreError(message)
    return Path(file)


def _check_folder(path: Path, *, read_only: bool) -> None:
    folder = path.parent
    if not folder.is_dir():
        message = f"store {path}: the folder {folder} does not exist; make it (mkdir -p) or correct --state"
        raise StoreError(message)
    if path.is_dir():
        message = f"store {path} is a folder; give --state a file, such as {path / 'driftd.db'}"
        raise StoreError(message)
    if read_only and not path.exists():
        message = f"store {path} does not exist; correct --state, or evaluate a model first (driftd once)"
        raise StoreError(message)


def _engine(path: Path, wait_seconds: float, *, read_only: bool) -> Engine:
    mode = "ro" if read_only else "rwc"
    uri = f"file:{quote(str(path.absolute()))}?mode={mode}"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            uri, uri=True, timeout=wait_seconds, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    # unbounded overflow: a reader that waited for the pool would look like a locked database
    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, max_overflow=-1)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    """Writers take the lock at once, so that no transaction fails halfway for want of it."""
    write = connection.get_execution_options().get("driftd_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _prepare(database: Database, *, read_only: bool) -> None:
    with database.read() as connection:
        version = migrations.version_of(connection, database.place)
    if read_only:
        migrations.check(version, database.place)
        return
    if version != migrations.VERSION:
        with database.write() as connection:
            migrations.migrate(connection, database.place)
    with _explained(database.place):
        _use_write_ahead_log(database)


def _patiently(change: Callable[[], object]) -> None:
    """Try again while the file is locked: SQLite itself does not wait for this change."""
    end = time.monotonic() + SWITCH_SECONDS
    while True:
        try:
            change()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(SWITCH_PAUSE_SECONDS)
        else:
            return


def _use_write_ahead_log(database: Database) -> None:
    """Readers and the writer then do not wait for each other; the file remembers it."""
    connection = database._engine.raw_connection()  # noqa: SLF001 - same file
    try:
        cursor = connection.cursor()
        if cursor.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            _patiently(lambda: cursor.execute("PRAGMA journal_mode = WAL"))
        cursor.close()
    finally:
        connection.close()


@contextmanager
def _explained(place: str) -> Iterator[None]:
    """Failures of the database as StoreError, with the file and a remedy."""
    try:
        yield
    except DBAPIError as error:
        raise _explain(error.orig, place) from error
    except sqlite3.Error as error:
        raise _explain(error, place) from error
    except (SQLAlchemyError, UnicodeEncodeError) as error:
        message = f"store {place}: {error}"
        raise StoreError(message) from error


def _explain(error: BaseException | None, place: str) -> StoreError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _FULL:
        message = f"store {place}: {error}; free space on its disk, the next run writes what is missing"
        return StoreError(message, transient=True, reason=Reason.STORE_FULL)
    if code in _BUSY:
        message = f"store {place}: {error}; another process holds it, the next run tries again"
        return StoreError(message, transient=True, reason=Reason.STORE_LOCKED)
    if code in _DAMAGED:
        remedy = "restore it from a backup, or move it away and let driftd evaluate anew"
        return StoreError(f"store {place}: {error}; {remedy}")
    if code in _REFUSED:
        remedy = "driftd's user must be able to write the file and its folder"
        return StoreError(f"store {place}: {error}; {remedy}")
    return StoreError(f"store {place}: {error}")
