"""The flights that are shipped are the outside data set, value for value."""

import json
import runpy
from pathlib import Path

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "monitor" / "data"
FLIGHTS = SHIPPED / "flights.parquet"
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
    assert pq.read_table(tmp_path / "flights.parquet").equals(pq.read_table(FLIGHTS))
    made, ours = ((folder / "flights_truth.json").read_text() for folder in (tmp_path, SHIPPED))
    assert json.loads(made) == json.loads(ours)
