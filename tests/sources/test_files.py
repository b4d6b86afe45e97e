import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from monitor.errors import SourceError
from monitor.sources import files as files_module
from monitor.sources import filesystem
from monitor.sources.base import SOURCES, Interval
from monitor.sources.files import FilesSource
from monitor.sources.parameters import FilesParameters
from monitor.types import Reason

from .conftest import START, hourly, message, reasons, rows, values

YOUNG = timedelta(seconds=5)


def interval(first, last, zone="UTC"):
    return Interval("ts", zone, START + timedelta(hours=first), START + timedelta(hours=last))


def test_it_is_registered():
    member = SOURCES.get("files")
    assert isinstance(member.build(member.parameters(path="data")), FilesSource)


def test_files_are_read_in_name_order_with_their_row_numbers(folder):
    folder.write("b.parquet", {"x": [3]})
    folder.write("a.parquet", {"x": [1, 2], "y": ["u", "v"]})
    folder.write("sub/c.parquet", {"x": [4]})
    source = folder.source("**/*.parquet")
    assert rows(source) == [
        ("a.parquet", 0, {"x": 1}),
        ("a.parquet", 1, {"x": 2}),
        ("b.parquet", 0, {"x": 3}),
        ("sub/c.parquet", 0, {"x": 4}),
    ]
    assert source.problems() == ()


def test_every_format_by_its_name(folder):
    folder.write("a.parquet", {"x": ["1"]})
    folder.write("b.csv", "x\n2\n")
    folder.write("c.jsonl", '{"x": "3"}\n')
    assert values(folder.source()) == ["1", "2", "3"]


def test_the_format_can_be_said(folder):
    folder.write("part-0", "x\n2\n")
    assert values(folder.source("part-*", format="csv")) == ["2"]
    source = folder.source("part-*")
    assert values(source) == []
    assert reasons(source) == [Reason.FILE_UNREADABLE]
    assert "give the source its `format`" in message(source)


def test_a_folder_means_the_data_files_in_it(folder):
    folder.write("live/a.csv", "x\n1\n")
    folder.write("live/deep/b.csv", "x\n2\n")
    folder.write("live/readme.md", "hello")
    folder.write("live/_SUCCESS", "")
    assert values(folder.source("live")) == ["1", "2"]


def test_one_file_by_its_name(folder):
    folder.write("a.csv", "x\n1\n")
    folder.write("b.csv", "x\n2\n")
    source = folder.source("*.csv")
    assert [entry.name for entry in source.files()] == ["a.csv", "b.csv"]
    assert values(source, file="b.csv") == ["2"]


def test_a_file_that_is_new_since_the_listing_is_found(folder):
    source = folder.source("*.csv")
    assert source.files() == ()
    folder.write("a.csv", "x\n1\n")
    assert values(source, file="a.csv") == ["1"]


def test_version_and_fingerprint_follow_the_content(folder):
    folder.write("a.csv", "x\n1\n")
    source = folder.source()
    (before,), first = source.files(), source.fingerprint()
    assert source.fingerprint() == first
    folder.write("a.csv", "x\n2\n", age=timedelta(minutes=5))
    (after,), second = source.files(), source.fingerprint()
    assert (before.size, before.version) != (after.size, after.version)
    assert first != second
    folder.write("b.csv", "x\n1\n")
    assert source.fingerprint() != second


def test_only_wanted_columns_that_the_file_has(folder):
    folder.write("a.parquet", {"x": [1], "y": [2], "z": [3]})
    folder.write("b.csv", "x,y\n1,2\n")
    folder.write("c.jsonl", '{"x": 1, "y": 2}\n')
    source = folder.source()
    for batch in source.scan(("z", "x", "nowhere")):
        assert set(batch.rows.schema.names) == ({"x", "z"} if batch.file == "a.parquet" else {"x"})


def test_rows_are_counted_where_no_column_is_wanted(folder):
    folder.write("a.parquet", {"x": [1, 2]})
    folder.write("b.csv", "x\n1\n2\n")
    folder.write("c.jsonl", '{"x": 1}\n{"x": 2}\n')
    source = folder.source()
    assert [batch.rows.num_rows for batch in source.scan(("nowhere",))] == [2, 2, 2]
    assert source.problems() == ()


def test_columns_that_only_some_files_have_are_told(folder):
    folder.write("a.csv", "x,y\n1,2\n")
    folder.write("b.csv", "x\n3\n")
    source = folder.source()
    assert [row for *_, row in rows(source, ("x", "y"))] == [{"x": "1", "y": "2"}, {"x": "3"}]
    (problem,) = source.problems()
    assert (problem.column, problem.reason) == ("y", Reason.ABSENT_COLUMN)
    assert (
        problem.message == "1 of 2 files have no column 'y', the first is b.csv; it is missing in their rows"
    )


def test_problems_are_those_of_the_last_scan(folder):
    folder.write("a.csv", "")
    folder.write("b.csv", "x\n1\n")
    source = folder.source()
    values(source)
    assert reasons(source) == [Reason.FILE_EMPTY]
    values(source, file="b.csv")
    assert source.problems() == ()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.parquet", b""),
        ("a.csv", b""),
        ("a.jsonl", b""),
        ("a.csv", b"x,y\n"),
        ("a.jsonl", b"\n\n"),
        ("a.parquet", {"x": pa.array([], pa.int64())}),
    ],
    ids=["parquet", "csv", "jsonl", "csv header", "jsonl blank", "parquet schema"],
)
def test_a_file_without_rows(folder, name, content):
    folder.write(name, content, age=YOUNG)
    folder.write("b.csv", "x\n1\n")
    source = folder.source()
    assert values(source) == ["1"]
    assert reasons(source) == [Reason.FILE_EMPTY]
    assert message(source) == f"{name}: it has no rows"


@pytest.fixture
def truncated(folder):
    content = folder.write("a.parquet", {"x": list(range(1000))}).read_bytes()
    folder.write("a.parquet", content[:-20])
    folder.write("b.parquet", {"x": [1]})
    return folder


def test_a_truncated_file_is_unreadable_and_the_others_go_on(truncated):
    source = truncated.source()
    assert values(source) == [1]
    assert reasons(source) == [Reason.FILE_UNREADABLE]
    assert message(source).startswith("a.parquet: it cannot be read: Parquet magic bytes not found in footer")
    assert message(source).endswith("write it anew, or take it out of the source's path")


def test_a_truncated_file_that_was_written_just_now_is_incomplete(truncated):
    truncated.touch("a.parquet", YOUNG)
    source = truncated.source()
    assert values(source) == [1]
    assert reasons(source) == [Reason.FILE_INCOMPLETE]
    assert "tried again at the next run" in message(source)
    truncated.clock.advance(timedelta(minutes=2))
    assert values(source) == [1]
    assert reasons(source) == [Reason.FILE_UNREADABLE]


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl", "a.csv.gz", "a.jsonl.gz"])
def test_a_file_of_something_else(folder, name):
    folder.write(name, b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    folder.write("b.csv", "x\n1\n")
    source = folder.source()
    assert values(source) == ["1"]
    assert all(problem.message.startswith(name) for problem in source.problems())
    assert set(reasons(source)) <= {
        Reason.FILE_UNREADABLE,
        Reason.BAD_ENCODING,
        Reason.BAD_ROWS,
        Reason.FILE_EMPTY,
    }
    assert source.problems()


def test_a_column_chunk_that_is_corrupt_costs_its_file_only(folder):
    path = folder.write("a.parquet", {"x": list(range(50_000))})
    content = bytearray(path.read_bytes())
    content[4:2000] = bytes(1996)
    folder.write("a.parquet", bytes(content))
    folder.write("b.parquet", {"x": [1]})
    source = folder.source()
    assert values(source) == [1]
    assert reasons(source) == [Reason.FILE_UNREADABLE]


class TestAFolderThatMayNotBeRead:
    @pytest.fixture
    def source(self, folder, monkeypatch):
        folder.write("a.csv", "x\n1\n")
        folder.write("empty.csv", "")
        (folder.path / "secret").mkdir()
        scandir = os.scandir

        def refuse(path):
            if str(path).endswith("secret"):
                raise PermissionError(13, "Permission denied", str(path))
            return scandir(path)

        monkeypatch.setattr(os, "scandir", refuse)
        return folder.source("**")

    def test_is_told_after_the_listing_without_what_scans_met(self, source):
        values(source)
        source.files()
        assert "secret: Permission denied" in message(source)

    def test_is_told_after_a_scan_of_all_files(self, source):
        assert values(source) == ["1"]
        assert reasons(source) == [Reason.FILE_UNREADABLE, Reason.FILE_EMPTY]

    def test_is_no_fault_of_a_file_that_is_scanned_alone(self, source):
        source.files()
        assert values(source, file="a.csv") == ["1"]
        assert source.problems() == ()
        assert values(source, file="empty.csv") == []
        assert reasons(source) == [Reason.FILE_EMPTY]


def test_no_permission(folder, monkeypatch):
    folder.write("a.csv", "x\n1\n")
    folder.write("b.csv", "x\n2\n")
    real = pa.OSFile

    def refuse(path):
        if path.endswith("a.csv"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(filesystem.pa, "OSFile", refuse)
    source = folder.source()
    assert values(source) == ["2"]
    assert reasons(source) == [Reason.FILE_UNREADABLE]
    assert message(source) == "a.csv: no permission; let the user that runs driftd read it"


def test_a_folder_that_cannot_be_read(folder, monkeypatch):
    folder.write("a/1.csv", "x\n1\n")
    folder.write("b/2.csv", "x\n2\n")
    real = os.scandir

    def refuse(path):
        if str(path).endswith("/a"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    source = folder.source("**/*.csv")
    assert values(source) == ["2"]
    assert reasons(source) == [Reason.FILE_UNREADABLE]
    assert message(source) == (
        f"{folder.path}/a: Permission denied; let the user that runs driftd read it. The other folders go on"
    )


@pytest.mark.parametrize("pattern", ["*.parquet", "nowhere/*.csv", "nowhere.csv"])
def test_nothing_matches(folder, pattern):
    folder.write("a.txt", "hello")
    source = folder.source(pattern)
    assert source.files() == ()
    assert values(source) == []
    assert reasons(source) == [Reason.NO_FILES]
    assert message(source) == (
        f"no file matches {folder.path / pattern}; check the path, or wait for the first file"
    )


def test_a_file_that_is_removed_before_it_is_read(folder):
    folder.write("a.csv", "x\n1\n")
    folder.write("b.csv", "x\n2\n")
    source = folder.source()
    scan = source.scan(("x",))
    (folder.path / "a.csv").unlink()
    assert [batch.file for batch in scan] == ["b.csv"]
    assert reasons(source) == [Reason.FILE_INCOMPLETE]
    assert message(source) == "a.csv: it was removed before it was read"


def test_a_file_by_name_that_is_no_longer_there(folder):
    folder.write("a.csv", "x\n1\n")
    source = folder.source()
    assert values(source, file="gone.csv") == []
    assert reasons(source) == [Reason.FILE_INCOMPLETE]


def written_to_while_read(folder, monkeypatch, name):
    """Append to the file once it has been opened."""
    real = filesystem.LocalFiles.open

    def open_and_write(self, found):
        file = real(self, found)
        if found.entry.name == name:
            with (folder.path / name).open("ab") as more:
                more.write(b"9\n")
        return file

    monkeypatch.setattr(filesystem.LocalFiles, "open", open_and_write)


def test_a_file_that_is_written_to_while_it_is_read_is_not_used_at_all(folder, monkeypatch):
    folder.write("a.csv", "x\n1\n2\n")
    folder.write("b.csv", "x\n3\n")
    source = folder.source()
    with monkeypatch.context() as patch:
        written_to_while_read(folder, patch, "a.csv")
        assert values(source) == ["3"]
    assert reasons(source) == [Reason.FILE_INCOMPLETE]
    assert "rename it when it is whole" in message(source)
    assert values(source)[:2] == ["1", "2"]


def test_a_large_file_that_is_written_to_while_it_is_read_ends_the_run(folder, monkeypatch):
    monkeypatch.setattr(files_module, "HELD_BYTES", 1)
    folder.write("a.csv", "x\n1\n2\n")
    written_to_while_read(folder, monkeypatch, "a.csv")
    with pytest.raises(SourceError, match=r"\d of its rows were read, so this run starts anew") as raised:
        values(folder.source())
    assert raised.value.transient


def test_of_a_large_corrupt_file_the_rows_before_the_fault_are_used(folder, monkeypatch):
    monkeypatch.setattr(files_module, "HELD_BYTES", 1)
    path = folder.path / "a.parquet"
    pq.write_table(pa.table({"x": list(range(4000))}), path, row_group_size=2000, compression="none")
    content = bytearray(path.read_bytes())
    start = pq.read_metadata(path).row_group(1).column(0).dictionary_page_offset
    content[start : start + 400] = b"\xff" * 400
    folder.write("a.parquet", bytes(content))
    source = folder.source()
    found = values(source)
    assert found == list(range(len(found)))
    assert message(source).endswith(f"; its first {len(found)} rows were used") or not found


def test_schema_is_that_of_the_newest_readable_file(folder):
    folder.write("b.parquet", {"x": [1]}, age=timedelta(hours=3))
    folder.write("a.parquet", {"x": [1], "new": ["a"]}, age=timedelta(hours=2))
    folder.write("c.parquet", b"broken", age=timedelta(hours=1))
    assert folder.source().schema() == pa.schema([("x", pa.int64()), ("new", pa.string())])


def test_schema_of_texts_shows_their_types(folder):
    folder.write("a.csv", "x,y,z\n1,a,2.5\n")
    assert folder.source().schema() == pa.schema([("x", pa.int64()), ("y", pa.string()), ("z", pa.float64())])
    folder.write("b.jsonl", '{"x": 1, "ok": true}\n', age=YOUNG)
    assert folder.source().schema() == pa.schema([("x", pa.int64()), ("ok", pa.bool_())])


def test_schema_of_nothing_readable_says_why(folder):
    with pytest.raises(SourceError, match="no file matches"):
        folder.source().schema()
    folder.write("a.parquet", b"broken")
    with pytest.raises(SourceError, match=r"a\.parquet: it cannot be read"):
        folder.source().schema()


def test_files_outside_of_the_interval_are_not_opened(folder, monkeypatch):
    for day in range(3):
        table = hourly(24, START + timedelta(days=day))
        folder.write(f"{day}.parquet", table)
    folder.write("3.csv", "ts,x\n2024-02-13T00:00Z,72\n")
    folder.write("4.jsonl", '{"ts": "2024-02-14T00:00Z", "x": 96}\n')
    first = folder.source()
    rows(first, ("ts", "x"), interval=Interval("ts", "UTC", None, None))
    spans = first.index()
    assert [(span.name, span.last - span.first) for span in spans] == [
        ("0.parquet", 23 * 3_600_000_000),
        ("1.parquet", 23 * 3_600_000_000),
        ("2.parquet", 23 * 3_600_000_000),
        ("3.csv", 0),
        ("4.jsonl", 0),
    ]
    opened = []
    real = filesystem.LocalFiles.open
    monkeypatch.setattr(
        filesystem.LocalFiles,
        "open",
        lambda self, found: opened.append(found.entry.name) or real(self, found),
    )
    source = folder.source(spans=spans)
    assert values(source, interval=interval(24, 48)) == list(range(24))
    assert set(opened) == {"1.parquet"}
    opened.clear()
    values(source, interval=Interval("ts", "Europe/Berlin", *_day(1)))
    assert len(set(opened)) == 5  # what is known was known for another zone
    opened.clear()
    folder.write("0.parquet", hourly(24, START + timedelta(days=1)), age=timedelta(minutes=5))
    assert len(values(folder.source(spans=spans), interval=interval(24, 48))) == 48
    assert set(opened) == {"0.parquet", "1.parquet"}


def _day(number):
    return START + timedelta(days=number), START + timedelta(days=number + 1)


def test_the_index_forgets_files_that_are_gone(folder):
    folder.write("a.parquet", hourly(2))
    source = folder.source()
    values(source, interval=interval(0, 2))
    assert len(source.index()) == 1
    (folder.path / "a.parquet").unlink()
    source.files()
    assert source.index() == ()


def test_secrets_are_revealed_only_to_open(folder):
    class Secret:
        def __init__(self, text):
            self.text = text

        def reveal(self):
            return self.text

        def __str__(self):
            return "***"

    folder.write("a.csv", "x\n1\n")
    parameters = FilesParameters(path=Secret(str(folder.path / "*.csv")), options={"key": Secret("hunter2")})
    assert values(FilesSource(parameters, clock=folder.clock)) == ["1"]
    assert "hunter2" not in repr(parameters)
    source = FilesSource(FilesParameters(path=Secret("/nowhere/*.csv")), clock=folder.clock)
    values(source)
    assert message(source).startswith("no file matches ***")


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"path": ""},
        {"path": 3},
        {"path": "a", "format": "xls"},
        {"path": "a", "delimiter": ";;"},
        {"path": "a", "x": 1},
    ],
    ids=str,
)
def test_wrong_keys_are_refused(keys):
    with pytest.raises(ValidationError):
        FilesParameters(**keys)


def test_without_a_clock_it_is_now(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 half")
    source = FilesSource(FilesParameters(path=str(tmp_path / "*")))
    assert values(source) == []
    assert reasons(source) == [Reason.FILE_INCOMPLETE]
    assert datetime.now(UTC) - datetime.fromtimestamp(
        Path(tmp_path / "a.parquet").stat().st_mtime, UTC
    ) < timedelta(minutes=1)


def test_file_urls_are_local(folder):
    folder.write("a.csv", "x\n1\n")
    source = FilesSource(FilesParameters(path=f"file://{folder.path}/*.csv"), clock=folder.clock)
    assert values(source) == ["1"]
