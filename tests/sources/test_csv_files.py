import gzip
from datetime import timedelta

import pytest

from monitor.sources import csv_files
from monitor.sources.reading import BATCH_ROWS
from monitor.types import Reason

from .conftest import message, reasons, rows, values

YOUNG = timedelta(seconds=5)


def test_every_value_is_text_and_an_empty_field_is_missing(folder):
    folder.write("a.csv", 'x,y\n1,\n2.50,""\n007,NA\n"a, b","line\nbreak"\n')
    assert [row for *_, row in rows(folder.source(), ("x", "y"))] == [
        {"x": "1", "y": None},
        {"x": "2.50", "y": ""},
        {"x": "007", "y": "NA"},
        {"x": "a, b", "y": "line\nbreak"},
    ]


def test_types_do_not_change_in_the_middle_of_a_file(folder, monkeypatch):
    monkeypatch.setattr(csv_files, "BLOCK_BYTES", 1000)
    folder.write("a.csv", "x\n" + "1\n" * 2000 + "word\n" + "2.5\n" * 2000)
    found = values(folder.source())
    assert (len(found), found[1999:2002]) == (4001, ["1", "word", "2.5"])
    assert folder.source().problems() == ()


def test_row_numbers_hold_over_blocks(folder, monkeypatch):
    monkeypatch.setattr(csv_files, "BLOCK_BYTES", 100)
    folder.write("a.csv", "x\n" + "".join(f"{row}\n" for row in range(500)))
    assert [(number, row["x"]) for _, number, row in rows(folder.source())] == [
        (row, str(row)) for row in range(500)
    ]


def test_long_blocks_come_in_slices(folder):
    folder.write("a.csv", "x\n" + "1\n" * (BATCH_ROWS + 7))
    assert [(batch.offset, batch.rows.num_rows) for batch in folder.source().scan(("x",))] == [
        (0, BATCH_ROWS),
        (BATCH_ROWS, 7),
    ]


def test_delimiter_encoding_and_compression(folder):
    folder.write("a.csv", "x;y\nMünchen;1\n".encode("latin-1"))
    assert values(folder.source("a.csv", delimiter=";", encoding="latin-1")) == ["München"]
    folder.write("b.csv.gz", gzip.compress(b"x\n1\n"))
    assert values(folder.source("b.csv.gz")) == ["1"]
    folder.write("c.csv", b"\xef\xbb\xbfx\n1\n")
    assert values(folder.source("c.csv")) == ["1"]
    folder.write("d.csv", "x\r\n1\r\n")
    assert values(folder.source("d.csv")) == ["1"]


def test_values_that_are_not_utf8_are_missing_and_the_other_columns_go_on(folder):
    folder.write("a.csv", b"x,city\n1,Berlin\n2,M\xfcnchen\n3,K\xf6ln\n")
    source = folder.source()
    assert [row for *_, row in rows(source, ("x", "city"))] == [
        {"x": "1", "city": "Berlin"},
        {"x": "2", "city": None},
        {"x": "3", "city": None},
    ]
    (problem,) = source.problems()
    assert (problem.column, problem.reason) == ("city", Reason.BAD_ENCODING)
    assert problem.message == (
        "a.csv: 2 values of 'city' are not UTF-8 and count as missing, the first in data row 2; "
        "write the file as UTF-8, or give the source its `encoding`"
    )
    assert values(source, "x") == ["1", "2", "3"]
    assert source.problems() == ()


def test_a_header_that_is_not_utf8(folder):
    folder.write("a.csv", b"x,stra\xdfe\n1,2\n")
    folder.write("b.csv", "x\n1\n")
    source = folder.source()
    assert values(source) == ["1"]
    assert reasons(source) == [Reason.BAD_ENCODING]


def test_utf16_is_named(folder):
    folder.write("a.csv", "x\n1\n".encode("utf-16"))
    source = folder.source()
    assert values(source) == []
    assert (
        message(source)
        == "a.csv: it is not UTF-8 but UTF-16; write it as UTF-8, or give the source its `encoding`"
    )
    assert values(folder.source(encoding="utf-16")) == ["1"]


def test_ragged_rows_are_left_out_and_told(folder):
    folder.write("a.csv", "x,y\n1,2\n3\n4,5,6\n7,8\n")
    source = folder.source()
    assert values(source) == ["1", "7"]
    assert reasons(source) == [Reason.BAD_ROWS]
    assert message(source) == (
        "a.csv: 2 rows have another number of fields than the header and are left out, the first is row 3 "
        "with 1 fields in place of 2; quote fields that hold the delimiter ','"
    )


@pytest.mark.parametrize(
    ("age", "reason"), [(YOUNG, Reason.FILE_INCOMPLETE), (timedelta(hours=1), Reason.BAD_ROWS)]
)
def test_a_last_row_that_is_cut_short(folder, age, reason):
    folder.write("a.csv", "x,y\n1,2\n3", age=age)
    source = folder.source()
    assert values(source) == ([] if reason is Reason.FILE_INCOMPLETE else ["1"])
    assert reasons(source) == [reason]


def test_a_cut_archive(folder):
    whole = gzip.compress(b"x\n" + b"".join(b"%d\n" % row for row in range(9999)))
    folder.write("a.csv.gz", whole[:-2000])
    source = folder.source()
    assert values(source) == []
    assert reasons(source) == [Reason.FILE_UNREADABLE]
