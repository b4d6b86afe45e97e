"""History that was evaluated after the fact is in Prometheus as if it had been scraped."""

import subprocess
from datetime import datetime

import pandas as pd
import pytest

from tests.e2e.flights import LATENESS, MODEL, REFERENCE, flown
from tests.e2e.servers import CONFIGS, prometheus_in
from tests.harness import driftd, statistic, verdict

LIVE = ("2024-02-09", "2024-02-12")
"""The second day is the first on which degrees Fahrenheit come as Celsius."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def lines(tmp_path):
    """What backfill prints, by the time at which it is first known; its history is in history.txt."""
    flown(REFERENCE).to_parquet(tmp_path / "reference.parquet", index=False)
    flown(LIVE).to_parquet(tmp_path / "live.parquet", index=False)
    path = tmp_path / "model.yaml"
    path.write_text(MODEL)
    start, end = (f"{day}T00:00Z" for day in LIVE)
    stored = ("--state", f"sqlite:///{tmp_path}/driftd.db", "--openmetrics", tmp_path / "history.txt")
    ran = driftd("backfill", path, "--from", start, "--to", end, "--json", *stored)
    assert ran.code == 1
    return {known(line): line for line in ran.lines if not line["restated"]}


def known(line) -> float:
    return (datetime.fromisoformat(line["window"]["end"]) + LATENESS).timestamp()


@pytest.fixture
def served(tmp_path, lines, promtool, prometheus):
    """A Prometheus that has the history as blocks, and scrapes nothing."""
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics", tmp_path / "history.txt"]
    made = subprocess.run([*command, tmp_path / "tsdb"], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    (tmp_path / CONFIGS["prometheus"]).write_text("global: {}\n")
    with prometheus_in(tmp_path, prometheus) as server:
        yield server


def test_prometheus_serves_every_window_at_the_time_at_which_it_was_known(served, lines):
    every = int(pd.Timedelta("6h").total_seconds())

    def history(selector):
        (series,) = served.between(selector, min(lines), max(lines), every)
        return {time: float(value) for time, value in series["values"]}

    assert len(lines) == 12
    assert history("driftd_window_rows") == {time: line["rows"] for time, line in lines.items()}
    alarms = {time: verdict(line, "covariate")["alarm"] for time, line in lines.items()}
    assert set(alarms.values()) == {False, True}
    assert history('driftd_alarm{job="driftd",kind="covariate"}') == alarms
    values = {time: statistic(line, "temp", "psi")["value"] for time, line in lines.items()}
    found = history('driftd_statistic{model="flight-delay",column="temp",detector="psi"}')
    assert found == pytest.approx(values)
    assert served.instant("driftd_alarm") == []
