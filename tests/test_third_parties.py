"""A package of somebody else offers a source and a detector: every command knows them, and so do workers."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from monitor.store import Store
from tests.crash.daemon_process import DaemonProcess, awaited

MODULE = """
from monitor.detectors import wasserstein
from monitor.detectors.base import DETECTORS
from monitor.sources.base import SOURCES
from monitor.sources.files import FilesSource
from monitor.sources.parameters import FilesParameters

SOURCES.register("archive", "files of an archive", FilesParameters)(FilesSource)


@DETECTORS.register("distance", "a distance", wasserstein.WassersteinParameters)
def build(parameters):
    return wasserstein.Wasserstein(parameters, token="distance")
"""
POINTS = "[driftd.sources]\narchive = archive_for_driftd\n[driftd.detectors]\ndistance = archive_for_driftd\n"
YAML = """
version: 1
model: pumps
reference: {source: {kind: archive, path: reference.parquet}}
live: {source: {kind: archive, path: live.parquet}}
columns: {timestamp: ts}
window: {length: 1d, min_rows: 10}
schedule: {every: 1s}
detectors: [{detector: distance, columns: [flow]}]
"""
ROWS = 40


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A model that names the source and the detector, and the package, which Python finds."""
    package = tmp_path / "archive_for_driftd-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Name: archive_for_driftd\nVersion: 1\n", encoding="utf-8")
    (package / "entry_points.txt").write_text(POINTS, encoding="utf-8")
    (tmp_path / "archive_for_driftd.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    (tmp_path / "pumps.yaml").write_text(YAML, encoding="utf-8")
    for name, start, days in (("reference", "2024-01-01", 30), ("live", "2024-01-31", 4)):
        rng = np.random.default_rng(days)
        times = pd.date_range(start, periods=days * ROWS, freq=pd.Timedelta(days=1) / ROWS, tz="UTC")
        frame = pd.DataFrame({"ts": times, "flow": rng.normal(size=len(times))})
        frame.to_parquet(tmp_path / f"{name}.parquet", index=False)
    return tmp_path


def test_once_uses_them(folder):
    state = f"sqlite:///{folder}/driftd.db"
    command = [sys.executable, "-m", "monitor", "once", folder / "pumps.yaml", "--state", state, "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    line = json.loads(ended.stdout.splitlines()[0])
    values = {each["detector"]: each["value"] for each in line["statistics"] if each["column"] == "flow"}
    assert values["distance"] > 0


def test_the_workers_of_the_daemon_use_them(folder):
    url = f"sqlite:///{folder}/driftd.db"

    def evaluated():
        with Store.open(url, read_only=True) as store:
            return list(store.evaluations("pumps"))

    with DaemonProcess(folder / "pumps.yaml", url, folder / "log") as daemon:
        assert daemon.address
        lines = awaited(evaluated)
    assert "distance" in {each.detector for each in lines[0].statistics}
