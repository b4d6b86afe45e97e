"""From an older schema to this one, step by step, in one transaction."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection, MetaData, Table, bindparam, insert, inspect, select, text, update

from monitor.errors import StoreError
from monitor.store.schema import Moment, acceptances, metadata, schema_version

Migration = Callable[[Connection], None]


def _label_files_apart(connection: Connection) -> None:
    """Files of labels go from the text of each model's state to rows of their own."""
    connection.execute(
        text(
            "CREATE TABLE label_files (model TEXT NOT NULL REFERENCES models (name), name TEXT NOT NULL, "
            "version TEXT NOT NULL, last BIGINT NOT NULL, PRIMARY KEY (model, name)) WITHOUT ROWID"
        )
    )
    put = text("INSERT INTO label_files VALUES (:model, :name, :version, :last)")
    put = put.bindparams(bindparam("last", type_=Moment))
    for model, stored in connection.execute(text("SELECT model, state FROM states")).all():
        content = json.loads(stored)
        rows = [
            {"model": model, "name": name, **record, "last": datetime.fromisoformat(record["last"])}
            for name, record in content["state"].pop("label_files", {}).items()
        ]
        if rows:
            connection.execute(put, rows)
        change = text("UPDATE states SET state = :state WHERE model = :model")
        connection.execute(change, {"model": model, "state": json.dumps(content, allow_nan=False)})


def _add_acceptances(connection: Connection) -> None:
    acceptances.create(connection)


MIGRATIONS: Sequence[Migration] = (_label_files_apart, _add_acceptances)
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
        try:
            step(connection)
        except (ValueError, KeyError, TypeError) as error:
            remedy = "restore it from a backup, or move it away and let driftd evaluate anew"
            message = f"store {place} cannot be brought to schema {newest}: {error!r}; {remedy}"
            raise StoreError(message) from error
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
