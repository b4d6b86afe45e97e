"""The tables, in types that SQLite and PostgreSQL share, and what differs between the two."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Insert,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    cast,
    extract,
    func,
)
from sqlalchemy.dialects import postgresql, sqlite

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
JULIAN_DAY_OF_EPOCH = 2440587.5


class Moment(TypeDecorator[datetime]):
    """An aware datetime as microseconds since 1970 in UTC: exact, ordered, the same on any database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """To microseconds."""
        del dialect
        return None if value is None else (value - EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """From microseconds."""
        del dialect
        return None if value is None else EPOCH + timedelta(microseconds=value)


metadata = MetaData()


def _model(*, primary_key: bool = True) -> Column[str]:
    return Column("model", Text, ForeignKey("models.name"), primary_key=primary_key, nullable=False)


def _window() -> Column[int]:
    reference = ForeignKey("windows.id", ondelete="CASCADE")
    return Column("window", Integer, reference, primary_key=True, autoincrement=False)


def _text(name: str, *, primary_key: bool = False, nullable: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=primary_key, nullable=nullable)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _count(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _position() -> Column[int]:
    return Column("position", Integer, primary_key=True, autoincrement=False)


def _bytes(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


schema_version = Table("schema_version", metadata, Column("version", Integer, nullable=False))
models = Table("models", metadata, _text("name", primary_key=True), sqlite_with_rowid=False)
references = Table(
    "references_",
    metadata,
    Column("id", Integer, primary_key=True),
    _model(primary_key=False),
    _text("fingerprint"),
    _bytes("reference"),
    UniqueConstraint("model", "fingerprint"),
)
windows = Table(  # the ledger; `line` is the window's last line without verdicts and statistics
    "windows",
    metadata,
    Column("id", Integer, primary_key=True),
    _model(primary_key=False),
    _text("key"),
    Column("start", Moment),
    Column("end", Moment),
    _text("file", nullable=True),
    Column("tick", Moment, nullable=False),
    _count("rows"),
    _count("labelled_rows"),
    _flag("final"),
    _text("line"),
    UniqueConstraint("model", "key"),
    Index("windows_by_start", "model", "start"),
)
series = Table(  # what a statistic is of, once, so that a statistic is a few numbers
    "series",
    metadata,
    Column("id", Integer, primary_key=True),
    _model(primary_key=False),
    _text("kind"),
    _text("segment"),
    _text("column"),
    _text("detector"),
    UniqueConstraint("model", "kind", "segment", "column", "detector"),
)
statistics = Table(
    "statistics",
    metadata,
    _window(),
    _position(),
    Column("series", Integer, ForeignKey("series.id"), nullable=False),
    Column("value", Double),
    Column("threshold", Double),
    Column("p_value", Double),
    _flag("drifted"),
    _text("reason", nullable=True),
    sqlite_with_rowid=False,
)
verdicts = Table(
    "verdicts",
    metadata,
    _window(),
    _position(),
    _text("kind"),
    _text("segment"),
    _text("state"),
    _flag("alarm"),
    Column("score", Double),
    _text("severity"),
    _flag("material"),
    Column("days_by_chance", Double),
    Column("since", Moment),
    _text("columns"),
    _text("column_since"),
    _text("reason"),
    sqlite_with_rowid=False,
)
profiles = Table("profiles", metadata, _window(), _bytes("profile"))
alarms = Table(  # a withdrawn one stays, unseen, since it was counted when it opened
    "alarms",
    metadata,
    _model(),
    _text("kind", primary_key=True),
    _text("segment", primary_key=True),
    Column("since", Moment, primary_key=True),
    Column("closed", Moment),
    _text("columns"),
    _text("reason"),
    _flag("withdrawn"),
    sqlite_with_rowid=False,
)
pruned_alarms = Table(  # what a counter still counts after its alarms were pruned
    "pruned_alarms",
    metadata,
    _model(),
    _text("kind", primary_key=True),
    _count("opened"),
    sqlite_with_rowid=False,
)
acceptances = Table(  # when what was seen was accepted as normal, and why
    "acceptances",
    metadata,
    _model(),
    Column("at", Moment, primary_key=True),
    Column("watermark", Moment),
    _text("reason"),
    sqlite_with_rowid=False,
)
states = Table("states", metadata, _model(), _count("revision"), _text("state"))
detector_states = Table(
    "detector_states",
    metadata,
    _model(),
    _text("stream", primary_key=True),
    _text("detector"),
    _bytes("state"),
    Column("worse_since", Moment),
)
pending = Table("pending", metadata, _model(), _text("key", primary_key=True), _bytes("pending"))
files = Table(
    "files",
    metadata,
    _model(),
    _text("name", primary_key=True),
    _text("version"),
    Column("first", Moment),
    Column("last", Moment),
    _count("rows"),
    _count("behind"),
    sqlite_with_rowid=False,
)
label_files = Table(
    "label_files",
    metadata,
    _model(),
    _text("name", primary_key=True),
    _text("version"),
    Column("last", Moment, nullable=False),
    sqlite_with_rowid=False,
)
leases = Table(  # `expires` in seconds since 1970 by the database's clock
    "leases",
    metadata,
    _text("model", primary_key=True),
    _text("owner"),
    Column("expires", Double, nullable=False),
    sqlite_with_rowid=False,
)


@cache
def upsert(table: Table, dialect: str) -> Insert:
    """Insert a row or overwrite the one of the same primary key (the ledger's: model and key)."""
    keys = ("model", "key") if table is windows else tuple(one.name for one in table.primary_key)
    statement = _insert(table, dialect)
    rest = {
        one.name: statement.excluded[one.name] for one in table.c if one.name not in keys and one.name != "id"
    }
    return statement.on_conflict_do_update(index_elements=keys, set_=rest)


@cache
def insert_absent(table: Table, dialect: str) -> Insert:
    """Insert a row unless one of the same key stands."""
    return _insert(table, dialect).on_conflict_do_nothing()


def now(dialect: str) -> ColumnElement[float]:
    """Seconds since 1970 by the database's clock."""
    if dialect == "sqlite":
        days: ColumnElement[float] = func.julianday("now", type_=Double) - JULIAN_DAY_OF_EPOCH
        return days * 86400.0
    return cast(extract("epoch", func.clock_timestamp()), Double)


def _insert(table: Table, dialect: str) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
