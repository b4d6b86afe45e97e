"""Real flights of the demo, moved in time so that the last of them have just taken place."""

from pathlib import Path

import pandas as pd

import monitor

FLIGHTS = Path(monitor.__file__).parent / "data" / "flights.parquet"

Stretch = tuple[str, str]

REFERENCE = ("2024-01-01", "2024-01-21")

LATENESS = pd.Timedelta("1h")
"""Past the lateness the newest window is due, whatever the time of day."""

MODEL = """
version: 1
model: flight-delay
owner: operations
reference: {source: {kind: files, path: reference.parquet}}
live: {source: {kind: files, path: live.parquet}}
ground_truth:
  source: {kind: files, path: live.parquet}
  id: flight_id
  label: y
  timestamp: label_ts
  horizon: 1d
columns: {timestamp: ts, id: flight_id, prediction: y_pred, probability: y_proba, label: y, positive: 1}
window: {length: 6h, lateness: 1h, min_rows: 100}
schedule: {every: 5s}
export: {detail: all}
"""


def flown(stretch: Stretch) -> pd.DataFrame:
    """The flights of `[start, end)`."""
    flights = pd.read_parquet(FLIGHTS)
    start, end = (pd.Timestamp(each, tz="UTC") for each in stretch)
    return flights[(flights["ts"] >= start) & (flights["ts"] < end)]


def moved(*stretches: Stretch) -> list[pd.DataFrame]:
    """The flights of each, one after the other without a gap; the last end about now."""
    to = (pd.Timestamp.now("UTC") - LATENESS).floor("6h")
    found = []
    for stretch in reversed(stretches):
        start, end = (pd.Timestamp(each, tz="UTC") for each in stretch)
        rows, shift = flown(stretch), to - end
        found.insert(0, rows.assign(ts=rows["ts"] + shift, label_ts=rows["label_ts"] + shift))
        to -= end - start
    return found
