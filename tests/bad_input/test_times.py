"""Event times without a zone, out of order, far ahead, behind, absent; windows without rows or with few."""

import re

import pandas as pd
import pytest

from monitor.types import Reason, Stage
from tests.bad_input.world import (
    FIRST,
    SECOND,
    error,
    live_rows,
    metric,
    statistics,
    untouched,
    write,
)

THIRD = "2024-01-23T00:00:00Z"


def third_day(change=lambda day: day):
    """A further live day, so that the second is not the last."""
    return lambda folder: write(folder / "live/3.parquet", change(live_rows(2)))


def same(seen, clean) -> None:
    """The second window is as without the fault."""
    assert seen.second["rows"] == clean.second["rows"]
    untouched(seen, clean, set())


class TestZone:
    def test_times_without_a_zone_are_read_in_the_zone_of_the_windows_and_that_is_said_once(
        self, world, clean
    ):
        seen = world.run(usual=lambda rows: rows.assign(ts=rows["ts"].dt.tz_localize(None)))
        message = "times in 'ts' have no zone; they are read as UTC \\(window.timezone\\)"
        assert re.fullmatch(message, seen.problems(seen.first)["ts", "naive_timestamp"])
        assert not seen.problems()
        same(seen, clean)

    def test_in_another_zone_the_windows_are_its_days(self, world):
        """Wall clocks of Tokyo, nine hours ahead: the days are theirs."""
        local = lambda rows: rows.assign(ts=rows["ts"].dt.tz_localize(None))
        seen = world.run(
            usual=local, yaml=lambda text: text.replace("min_rows", "timezone: Asia/Tokyo, min_rows")
        )
        starts = {line["window"]["start"]: line["rows"] for line in seen.ran.lines}
        assert starts == {"2024-01-20T15:00:00Z": 400, "2024-01-21T15:00:00Z": 400}
        assert "read as Asia/Tokyo" in seen.problems(seen.ran.lines[0])["ts", "naive_timestamp"]

    def test_it_is_counted_while_it_is_the_newest(self, world):
        seen = world.run(
            usual=lambda rows: rows.assign(ts=rows["ts"].dt.tz_localize(None)),
            prepare=lambda folder: (folder / "live/2.parquet").unlink(),
        )
        metric(seen, Reason.NAIVE_TIMESTAMP)


def test_rows_out_of_order_are_the_same_window(world, clean):
    seen = world.run(live=lambda day: day.sample(frac=1, random_state=3))
    assert not seen.problems()
    for key, each in statistics(seen.second).items():
        assert each["value"] == pytest.approx(statistics(clean.second)[key]["value"], rel=1e-12), key


def test_times_written_as_text(world, clean):
    seen = world.run(live=lambda day: day.assign(ts=day["ts"].map(lambda time: time.isoformat())))
    assert not seen.problems()
    same(seen, clean)


class TestFarAhead:
    AHEAD = "3 rows have event times more than a day after 2[-0-9T:.]+Z; they are left alone until then"

    def test_they_wait_and_open_no_window(self, world, clean):
        def ahead(day):
            rows = day.iloc[:3].assign(ts=pd.Timestamp("2200-12-31", tz="UTC"), id=[-1, -2, -3])
            return pd.concat([day, rows])

        seen = world.run(live=ahead)
        assert set(seen.ran.last) == {FIRST, SECOND}
        assert re.fullmatch(self.AHEAD, seen.problems(seen.first)["ts", "future_rows"])
        same(seen, clean)

    def test_even_where_the_calendar_ends(self, world, clean):
        """Milliseconds read as seconds lie tens of thousands of years ahead."""

        def ahead(day):
            table = pd.concat([day, day.iloc[:3].assign(id=[-1, -2, -3])])
            micros = table["ts"].astype("datetime64[us, UTC]").astype("int64").to_numpy() // 1_000_000
            micros[-3:] *= 1000
            return table.assign(ts=pd.Series(micros.astype("datetime64[s]")).to_numpy())

        seen = world.run(live=ahead)
        assert seen.ran.code == 0, seen.ran.err
        same(seen, clean)


class TestAbsent:
    def test_a_file_without_the_column(self, world, clean):
        seen = world.run(live=lambda day: day.drop(columns="ts"), prepare=third_day())
        assert seen.second["rows"] == 0
        message = "400 rows have no event time that can be read in 'ts'; they are in no window"
        assert seen.problems(seen.first)["ts", "no_timestamp"] == message
        assert seen.ran.last[THIRD]["rows"] == 400
        assert seen.first["statistics"] == clean.first["statistics"]

    def test_rows_without_a_value(self, world, clean):
        def holes(day):
            more = day.iloc[:5].assign(ts=pd.NaT, id=[-1, -2, -3, -4, -5])
            return pd.concat([day, more])

        seen = world.run(live=holes)
        message = "5 rows have no event time that can be read in 'ts'; they are in no window"
        assert seen.problems(seen.first)["ts", "no_timestamp"] == message
        same(seen, clean)

    def test_it_is_counted(self, world):
        seen = world.run(
            usual=lambda rows: rows.assign(ts=rows["ts"].mask(rows["id"] % 100 == 0)),
            prepare=lambda folder: (folder / "live/2.parquet").unlink(),
        )
        metric(seen, Reason.NO_TIMESTAMP)

    def test_a_text_that_is_no_time(self, world, clean):
        seen = world.run(
            live=lambda day: day.assign(ts=day["ts"].dt.strftime("%d/%m/%Y")), prepare=third_day()
        )
        assert seen.problems(seen.first)["ts", "no_timestamp"].startswith("400 rows have no event time")
        assert seen.ran.last[THIRD]["rows"] == 400

    def test_a_reference_without_the_column(self, world):
        def away(folder):
            pd.read_parquet(folder / "reference.parquet").drop(columns="ts").to_parquet(
                folder / "reference.parquet", index=False
            )

        seen = world.run(prepare=away)
        assert seen.ran.code == 2
        assert "the reference has no column 'ts', which the model file names; it has id, age" in seen.ran.err
        assert "[reference: reference_invalid]" in seen.ran.err
        error(seen, Stage.REFERENCE, Reason.REFERENCE_INVALID)


class TestRowsBehind:
    def test_they_are_counted_and_change_no_window(self, world, clean):
        seen = world.run()
        late = live_rows(1).iloc[:7].assign(id=range(-7, 0))
        write(world.folder / "live/2b.parquet", late)
        write(world.folder / "live/3.parquet", live_rows(2))
        again = world.again()
        text = (
            "7 rows have event times before 2024-01-23T00:00:00Z, up to which world is evaluated; "
            "they are not counted. A longer window.lateness waits for such rows"
        )
        assert set(again.ran.last) == {THIRD}
        assert again.problems(again.ran.last[THIRD])["ts", "late_rows"] == text
        metric(again, Reason.LATE_ROWS)
        assert seen.second["rows"] == 400


class TestRows:
    def test_an_empty_window(self, world, clean):
        seen = world.run(prepare=lambda folder: (folder / "live/2.parquet").unlink() or third_day()(folder))
        line = seen.second
        assert (line["rows"], line["statistics"], line["performance"]) == (0, [], [])
        assert {each["state"] for each in line["verdicts"]} == {"unknown"}
        assert seen.problems() == {("", "empty_window"): "no row in this window, though later rows exist"}
        assert seen.ran.last[THIRD]["rows"] == 400
        assert seen.first["statistics"] == clean.first["statistics"]

    def test_an_empty_window_says_nothing_of_columns_and_ends_no_scrape(self, world, clean):
        """What was known of the window before stays in the scrape; the count of problems is the newest's."""

        def prepare(folder):
            third_day()(folder)
            (folder / "live/2.parquet").unlink()

        seen = world.run(prepare=prepare)
        assert 'driftd_window_rows{model="world"} 400.0' in seen.scrape

    def test_fewer_rows_than_min_rows(self, world, clean):
        seen = world.run(live=lambda day: day.iloc[:199])
        line = seen.second
        assert (line["rows"], line["statistics"]) == (199, [])
        assert {each["state"] for each in line["verdicts"]} == {"unknown"}
        assert seen.problems()["", "too_few_rows"] == "199 rows; window.min_rows is 200, so nothing is judged"
        metric(seen, Reason.TOO_FEW_ROWS)
        assert 'driftd_window_rows{model="world"} 400.0' in seen.scrape

    def test_as_many_rows_as_min_rows(self, world):
        seen = world.run(live=lambda day: day.iloc[:200])
        assert seen.second["statistics"]
        assert not seen.problems()


def test_a_reference_outside_of_its_bounds(world):
    seen = world.run(
        yaml=lambda text: text.replace("reference.parquet}}", "reference.parquet}, end: 2023-01-01T00:00Z}")
    )
    assert seen.ran.code == 2
    text = (
        "of the reference has an event time in 'ts' within its bounds (open to 2023-01-01 00:00:00+00:00): "
        "check columns.timestamp, reference.start and reference.end [reference: reference_invalid]"
    )
    assert text in seen.ran.err
    error(seen, Stage.REFERENCE, Reason.REFERENCE_INVALID)
