import gzip
import json
from datetime import timedelta

import pytest

from monitor.sources import json_files
from monitor.types import Reason

from .conftest import message, reasons, rows, values

YOUNG = timedelta(seconds=5)


def lines(*objects):
    return "".join(json.dumps(one) + "\n" for one in objects)


def test_objects_become_rows(folder):
    folder.write("a.jsonl", lines({"x": 1, "y": "a"}, {"x": None, "y": "b"}, {"y": None}))
    folder.write("b.jsonl.gz", gzip.compress(lines({"x": 2.5, "y": True}).encode()))
    assert [row for *_, row in rows(folder.source(), ("x", "y"))] == [
        {"x": 1, "y": "a"},
        {"x": None, "y": "b"},
        {"x": None, "y": None},
        {"x": 2.5, "y": True},
    ]


def test_numbers_and_texts_in_one_column_are_texts(folder):
    folder.write(
        "a.jsonl", lines({"x": 1, "y": 1}, {"x": "word", "y": 2}, {"x": True, "y": 3}, {"x": [1], "y": 4})
    )
    source = folder.source()
    assert [row for *_, row in rows(source, ("x", "y"))] == [
        {"x": "1", "y": 1},
        {"x": "word", "y": 2},
        {"x": "true", "y": 3},
        {"x": "[1]", "y": 4},
    ]
    assert source.problems() == ()


def test_only_the_block_of_mixed_types_is_read_as_text(folder, monkeypatch):
    monkeypatch.setattr(json_files, "BLOCK_BYTES", 100)
    folder.write("a.jsonl", lines(*[{"x": row} for row in range(50)], {"x": "word"}, *[{"x": 1.5}] * 50))
    found = values(folder.source())
    assert len(found) == 101
    assert found[:5] == list(range(5))
    assert found[50] == "word"
    assert found[-1] == 1.5


def test_row_numbers_and_columns_hold_over_blocks(folder, monkeypatch):
    monkeypatch.setattr(json_files, "BLOCK_BYTES", 64)
    folder.write("a.jsonl", lines({"x": 0, "y": 1}, *[{"x": row} for row in range(1, 40)]))
    found = rows(folder.source(), ("x", "y"))
    assert [(number, row["x"]) for _, number, row in found] == [(row, row) for row in range(40)]
    assert found[-1][2] == {"x": 39, "y": None}


def test_texts_that_look_like_times_stay_texts(folder):
    folder.write("a.jsonl", lines({"x": "2024-01-01", "y": 1}, {"x": "2024-01-02 10:00:00", "y": 2}))
    assert values(folder.source()) == ["2024-01-01", "2024-01-02 10:00:00"]


def test_integers_beyond_64_bits_and_odd_numbers(folder):
    folder.write("a.jsonl", '{"x": 123456789012345678901234567890, "y": "a"}\n{"x": 1, "y": 2}\n')
    assert values(folder.source()) == ["123456789012345678901234567890", "1"]
    folder.write("a.jsonl", '{"x": NaN}\n{"x": Infinity}\n{"x": 1}\n')
    assert str(values(folder.source())) == "[nan, inf, 1.0]"


def test_broken_lines_are_left_out_and_told(folder):
    folder.write("a.jsonl", '{"x": 1}\n{"x": \n[1]\n\n{"x": 2}\n')
    source = folder.source()
    assert values(source) == [1, 2]
    assert reasons(source) == [Reason.BAD_ROWS]
    assert message(source) == (
        "a.jsonl: 2 lines are no JSON objects and are left out, the first is line 2; "
        "write one object per line"
    )


def test_lines_that_are_not_utf8_are_left_out_and_told(folder, monkeypatch):
    monkeypatch.setattr(json_files, "BLOCK_BYTES", 10)
    folder.write("a.jsonl", b'{"x": "a"}\n{"x": "M\xfcnchen"}\n{"x": "b"}\n')
    source = folder.source()
    assert values(source) == ["a", "b"]
    assert reasons(source) == [Reason.BAD_ENCODING]
    assert message(source) == (
        "a.jsonl: 1 lines are not UTF-8 and are left out, the first is line 2; write the file as UTF-8"
    )


def test_an_array_is_refused_with_the_remedy(folder):
    folder.write("a.json", json.dumps([{"x": 1}], indent=1))
    source = folder.source()
    assert values(source) == []
    assert reasons(source) == [Reason.FILE_UNREADABLE]
    assert "it is a JSON array, not JSON Lines: write one object per line" in message(source)


@pytest.mark.parametrize(
    ("age", "reason"), [(YOUNG, Reason.FILE_INCOMPLETE), (timedelta(hours=1), Reason.BAD_ROWS)]
)
def test_a_last_line_that_is_cut_short(folder, age, reason):
    folder.write("a.jsonl", '{"x": 1}\n{"x": ', age=age)
    source = folder.source()
    assert values(source) == ([] if reason is Reason.FILE_INCOMPLETE else [1])
    assert reasons(source) == [reason]


def test_a_last_line_without_an_end(folder):
    folder.write("a.jsonl", '{"x": 1}\n{"x": 2}', age=YOUNG)
    assert values(folder.source()) == [1, 2]


def test_one_document_over_many_lines_is_refused_with_the_remedy(folder):
    folder.write("a.json", json.dumps({"x": 1}, indent=1))
    source = folder.source()
    assert values(source) == []
    assert reasons(source) == [Reason.FILE_UNREADABLE]
    assert "it is not JSON Lines, line 1 is no object: write one object per line" in message(source)
