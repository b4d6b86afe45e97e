"""Values that are neither plain numbers nor plain texts: measured where that means something, else said."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from monitor.types import Kind, Reason
from tests.bad_input.world import Case, statistics, untouched


def numbers(frame: pd.DataFrame, shift: float) -> np.ndarray:
    """Numbers that do not depend on the other columns."""
    return np.random.default_rng(len(frame)).normal(shift, 1, len(frame))


def with_column(make, shift: float = 0.0):
    """A change that adds the column `more`, a pyarrow array made of numbers around `shift`."""

    def change(frame: pd.DataFrame) -> pa.Table:
        table = pa.Table.from_pandas(frame, preserve_index=False)
        return table.append_column("more", make(numbers(frame, shift)))

    return change


def decimals(values):
    return pa.array([Decimal(f"{value:.4f}") for value in values], pa.decimal128(12, 4))


def dates(values):
    return pa.array([date(2020, 1, 1) + timedelta(days=round(100 * float(value))) for value in values])


def timestamps(values):
    return pa.array((1.6e15 + 1e12 * values).astype(np.int64), pa.timestamp("us", "UTC"))


def booleans(values):
    return pa.array(values > 0)


def seconds(values):
    return pa.array((1e6 * (values + 10)).astype(np.int64), pa.duration("us"))


def nested(values):
    return pa.array([[value, value] for value in values.tolist()])


def records(values):
    return pa.array([{"value": value} for value in values.tolist()])


MEASURED = [decimals, dates, timestamps, booleans, seconds]


@pytest.mark.parametrize("make", MEASURED)
def test_measured_and_quiet(make, world, clean):
    seen = world.run(usual=with_column(make))
    assert not seen.problems()
    assert statistics(seen.second)["covariate", "more", "psi"]["value"] is not None
    assert seen.opened == set()
    untouched(seen, clean, {"more"}, lines=False)


@pytest.mark.parametrize("make", MEASURED)
def test_measured_and_found(make, world, clean):
    seen = world.run(with_column(make, 1.0), with_column(make))
    assert statistics(seen.second)["covariate", "more", "psi"]["drifted"]
    assert "covariate" in seen.opened
    untouched(seen, clean, {"more"}, lines=False)


def mixed(frame: pd.DataFrame) -> pd.DataFrame:
    texts = pd.Series(numbers(frame, 0.0)).round(3).astype(str)
    return frame.assign(mixed=texts.where(np.arange(len(frame)) % 100 != 50, "n.v.").to_numpy())


CASES = [
    Case(
        "nested",
        "more",
        Reason.UNSUPPORTED_TYPE,
        r"column 'more' holds list<.*>, which is not measured; list it under features\.ignore",
        usual=with_column(nested),
    ),
    Case(
        "records",
        "more",
        Reason.UNSUPPORTED_TYPE,
        r"column 'more' holds struct<.*>, which is not measured; list it under features\.ignore",
        usual=with_column(records),
    ),
    Case(
        "binary",
        "more",
        Reason.UNSUPPORTED_TYPE,
        r"column 'more' holds binary, which is not measured; list it under features\.ignore",
        usual=with_column(lambda values: pa.array([b"x"] * len(values))),
    ),
    Case(
        "nested instead of numbers",
        "more",
        Reason.TYPE_CHANGED,
        r"400 of 400 values in 'more' are no numbers, as '\[.*\]'; "
        "the reference has numbers; they count as missing",
        live=with_column(nested),
        usual=with_column(pa.array),
        opens={Kind.QUALITY},
    ),
    Case(
        "mixed types in the reference",
        "mixed",
        Reason.MIXED_TYPES,
        r"80 values of 'mixed' in the reference are no numbers, as 'n\.v\.': they count as missing; "
        r"list it under features\.categorical if they mean something",
        usual=mixed,
        features="numeric: [mixed]",
        more={
            (
                "mixed",
                Reason.TYPE_CHANGED,
            ): r"4 of 400 values in 'mixed' are no numbers, as 'n\.v\.'; "
            "the reference has numbers; they count as missing"
        },
    ),
    Case(
        "text that is called numeric",
        "city",
        Reason.MIXED_TYPES,
        r"no value of 'city' in the reference is a number, as '\w+', '\w+', '\w+'; "
        r"list it under features\.categorical if they mean something",
        usual=lambda rows: rows,
        features="numeric: [city]",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_type(case, world, clean):
    case.check(world, clean)
