"""Files that cannot be read: damaged, in another encoding, empty, away; the other files go on."""

import os
import re

import pandas as pd
import pytest

from monitor.types import Reason, Stage
from tests.bad_input.world import (
    FIRST,
    error,
    live_rows,
    metric,
    untouched,
    write,
)

THIRD = "2024-01-23T00:00:00Z"


def old(path) -> None:
    """As if nobody had written to the file for years."""
    os.utime(path, (0, 0))


def third_day(folder) -> None:
    write(folder / "live/3.parquet", live_rows(2))


def truncated(folder) -> None:
    file = folder / "live/2.parquet"
    file.write_bytes(file.read_bytes()[:-1000])
    old(file)


def as_csv(encoding: str, change=lambda day: day):
    def prepare(folder) -> None:
        (folder / "live/2.parquet").unlink()
        text = change(live_rows(1)).to_csv(index=False)
        (folder / "live/2.csv").write_bytes(text.encode(encoding))
        old(folder / "live/2.csv")

    return prepare


class TestDamaged:
    TEXT = r"2\.parquet: it cannot be read: .+; write it anew, or take it out of the source's path"

    def test_a_truncated_file_costs_its_window_only(self, world, clean):
        seen = world.run(prepare=lambda folder: (truncated(folder), third_day(folder)))
        assert seen.second["rows"] == 0
        assert re.fullmatch(self.TEXT, seen.problems()["", "file_unreadable"])
        assert seen.ran.last[THIRD]["rows"] == 400
        assert seen.first["statistics"] == clean.first["statistics"]
        metric(seen, Reason.FILE_UNREADABLE)

    def test_where_no_window_can_tell_it_the_run_does(self, world):
        """The newest file is damaged: its window stays pending, and that is not silent."""
        seen = world.run()
        old(world.folder / "live/1.parquet")
        write(world.folder / "live/3.parquet", live_rows(2))
        file = world.folder / "live/3.parquet"
        file.write_bytes(file.read_bytes()[:-1000])
        old(file)
        again = world.again()
        assert not again.ran.lines
        assert re.search(
            r"^driftd: world: 3\.parquet: it cannot be read: .* \[scan: file_unreadable\]$",
            again.ran.err,
            re.MULTILINE,
        )
        error(again, Stage.SCAN, Reason.FILE_UNREADABLE)
        assert again.ran.code == seen.ran.code == 0

    def test_once_it_is_whole_its_window_is_evaluated(self, world, clean):
        seen = world.run(prepare=truncated)
        assert set(seen.ran.last) == {FIRST}
        write(world.folder / "live/2.parquet", live_rows(1))
        again = world.again()
        assert again.second["rows"] == 400
        untouched(again, clean, set())

    def test_a_damaged_reference(self, world):
        def damage(folder):
            file = folder / "reference.parquet"
            file.write_bytes(file.read_bytes()[:5000])
            old(file)

        seen = world.run(prepare=damage)
        assert seen.ran.code == 2
        assert "reference.parquet: it cannot be read" in seen.ran.err
        error(seen, Stage.SCAN, Reason.SOURCE_FAILED)

    def test_one_damaged_file_of_the_reference(self, world, clean):
        def damage(folder):
            whole = pd.read_parquet(folder / "reference.parquet")
            write(folder / "reference/1.parquet", whole)
            (folder / "reference/2.parquet").write_bytes(b"PAR1 and no more")
            old(folder / "reference/2.parquet")

        seen = world.run(prepare=damage, yaml=lambda text: text.replace("reference.parquet", "reference"))
        assert seen.problems()["", "file_unreadable"].startswith("reference: reference/2.parquet: it cannot")
        untouched(seen, clean, set())


class TestEncoding:
    def test_a_csv_file_is_the_same_rows(self, world, clean):
        seen = world.run(prepare=as_csv("utf-8"))
        assert seen.second["rows"] == 400
        assert not seen.problems()
        untouched(seen, clean, set())

    def test_values_that_are_not_utf8(self, world, clean):
        def accents(day):
            return day.assign(city=day["city"].mask(day.index < 5, "Zürich"))

        seen = world.run(prepare=as_csv("latin-1", accents))
        message = seen.problems()["city", "bad_encoding"]
        assert message == (
            "2.csv: 5 values of 'city' are not UTF-8 and count as missing, the first in data row 1; "
            "write the file as UTF-8, or give the source its `encoding`"
        )
        metric(seen, Reason.BAD_ENCODING)
        assert seen.second["rows"] == 400
        untouched(seen, clean, {"city"})

    def test_a_file_in_utf16(self, world, clean):
        seen = world.run(prepare=lambda folder: (as_csv("utf-16")(folder), third_day(folder)))
        message = seen.problems()["", "bad_encoding"]
        assert re.fullmatch(
            r"2\.csv: it is not UTF-8 but UTF-16; write it as UTF-8, or give the source its `encoding`",
            message,
        )
        assert seen.ran.last[THIRD]["rows"] == 400

    def test_rows_that_are_ragged(self, world, clean):
        def ragged(folder):
            as_csv("utf-8")(folder)
            with (folder / "live/2.csv").open("a") as file:
                file.write("one,two\n")
            old(folder / "live/2.csv")

        seen = world.run(prepare=ragged)
        assert seen.problems()["", "bad_rows"].startswith("2.csv: 1 ")
        metric(seen, Reason.BAD_ROWS)
        untouched(seen, clean, set())


def test_json_lines_with_numbers_and_texts_in_one_column(world, clean):
    """Some writers quote numbers now and then: the column is text, its numbers are the same."""

    def prepare(folder):
        (folder / "live/2.parquet").unlink()
        day = live_rows(1)
        ages = [str(age) if row % 3 == 0 else age for row, age in enumerate(day["age"])]
        day.assign(
            age=pd.Series(ages, dtype=object), ts=day["ts"].map(lambda time: time.isoformat())
        ).to_json(folder / "live/2.jsonl", orient="records", lines=True, double_precision=15)

    seen = world.run(prepare=prepare)
    assert seen.second["rows"] == 400
    assert not seen.problems()
    untouched(seen, clean, {"age", "y_proba"})


def test_an_empty_file(world, clean):
    def prepare(folder):
        write(folder / "live/3.parquet", live_rows(2).iloc[:0])
        (folder / "live/4.csv").write_text("")
        old(folder / "live/4.csv")

    seen = world.run(prepare=prepare)
    assert set(seen.problems()) == {("", "file_empty")}
    untouched(seen, clean, set())


class TestAway:
    def test_nothing_matches(self, world):
        seen = world.run(yaml=lambda text: text.replace("live/*", "lvie/*"))
        assert (seen.ran.code, seen.ran.lines) == (0, [])
        assert re.search(
            r"^driftd: world: no file matches .*/lvie/\*; check the path, or wait for the first file "
            r"\[scan: no_files\]$",
            seen.ran.err,
            re.MULTILINE,
        )
        error(seen, Stage.SCAN, Reason.NO_FILES)

    def test_no_reference(self, world):
        seen = world.run(prepare=lambda folder: (folder / "reference.parquet").unlink())
        assert seen.ran.code == 2
        assert re.search(r"no file matches .*/reference\.parquet", seen.ran.err)
        error(seen, Stage.SCAN, Reason.SOURCE_FAILED)

    def test_a_file_where_a_folder_is_expected(self, world):
        def prepare(folder):
            for file in (folder / "live").iterdir():
                file.unlink()
            (folder / "live").rmdir()
            (folder / "live").write_text("no folder")

        seen = world.run(prepare=prepare)
        assert not seen.ran.lines
        assert "Not a directory" in seen.ran.err or "no file matches" in seen.ran.err
        assert "[scan: " in seen.ran.err

    def test_a_folder_that_may_not_be_read(self, world, clean, monkeypatch):
        scandir = os.scandir

        def refuse(path):
            if str(path).endswith("secret"):
                raise PermissionError(13, "Permission denied", str(path))
            return scandir(path)

        monkeypatch.setattr(os, "scandir", refuse)
        seen = world.run(
            yaml=lambda text: text.replace("live/*", "live/**"),
            prepare=lambda folder: (folder / "live/secret").mkdir(),
        )
        message = seen.problems()["", "file_unreadable"]
        assert re.fullmatch(
            r".*/live/secret: Permission denied; let the user that runs driftd read it\. "
            "The other folders go on",
            message,
        )
        metric(seen, Reason.FILE_UNREADABLE)
        untouched(seen, clean, set())


@pytest.mark.parametrize("name", ["notes.txt", "_SUCCESS", ".2.parquet.crc", "2.parquet.tmp"])
def test_files_that_are_no_data_are_left_alone(world, clean, name):
    seen = world.run(
        yaml=lambda text: text.replace("live/*", "live"),
        prepare=lambda folder: (folder / "live" / name).write_text("no data"),
    )
    assert not seen.problems()
    untouched(seen, clean, set())
