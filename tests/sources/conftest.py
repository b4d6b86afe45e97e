import os
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.sources.files import FilesSource
from monitor.sources.parameters import FilesParameters

START = datetime(2024, 2, 10, tzinfo=UTC)


class Folder:
    """A folder of data files, and the source that reads them at ten o'clock."""

    def __init__(self, path, clock):
        self.path = path
        self.clock = clock

    def source(self, pattern="*", **keys):
        spans = keys.pop("spans", ())
        parameters = FilesParameters(path=str(self.path / pattern), **keys)
        return FilesSource(parameters, clock=self.clock, spans=spans)

    def write(self, name, content, *, age=timedelta(hours=1)):
        """A file of these bytes, text or columns, last written `age` ago."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, dict):
            content = pa.table(content)
        if isinstance(content, pa.Table):
            pq.write_table(content, path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.touch(name, age)
        return path

    def touch(self, name, age):
        moment = (self.clock() - age).timestamp()
        os.utime(self.path / name, (moment, moment))


@pytest.fixture
def folder(tmp_path, clock):
    return Folder(tmp_path, clock)


def rows(source, columns=("x",), **keys):
    """Every row of a scan as (file, row number, values)."""
    found = []
    for batch in source.scan(columns, **keys):
        for number, row in enumerate(batch.rows.to_pylist()):
            found.append((batch.file, batch.offset + number, row))
    return found


def values(source, column="x", **keys):
    return [row.get(column) for _, _, row in rows(source, (column,), **keys)]


def reasons(source):
    return [problem.reason for problem in source.problems()]


def message(source):
    (problem,) = source.problems()
    return problem.message


def hourly(count, first=START, zone="UTC"):
    """Event times one hour apart and a number beside each."""
    times = [first + timedelta(hours=hour) for hour in range(count)]
    return pa.table({"ts": pa.array(times, pa.timestamp("us", zone)), "x": list(range(count))})
