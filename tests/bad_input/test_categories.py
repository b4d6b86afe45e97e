"""Categories that are new, too many, or no categories at all."""

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from monitor.types import Kind, Reason
from tests.bad_input.world import Case, statistics, untouched

MANY = 100_000
TEXT_IDS = (
    r"column 'token' holds ids or free text \(8000 values in 8000 rows of the reference\): not tested\. "
    r"List it under features\.ignore"
)
GROWING = (
    r"column 'seq' holds ids, or a count or time that grows with the rows: not tested, since new rows "
    r"always differ\. List it under features\.ignore, or under features\.numeric to test it"
)


def some(frame: pd.DataFrame, rows: int) -> np.ndarray:
    return np.arange(len(frame)) < rows


CASES = [
    Case(
        "one row of a new category",
        "city",
        Reason.UNSEEN_CATEGORY,
        "1 of 400 rows have categories in 'city' that the reference lacks: 'Kyiv' \\(1\\)",
        live=lambda day: day.assign(city=day["city"].mask(some(day, 1), "Kyiv")),
    ),
    Case(
        "many rows of a new category",
        "city",
        Reason.UNSEEN_CATEGORY,
        "60 of 400 rows have categories in 'city' that the reference lacks: 'Kyiv' \\(60\\)",
        live=lambda day: day.assign(city=day["city"].mask(some(day, 60), "Kyiv")),
        opens={Kind.QUALITY},
    ),
    Case(
        "every row a category of its own",
        "city",
        Reason.UNSEEN_CATEGORY,
        "400 of 400 rows have categories in 'city' that the reference lacks, none of them often",
        live=lambda day: day.assign(city=[f"x{number}" for number in range(len(day))]),
        opens={Kind.QUALITY},
    ),
    Case(
        "ids as texts",
        "token",
        Reason.HIGH_CARDINALITY,
        TEXT_IDS,
        usual=lambda rows: rows.assign(token="t" + rows["id"].astype(str)),
    ),
    Case(
        "ids as numbers that count up",
        "seq",
        Reason.HIGH_CARDINALITY,
        GROWING,
        usual=lambda rows: rows.assign(seq=rows["id"] * 10 + 7),
    ),
    Case(
        "ids as shuffled numbers",
        "seq",
        Reason.HIGH_CARDINALITY,
        GROWING,
        usual=lambda rows: rows.assign(seq=np.random.default_rng(5).permutation(rows["id"])),
    ),
    Case(
        "a time that is no event time",
        "seq",
        Reason.HIGH_CARDINALITY,
        GROWING,
        usual=lambda rows: rows.assign(seq=rows["ts"].dt.floor("h")),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_category(case, world, clean):
    case.check(world, clean)


def test_what_is_not_tested_says_so_in_its_statistics(world):
    seen = world.run(usual=lambda rows: rows.assign(token="t" + rows["id"].astype(str)))
    assert statistics(seen.second)["covariate", "token", "psi"]["reason"] == "high_cardinality"


def test_numbers_that_count_up_are_tested_where_the_file_says_so(world):
    seen = world.run(usual=lambda rows: rows.assign(seq=rows["id"]), features="numeric: [seq]")
    found = statistics(seen.second)["covariate", "seq", "psi"]
    assert found["value"] > 1
    assert found["reason"] is None


def test_a_hundred_thousand_categories(world, clean):
    """So many that they are given up, while the other columns go on."""

    def codes(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(
            zip=np.random.default_rng(len(frame)).integers(0, 3 * MANY, len(frame)).astype(str)
        )

    def longer(folder):
        times = 16
        whole = pd.concat([pd.read_parquet(folder / "reference.parquet")] * times)
        whole["zip"] = np.random.default_rng(1).permutation(len(whole))
        whole["zip"] = ("z" + whole["zip"].astype(str)).where(whole["zip"] < MANY + 1, "common")
        pa.parquet.write_table(
            pa.Table.from_pandas(whole, preserve_index=False), folder / "reference.parquet"
        )

    seen = world.run(usual=codes, prepare=longer)
    message = seen.problems()["zip", "high_cardinality"]
    assert re.match(r"column 'zip' holds ids or free text \(over 100000 values in 128000 rows", message)
    assert statistics(seen.second)["covariate", "zip", "psi"]["value"] is None
    psi = ("covariate", "amount", "psi")
    assert statistics(seen.second)[psi]["value"] is not None
    assert "covariate" not in seen.opened


def test_a_category_of_a_thousand_letters(world, clean):
    seen = world.run(live=lambda day: day.assign(city=day["city"].mask(some(day, 1), "K" * 1000)))
    message = seen.problems()["city", "unseen_category"]
    assert "'KKK" in message
    assert len(message) < 400
    untouched(seen, clean, {"city"})
