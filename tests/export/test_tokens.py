import re
from pathlib import Path

import numpy as np
import pandas as pd

from monitor.export.tokens import METRICS, detectors, markdown
from monitor.stats.performance import CLASS_METRICS, NUMBER_METRICS, SCORE_METRICS
from monitor.types import Reason, Stage
from tests.harness import Model

ROOT = Path(__file__).parents[2]
START = pd.Timestamp("2024-01-01", tz="UTC")


def test_the_documentation_is_current():
    page = (ROOT / "docs" / "tokens.md").read_text(encoding="utf-8")
    assert page == markdown(), "run: python -m monitor.export.tokens > docs/tokens.md"


def test_every_token_has_one_line_with_a_meaning():
    lines = re.findall(r"^\| `(\w+)` \|.* (\S.*) \|$", markdown(), re.MULTILINE)
    tokens = [token for token, _ in lines]
    assert set(tokens) >= {*detectors(), *METRICS, *Reason, *Stage}
    assert len(tokens) == len(set(tokens)) + len({"constant", "duplicate_id"})  # a statistic and a problem


def test_every_metric_of_performance_is_documented():
    assert set(METRICS) == {*CLASS_METRICS, *SCORE_METRICS, *NUMBER_METRICS}


def test_a_run_says_nothing_that_is_not_documented(tmp_path):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "ts": START + pd.to_timedelta(np.arange(1000) * 8640 / 10, unit="s"),
            "id": np.arange(1000) // 2,
            "size": rng.normal(size=1000),
            "kind": rng.choice(["a", "b"], 1000),
            "p": rng.random(1000),
            "y": rng.integers(0, 2, 1000),
            "y_pred": rng.integers(0, 2, 1000),
        }
    )
    yaml = """
version: 1
model: all
reference: {source: {kind: files, path: rows.parquet}, end: 2024-01-06T00:00Z}
live: {source: {kind: files, path: rows.parquet}}
columns: {timestamp: ts, id: id, prediction: y_pred, probability: p, label: y}
window: {min_rows: 50}
"""
    lines = Model(tmp_path, yaml).write(rows=rows).once("2024-02-01T00:00Z").lines
    said = {each["detector"] for line in lines for each in line["statistics"]}
    assert said >= {
        "psi",
        "ks",
        "missing",
        "unseen",
        "constant",
        "type",
        "duplicate_id",
        "adwin",
        "mean_error",
    }
    assert said <= detectors()
    assert {each["metric"] for line in lines for each in line["performance"]} == {
        *CLASS_METRICS,
        *SCORE_METRICS,
    }
    assert {each["reason"] for line in lines for each in line["problems"]} <= set(Reason)
