"""A column is absent, new, renamed, of another type, empty, or always the same."""

import numpy as np
import pandas as pd
import pytest

from monitor.types import Kind, Reason
from tests.bad_input.world import Case, live_rows, metric, statistics, untouched, write

NUMBERS_AS_TEXT = (
    r"400 of 400 values in 'age' are no numbers, as 'about \d+'(, 'about \d+'){2}; "
    "the reference has numbers; they count as missing"
)
CONSTANT_AGE = "column 'age' has the single value 41.5 in 400 rows; the reference has several"
UNSEEN_NUMBERS = (
    r"400 of 400 rows have categories in 'city' that the reference lacks: '\d' \(\d+\)(, '\d' \(\d+\)){2}"
)


def lacking(share: float, value: float | None):
    """Every 1 / share row has this instead of its age."""

    def change(day: pd.DataFrame) -> pd.DataFrame:
        some = np.arange(len(day)) % round(1 / share) == 0
        return day.assign(
            age=day["age"].astype("Float64").mask(some, value)
            if value is None
            else day["age"].mask(some, value)
        )

    return change


CASES = [
    Case(
        "absent",
        "age",
        Reason.ABSENT_COLUMN,
        "column 'age' is absent, which the reference has; the other columns go on",
        live=lambda day: day.drop(columns="age"),
        opens={Kind.QUALITY},
    ),
    Case(
        "added",
        "extra",
        Reason.ADDED_COLUMN,
        "column 'extra' is new: the reference does not have it, so it is not measured",
        live=lambda day: day.assign(extra=1.0),
    ),
    Case(
        "renamed",
        "age",
        Reason.ABSENT_COLUMN,
        "column 'age' is absent, which the reference has; the other columns go on; "
        "was it renamed to 'years', which is new\\?",
        live=lambda day: day.rename(columns={"age": "years"}),
        opens={Kind.QUALITY},
        more={
            (
                "years",
                Reason.ADDED_COLUMN,
            ): "column 'years' is new: the reference does not have it, so it is not measured"
        },
    ),
    Case(
        "numbers become text",
        "age",
        Reason.TYPE_CHANGED,
        NUMBERS_AS_TEXT,
        live=lambda day: day.assign(age="about " + day["age"].round().astype(int).astype(str)),
        opens={Kind.QUALITY},
    ),
    Case(
        "some numbers become text",
        "age",
        Reason.TYPE_CHANGED,
        "2 of 400 values in 'age' are no numbers, as 'forty'; "
        "the reference has numbers; they count as missing",
        live=lambda day: day.assign(age=day["age"].astype(str).where(np.arange(len(day)) >= 2, "forty")),
    ),
    Case(
        "texts become numbers",
        "city",
        Reason.TYPE_CHANGED,
        "column 'city' holds int64, in the reference text; values that the reference lacks count as unseen",
        live=lambda day: day.assign(city=day["city"].str.len() + np.arange(len(day)) % 3),
        opens={Kind.QUALITY},
        more={("city", Reason.UNSEEN_CATEGORY): UNSEEN_NUMBERS},
    ),
    Case(
        "all null",
        "age",
        Reason.ALL_MISSING,
        "column 'age' has no value in 400 rows",
        live=lambda day: day.assign(age=pd.array([None] * len(day), "Float64")),
        opens={Kind.QUALITY},
    ),
    Case(
        "all NaN",
        "age",
        Reason.ALL_MISSING,
        "column 'age' has no value in 400 rows",
        live=lambda day: day.assign(age=np.nan),
        opens={Kind.QUALITY},
    ),
    Case(
        "all of Arrow's type null",
        "age",
        Reason.ALL_MISSING,
        "column 'age' has no value in 400 rows",
        live=lambda day: day.assign(age=pd.Series([None] * len(day), dtype=object)),
        opens={Kind.QUALITY},
    ),
    Case(
        "no category",
        "city",
        Reason.ALL_MISSING,
        "column 'city' has no value in 400 rows",
        live=lambda day: day.assign(city=pd.Series([None] * len(day), dtype=object)),
        opens={Kind.QUALITY},
    ),
    Case(
        "all missing in the reference",
        "age",
        Reason.ALL_MISSING,
        "column 'age' has no value in the reference: not measured",
        usual=lambda rows: rows.assign(age=np.nan),
    ),
    Case(
        "constant number",
        "age",
        Reason.CONSTANT,
        CONSTANT_AGE,
        live=lambda day: day.assign(age=41.5),
        opens={Kind.QUALITY, Kind.COVARIATE},
    ),
    Case(
        "constant category",
        "city",
        Reason.CONSTANT,
        "column 'city' has the single value 'Rome' in 400 rows; the reference has several",
        live=lambda day: day.assign(city="Rome"),
        opens={Kind.QUALITY, Kind.COVARIATE},
    ),
    Case(
        "constant in the reference",
        "age",
        Reason.CONSTANT,
        "column 'age' has a single value in the reference",
        usual=lambda rows: rows.assign(age=7.0),
    ),
    Case(
        "infinite",
        "age",
        Reason.INFINITE_VALUES,
        "40 of 400 values in 'age' are infinite; they are counted and in no distance",
        live=lacking(0.1, np.inf),
        opens={Kind.QUALITY},
    ),
    Case(
        "one of minus infinity",
        "age",
        Reason.INFINITE_VALUES,
        "1 of 400 values in 'age' are infinite; they are counted and in no distance",
        live=lacking(1 / 400, -np.inf),
    ),
    Case(
        "infinite in the reference too",
        "age",
        Reason.INFINITE_VALUES,
        "40 of 400 values in 'age' are infinite; they are counted and in no distance",
        usual=lacking(0.1, np.inf),
    ),
    Case(
        "one outlier",
        "age",
        Reason.OUTLIERS,
        r"values in 'age' lie far outside of the reference's range \([-\d.]+ to [\d.]+\), "
        r"as 1e\+06; distances cap them",
        live=lambda day: day.assign(age=day["age"].where(np.arange(len(day)) != 7, 1e6)),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_column(case, world, clean):
    case.check(world, clean)


def test_numbers_written_as_text_are_the_numbers(world, clean):
    seen = world.run(lambda day: day.assign(age=day["age"].map(repr)))
    assert not seen.problems()
    untouched(seen, clean, set())


def test_nan_and_null_are_the_same_absence(world, tmp_path, clean):
    nan = world.run(lacking(0.1, np.nan))
    null = type(world)(tmp_path / "null", world.shared).run(lacking(0.1, None))
    assert nan.opened == null.opened == {"quality"}
    assert statistics(nan.second).keys() == statistics(null.second).keys()
    untouched(nan, null, set())
    untouched(nan, clean, {"age"})


def test_as_much_missing_as_in_the_reference_is_no_drift(world, clean):
    seen = world.run(live=lacking(0.25, np.nan), usual=lacking(0.25, None))
    missing = statistics(seen.second)["quality", "age", "missing"]
    assert missing["value"] == 0.25
    assert not missing["drifted"]
    assert seen.opened == set()
    untouched(seen, clean, {"age"})


def test_a_problem_of_one_window_leaves_the_window_before_as_it_was(world, clean):
    seen = world.run(lambda day: day.drop(columns="age"))
    before = {name: value for name, value in clean.first.items() if name != "seconds"}
    assert {name: value for name, value in seen.first.items() if name != "seconds"} == before


def test_columns_are_counted_once_per_reason(world):
    seen = world.run(lambda day: day.drop(columns=["age", "city"]))
    metric(seen, Reason.ABSENT_COLUMN, columns=2)


def test_a_column_that_some_files_of_the_window_lack(world, clean):
    """Half of the day came in a file without the column: told with the rows, and counted as missing."""

    def halves(folder):
        day = live_rows(1)
        write(folder / "live/2.parquet", day.iloc[:200])
        write(folder / "live/3.parquet", day.iloc[200:].drop(columns="age"))

    seen = world.run(prepare=halves)
    assert seen.problems() == {
        ("age", "absent_column"): (
            "column 'age' is absent from the files of 200 of 400 rows, where it counts as missing"
        )
    }
    assert seen.opened == {"quality"}
    assert statistics(seen.second)["quality", "age", "missing"]["value"] == 0.5
    metric(seen, Reason.ABSENT_COLUMN)
    untouched(seen, clean, {"age"})
