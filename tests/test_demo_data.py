"""The flights that are shipped are the outside data sets, value for value."""

import json
import runpy
from pathlib import Path

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from monitor.cli import main

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "monitor" / "data"
FLIGHTS = SHIPPED / "flights.parquet"
YEAR = SHIPPED / "year.parquet"
ZONE = "America/New_York"
RENAMED = {"seq": "flight_id"}


@pytest.fixture(scope="module")
def original(data: Path) -> pd.DataFrame:
    return pq.read_table(data / "semi_flights_injected" / "prepared.parquet").to_pandas()


@pytest.fixture(scope="module")
def shipped() -> pd.DataFrame:
    return pq.read_table(FLIGHTS).to_pandas()


def test_the_file_is_small_and_in_time_order():
    table = pq.read_table(FLIGHTS)
    assert FLIGHTS.stat().st_size <= 4_000_000
    assert table.num_rows == 119_520
    assert table["ts"].is_valid().to_pylist().count(False) == 0
    assert pc.all(pc.greater(table["ts"][1:], table["ts"][:-1])).as_py()


@pytest.mark.data
def test_every_value_is_the_original(original, shipped):
    kept = [name for name in original.columns if name not in {"ts", "label_ts", "split"}]
    for name in kept:
        ours = shipped[RENAMED.get(name, name)]
        assert ours.isna().equals(original[name].isna()), name
        assert (ours.dropna() == original[name].dropna()).all(), name
    assert (shipped["ts"].dt.tz_localize(None) == original["ts"]).all()
    assert set(original.columns) - {"split", "seq"} == set(shipped.columns) - {"flight_id"}


@pytest.mark.data
def test_labels_become_known_at_the_next_whole_second_and_never_earlier(original, shipped):
    late = (shipped["label_ts"].dt.tz_localize(None) - original["label_ts"]).dropna()
    assert late.min() >= pd.Timedelta(0)
    assert late.max() < pd.Timedelta(seconds=1)
    assert len(late) == original["label_ts"].notna().sum()


@pytest.mark.data
def test_the_reference_of_the_demo_is_the_reference_of_the_set(original, shipped):
    before = shipped["ts"] < pd.Timestamp("2024-01-31", tz="UTC")
    assert before.equals(original["split"] == "reference")


@pytest.mark.data
def test_the_script_makes_what_is_shipped(data, tmp_path, monkeypatch):
    monkeypatch.setenv("DRIFTD_DATA", str(data))
    monkeypatch.setattr("sys.argv", ["make_demo_data.py", str(tmp_path)])
    runpy.run_path(str(ROOT / "benchmarks" / "make_demo_data.py"), run_name="__main__")
    for name in ("flights", "year"):
        made, ours = (pq.read_table(folder / f"{name}.parquet") for folder in (tmp_path, SHIPPED))
        assert made.equals(ours)
        made, ours = ((folder / f"{name}_truth.json").read_text() for folder in (tmp_path, SHIPPED))
        assert json.loads(made) == json.loads(ours)


@pytest.fixture(scope="module")
def year() -> pd.DataFrame:
    return pq.read_table(YEAR).to_pandas()


@pytest.fixture(scope="module")
def sampled(data: Path, year) -> pd.DataFrame:
    """The flights of the outside set that are among those shipped, with its predictions."""
    original, scored = (
        pq.read_table(data / "nycflights13" / f"{name}.parquet").to_pandas().set_index("seq")
        for name in ("prepared", "scored")
    )
    return original.assign(y_pred=scored["y_pred"], y_proba=scored["y_proba"]).loc[year["flight_id"]]


def test_what_is_shipped_is_small_all_together():
    assert YEAR.stat().st_size <= 1_500_000
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 4_000_000


def test_the_year_has_the_columns_of_the_flights_in_time_order_and_enough_rows(year):
    assert pq.read_schema(YEAR).names == pq.read_schema(FLIGHTS).names
    assert year["ts"].is_monotonic_increasing
    assert year["flight_id"].is_unique
    days = year["ts"].dt.tz_convert(ZONE).dt.floor("D")
    assert days.nunique() == 365
    assert len(year) >= 4 * 60 * 365
    rows = days.value_counts()
    assert set(rows.index[rows < 150].strftime("%d %b")) <= {"08 Feb", "09 Feb"}


def test_the_year_is_a_valid_model_of_ten_weeks_and_the_rest(year, capsys):
    assert main(["check", str(SHIPPED / "year.yaml"), "--connect"]) == 0
    text = (SHIPPED / "year.yaml").read_text()
    start, end = (pd.Timestamp(f"2013-{day}T04:00Z") for day in ("03-11", "05-20"))
    assert f"start: {start:%Y-%m-%dT%H:%MZ}" in text
    assert f"end: {end:%Y-%m-%dT%H:%MZ}" in text
    assert end - start == pd.Timedelta(weeks=10)
    assert year["ts"].between(start, end, inclusive="left").mean() > 0.15


@pytest.mark.data
def test_every_value_of_the_year_is_the_original_in_32_bits(sampled, year):
    for name in set(year.columns) - {"flight_id", "ts", "label_ts"}:
        theirs = sampled[name].reset_index(drop=True)
        if year[name].dtype == "float32":
            theirs = theirs.astype("float32")
        assert year[name].isna().equals(theirs.isna()), name
        assert (year[name].dropna() == theirs.dropna()).all(), name


@pytest.mark.data
def test_the_times_of_the_year_are_those_of_new_york_and_labels_as_late_as_they_were(sampled, year):
    theirs = sampled.reset_index(drop=True)
    assert (year["ts"].dt.tz_convert(ZONE).dt.tz_localize(None) == theirs["ts"]).all()
    late, was = year["label_ts"] - year["ts"], theirs["label_ts"] - theirs["ts"]
    assert late.isna().equals(was.isna())
    assert (late.dropna() == was.dropna()).all()


@pytest.mark.data
def test_the_sample_of_the_year_is_no_choice(data, sampled, year):
    whole = pq.read_table(data / "nycflights13" / "prepared.parquet", columns=["y", "distance"]).to_pandas()
    assert len(year) / len(whole) == pytest.approx(0.31, abs=0.003)
    for name in ("y", "distance"):
        assert sampled[name].mean() == pytest.approx(whole[name].mean(), rel=0.02)
