"""136 days of real flights: the budget is kept where nothing drifts, and seven injected faults are found."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import monitor.demo
from monitor import demo
from tests.harness import Line, Ran, driftd

pytestmark = pytest.mark.slow

DATA = Path(monitor.demo.__file__).parent / "data"
UNTIL = "2024-07-01T00:00Z"
DAY, BUDGET = timedelta(days=1), timedelta(days=30)
FOUND = {
    "unit change": ("covariate", "temp"),
    "missing values": ("quality", "humid"),
    "new category": ("quality", "carrier"),
    "gradual shift": ("covariate", "distance"),
    "label shift": ("label", "y"),
    "concept change": ("concept", ""),
    "correlation break": ("covariate", "dewp"),
}


def evaluated(folder: Path, text: str) -> list[Line]:
    path = folder / "flights.yaml"
    path.write_text(text)
    ran: Ran = driftd("once", path, "--state", f"sqlite:///{folder}/s.db", "--until", UNTIL, "--json")
    assert ran.code in {0, 1}, ran.err
    return ran.lines


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def open_times(lines: Sequence[Line]) -> dict[tuple[str, str], timedelta]:
    """By kind and since of each alarm that any line told of, how long it was open."""
    found: dict[tuple[str, str], timedelta] = {}
    for line in lines:
        for verdict in line["verdicts"]:
            if verdict["alarm"]:
                key = (verdict["kind"], verdict["since"])
                passed = moment(line["window"]["end"]) - moment(verdict["since"])
                found[key] = max(found.get(key, passed), passed)
    return found


def false_alarms(alarms: Mapping[tuple[str, str], timedelta]) -> int:
    """One for each alarm, and one more for each further 24 hours, begun or whole, that it was open."""
    return sum(-(-passed // DAY) for passed in alarms.values())


@pytest.mark.data
@pytest.mark.parametrize(("length", "count"), [("6h", 544), ("1d", 136)])
def test_clean_flights_alarm_no_more_often_than_the_budget_says(tmp_path, data, length, count):
    text = (DATA / "flights.yaml").read_text()
    text = text.replace("path: flights.parquet", f"path: {data}/semi_flights_clean/prepared.parquet")
    text = text.replace("flight_id", "seq").replace("length: 6h", f"length: {length}")
    text = text.replace("  features:\n", "  features:\n    ignore: [split]\n")
    lines = evaluated(tmp_path, text)
    last = {line["window"]["start"]: line for line in lines}
    assert len(last) == count
    assert sum(line["rows"] for line in last.values()) == 97_920
    assert all(line["final"] for line in last.values())
    assert false_alarms(open_times(lines)) <= 136 * DAY / BUDGET


@pytest.fixture(scope="module")
def injected(tmp_path_factory) -> list[Line]:
    text = (DATA / "flights.yaml").read_text()
    text = text.replace("path: flights.parquet", f"path: {DATA}/flights.parquet")
    return evaluated(tmp_path_factory.mktemp("injected"), text)


@pytest.mark.parametrize("name", FOUND)
def test_a_fault_is_found_with_its_kind_and_its_column_while_it_lasts(injected, name):
    fault = next(fault for fault in demo.faults(DATA / "flights_truth.json") if fault.name == name)
    kind, column = FOUND[name]
    told = [
        verdict
        for line in injected
        if fault.start <= moment(line["window"]["start"]) < fault.end
        for verdict in line["verdicts"]
        if verdict["kind"] == kind and verdict["alarm"] and (not column or column in verdict["columns"])
    ]
    since = {verdict["column_since"].get(column, verdict["since"]) for verdict in told}
    assert any(fault.start <= moment(text) < fault.end for text in since), since


def test_between_the_faults_it_alarms_no_more_often_than_the_budget_says(injected):
    """Two days after a fault its rows are past, and their labels."""
    faults = demo.faults(DATA / "flights_truth.json")
    quiet = {
        key: passed
        for key, passed in open_times(injected).items()
        if not any(fault.start <= moment(key[1]) < fault.end + 2 * DAY for fault in faults)
    }
    assert false_alarms(quiet) <= 136 * DAY / BUDGET


def test_no_fault_of_the_inputs_is_called_a_concept_change(injected):
    faults = [fault for fault in demo.faults(DATA / "flights_truth.json") if fault.name in list(FOUND)[:5]]
    concept = [moment(since) for kind, since in open_times(injected) if kind == "concept"]
    assert [since for since in concept for fault in faults if fault.start <= since < fault.end] == []
