"""The example for Alertmanager: who hears what, and which alert silences which, by Alertmanager itself."""

import json
import re
import subprocess
import urllib.request
from pathlib import Path

import pytest
import yaml

from monitor.export.rules import groups
from monitor.export.rules.records import Alert
from tests.crash.daemon_process import awaited
from tests.e2e.servers import alertmanager_in

FILE = Path(__file__).parents[2] / "deploy" / "alertmanager" / "alertmanager.yml"
ALERTS = {rule.name for group in groups() for rule in group.rules if isinstance(rule, Alert)}

DRIFT = (
    "DriftdCovariateDrift",
    "DriftdPredictionDrift",
    "DriftdLabelDrift",
    "DriftdConceptDrift",
    "DriftdEstimatedPerformanceLow",
)
SILENCED = {
    ("driftd", "broken"): (
        "DriftdDataQuality DriftdPerformanceDrift DriftdLabelsOverdue",
        " ".join(DRIFT),
    ),
    ("driftd", "renamed"): ("DriftdSchemaChanged", "DriftdDataQuality DriftdCovariateDrift"),
    ("driftd", "worse"): (
        "DriftdPerformanceDrift DriftdConceptDrift DriftdCovariateDrift",
        "DriftdRealisedPerformanceLow DriftdEstimatedPerformanceLow",
    ),
    ("driftd", "slightly"): ("DriftdRealisedPerformanceLow", "DriftdEstimatedPerformanceLow"),
    ("driftd", "failing"): ("DriftdRunsFailing DriftdCovariateDrift", "DriftdWindowsOverdue"),
    ("driftd", "waiting"): ("DriftdModelNotChecked", "DriftdWindowsOverdue"),
    ("driftd", "silent"): ("DriftdNoData", "DriftdTooFewRows"),
    ("staging", "old"): ("", "DriftdPerformanceDrift DriftdRunsFailing DriftdDataQuality"),
    ("staging", ""): ("DriftdDown", ""),
    ("driftd", "moved"): ("DriftdCovariateDrift DriftdTooFewRows DriftdEstimatedPerformanceLow", ""),
    ("looping", "a"): ("DriftdRestarting", "DriftdModelNotChecked"),
}
"""By job and model, alerts that fire at once: those that are told, and those that others silence."""


def test_amtool_finds_nothing(amtool):
    ran = subprocess.run([amtool, "check-config", FILE], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=DriftdPerformanceDrift severity=critical model=churn owner=team-ops", "pager"),
        ("alertname=DriftdDown severity=critical job=driftd", "pager"),
        ("alertname=DriftdCovariateDrift severity=warning model=churn", "tickets"),
        ("alertname=DriftdCovariateDrift severity=warning model=churn owner=team-ops", "team-ops"),
        ("alertname=DriftdTooFewRows severity=info model=churn owner=team-ops", "nobody"),
    ],
)
def test_each_alert_reaches_whom_it_concerns(amtool, labels, receiver):
    command = [amtool, "config", "routes", "test", f"--config.file={FILE}", f"--verify.receivers={receiver}"]
    ran = subprocess.run([*command, *labels.split()], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_it_names_only_alerts_that_there_are():
    config = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    matchers = [
        matcher
        for rule in config["inhibit_rules"]
        for side in ("source_matchers", "target_matchers")
        for matcher in rule[side]
    ]
    named = {name for matcher in matchers for name in re.findall(r"Driftd\w+", matcher)}
    assert named <= ALERTS
    assert len(matchers) > len(config["inhibit_rules"])


@pytest.fixture
def running(alertmanager, tmp_path):
    """The address of an Alertmanager with the example as its configuration."""
    with alertmanager_in(tmp_path, alertmanager, FILE) as address:
        yield f"http://{address}"


def told_and_silenced(address: str) -> dict:
    with urllib.request.urlopen(f"{address}/api/v2/alerts", timeout=10) as answer:
        alerts = json.load(answer)
    found: dict = {}
    for alert in alerts:
        labels = alert["labels"]
        sides = found.setdefault((labels["job"], labels.get("model", "")), (set(), set()))
        sides[bool(alert["status"]["inhibitedBy"])].add(labels["alertname"])
    return found


def test_a_cause_silences_its_consequences_of_the_same_model_only(running):
    alerts = [
        {"labels": {"alertname": name, "job": job} | ({"model": model} if model else {})}
        for (job, model), sides in SILENCED.items()
        for side in sides
        for name in side.split()
    ]
    request = urllib.request.Request(
        f"{running}/api/v2/alerts",
        json.dumps(alerts).encode(),
        {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=10).close()
    expected = {key: tuple(set(side.split()) for side in sides) for key, sides in SILENCED.items()}
    # what silences what is known a moment after the alerts are
    awaited(lambda: told_and_silenced(running) == expected)
