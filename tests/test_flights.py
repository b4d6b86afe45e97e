"""Real flights: without a fault driftd keeps its budget, and of the injected ones it finds those it can see."""

from datetime import timedelta
from pathlib import Path

import pytest

import monitor
from monitor import demo
from monitor.store import Store
from monitor.types import Kind
from tests.harness import driftd

UNTIL = "2024-07-01T00:00Z"
DAYS = 136
YAML = """
version: 1
model: clean
task: binary
reference: {{source: {{kind: files, path: "{path}"}}, end: 2024-01-31T00:00Z}}
live: {{source: {{kind: files, path: "{path}"}}, start: 2024-01-31T00:00Z}}
ground_truth:
  {{source: {{kind: files, path: "{path}"}}, id: seq, label: y, timestamp: label_ts, horizon: 1d}}
columns:
  {{timestamp: ts, id: seq, prediction: y_pred, probability: y_proba, label: y, features: {{ignore: [split]}}}}
window: {{length: {length}, lateness: 1h, min_rows: 100}}
alarms: {{false_alarms: 1 per 30d}}
"""


def counted(alarms) -> int:
    """Alarms as measures of false alarms count them: one more for each further 24 hours open."""
    return sum(max(1, -(-(each.closed - each.since) // timedelta(days=1))) for each in alarms)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("length", ["6h", "1d"])
def test_clean_flights_cost_no_more_than_the_budget(data, tmp_path, length):
    path = tmp_path / "clean.yaml"
    flights = data / "semi_flights_clean" / "prepared.parquet"
    path.write_text(YAML.format(path=flights, length=length), encoding="utf-8")
    state = f"sqlite:///{tmp_path}/clean.db"
    ran = driftd("once", path, "--state", state, "--until", UNTIL)
    assert ran.code in {0, 1}, ran.err
    with Store.open(state) as store:
        alarms = store.alarms("clean")
        assert not store.open_alarms("clean")
        assert len(store.evaluations("clean")) == DAYS * (4 if length == "6h" else 1)
    assert counted(alarms) <= DAYS / 30, [(each.kind, each.since, each.reason) for each in alarms]


@pytest.fixture(scope="module")
def bundled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flights")
    state = f"sqlite:///{folder}/flights.db"
    home = Path(monitor.__file__).parent / "data"
    ran = driftd("once", home / "flights.yaml", "--state", state, "--until", UNTIL)
    assert ran.code == 1, ran.err
    with Store.open(state) as store:
        alarms = store.alarms("flight-delay")
    said = [demo.Opening(each.kind, each.columns, each.since, each.since) for each in alarms]
    window, delay = timedelta(hours=6), timedelta(days=1)
    return demo.match(demo.faults(home / "flights_truth.json"), said, window=window, label_delay=delay)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "kind", "column", "hours"),
    [
        ("unit change", Kind.COVARIATE, "temp", 6),
        ("missing values", Kind.QUALITY, "humid", 6),
        ("new category", Kind.QUALITY, "carrier", 6),
        ("gradual shift", Kind.COVARIATE, "distance", 72),
        ("label shift", Kind.LABEL, "y", 24),
        ("concept change", Kind.CONCEPT, None, 24),
    ],
)
def test_an_injected_fault_is_found_with_its_kind_and_column(bundled, fault, kind, column, hours):
    answer = next(each for each in bundled.answers if each.fault.name == fault)
    found = [each for each in answer.openings if each.kind is kind]
    assert found
    assert found[0].since - answer.fault.start < timedelta(hours=hours)
    assert column is None or column in found[0].columns


@pytest.mark.slow
def test_only_the_concept_week_is_concept_drift(bundled):
    kinds = {each.fault.name: {said.kind for said in each.openings} for each in bundled.answers}
    assert [name for name, said in kinds.items() if Kind.CONCEPT in said] == ["concept change"]


@pytest.mark.slow
def test_no_alarm_belongs_to_no_fault(bundled):
    assert len(bundled.false_alarms) <= DAYS / 30
