"""A small model with everything that a run remembers: late labels, alarms that open and close, gaps."""

import numpy as np
import pandas as pd

from monitor.build import detector_parameters, source_parameters
from monitor.config.load import load_model

NAME = "pumps"
ROWS = 250
STEP = pd.Timedelta(hours=6)
START = pd.Timestamp("2024-01-01", tz="UTC")
REFERENCE_WINDOWS, LIVE_WINDOWS = 40, 48
EMPTY = frozenset({9, 10, 31})
MOVED = range(16, 27)
UNTIL = (START + 91 * STEP).to_pydatetime()
"""Ticks go on after the last row, and some windows still await labels then."""
END = (START + (REFERENCE_WINDOWS + LIVE_WINDOWS) * STEP).to_pydatetime()
NOW = (START + 2000 * STEP).to_pydatetime()

YAML = """
version: 1
model: pumps
reference: {source: {kind: files, path: reference.parquet}}
live: {source: {kind: files, path: live.parquet}}
ground_truth:
  source: {kind: files, path: labels.parquet}
  id: id
  label: y
  timestamp: known
  horizon: 3d
columns:
  timestamp: ts
  id: id
  prediction: y_pred
  probability: y_proba
  label: y
  features: {numeric: [flow, heat, noise], categorical: [site, mode]}
window: {length: 6h, lateness: 1h, min_rows: 50}
schedule: {every: 1s}
"""


def frame(rng, window, *, first):
    """One window's rows; in the moved ones an input is shifted and its meaning turned round."""
    moved = not first and window in MOVED
    flow, heat, noise = rng.normal(1.5 if moved else 0.0, 1.0, ROWS), *rng.normal(size=(2, ROWS))
    real = (-1.5 if moved else 1.5) * heat + 0.5 * flow
    believed = 1 / (1 + np.exp(-(1.5 * heat + 0.5 * flow)))
    number = window if first else REFERENCE_WINDOWS + window
    seconds = np.sort(rng.uniform(0, STEP.total_seconds(), ROWS))
    return pd.DataFrame(
        {
            "ts": (START + number * STEP + pd.to_timedelta(seconds, unit="s")).floor("us"),
            "id": number * ROWS + np.arange(ROWS),
            "flow": flow,
            "heat": heat,
            "noise": np.where(rng.random(ROWS) < 0.02, np.nan, noise),
            "site": rng.choice(["north", "south", "west"], ROWS, p=[0.5, 0.3, 0.2]),
            "mode": rng.choice(["eco", "full"], ROWS),
            "y_proba": believed,
            "y_pred": (believed > 0.5).astype(int),
            "y": (rng.random(ROWS) < 1 / (1 + np.exp(-real))).astype(int),
        }
    )


def write_model(folder):
    """The model file and its data in the folder; returns the model file."""
    rng = np.random.default_rng(7)
    reference = pd.concat(frame(rng, window, first=True) for window in range(REFERENCE_WINDOWS))
    windows = [window for window in range(LIVE_WINDOWS) if window not in EMPTY]
    live = pd.concat(frame(rng, window, first=False) for window in windows)
    labels = live.loc[rng.random(len(live)) < 0.97, ["id", "y"]]
    after = pd.to_timedelta(rng.uniform(8, 40, len(labels)), unit="h")
    labels["known"] = (START + labels["id"] // ROWS * STEP + after).dt.floor("s")
    reference.to_parquet(folder / "reference.parquet", index=False)
    live.drop(columns="y").to_parquet(folder / "live.parquet", index=False)
    labels.sort_values("known").to_parquet(folder / "labels.parquet", index=False)
    path = folder / "pumps.yaml"
    path.write_text(YAML, encoding="utf-8")
    return path


def config_of(path):
    return load_model(path, sources=source_parameters(), detectors=detector_parameters())
