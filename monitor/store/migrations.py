"""From an older schema to this one, step by step, in one transaction."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, MetaData, Table, insert, inspect, select, update

from monitor.errors import StoreError
from monitor.store.schema import metadata, schema_version

Migration = Callable[[Connection], None]
MIGRATIONS: Sequence[Migration] = ()
"""Step i leads from schema i + 1 to i + 2; a new store starts at the newest, without steps."""
VERSION = len(MIGRATIONS) + 1


def version_of(connection: Connection, place: str) -> int | None:
    """The schema's version, None for an empty database; another program's database is refused."""
    names = inspect(connection).get_table_names()
    if not names:
        return None
    stored = None
    if schema_version.name in names:
        stored = connection.execute(select(schema_version.c.version)).scalar()
    if not isinstance(stored, int):
        message = f"store {place} is a database of another program; give --state another file"
        raise StoreError(message)
    return stored


def check(version: int | None, place: str) -> None:
    """Refuse what cannot be read without a migration."""
    if version is None:
        message = f"store {place} is empty; evaluate a model first (driftd once, driftd run)"
        raise StoreError(message)
    if version < VERSION:
        message = (
            f"store {place} has schema {version}, this driftd reads schema {VERSION}; "
            "start driftd run or driftd once on it, which brings it up to date"
        )
        raise StoreError(message)
    _refuse_newer(version, VERSION, place)


def migrate(
    connection: Connection,
    place: str,
    tables: MetaData = metadata,
    migrations: Sequence[Migration] = MIGRATIONS,
) -> None:
    """Create the tables in an empty database, or take the steps that an older one lacks."""
    newest = len(migrations) + 1
    version = version_of(connection, place)
    if version is None:
        tables.create_all(connection)
        connection.execute(insert(_version_table(tables)).values(version=newest))
        return
    _refuse_newer(version, newest, place)
    for step in migrations[version - 1 :]:
        step(connection)
    if version < newest:
        connection.execute(update(_version_table(tables)).values(version=newest))


def _version_table(tables: MetaData) -> Table:
    return tables.tables[schema_version.name]


def _refuse_newer(version: int, newest: int, place: str) -> None:
    if version > newest:
        message = (
            f"store {place} has schema {version}, made by a newer driftd; this one knows schema {newest}. "
            "Upgrade driftd, or give --state another file"
        )
        raise StoreError(message)
