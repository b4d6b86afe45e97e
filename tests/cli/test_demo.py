"""`driftd demo` on a few days, quiet and not: the tables, the truth, the server, what stops it."""

import json
import socket
from types import SimpleNamespace
from urllib.request import urlopen

import pytest

from monitor.cli import demo, main
from tests.cli.conftest import YAML
from tests.harness import driftd

LABELS = 'ground_truth: {source: {kind: files, path: "%s/moved.parquet"}, id: id, label: y, horizon: 1d}'


def fault(name: str, start: str, column: str) -> dict[str, object]:
    return {
        "name": name, "start": f"2024-01-{start}T00:00:00Z", "end": "2024-01-24T00:00:00Z",
        "kinds": ["covariate"], "columns": [column],
    }  # fmt: skip


@pytest.fixture
def small(tmp_path, shared, monkeypatch):
    """The demo, with the small model for the flights, and one without labels for the year."""
    folder = tmp_path / "data"
    folder.mkdir()
    text = YAML.format(name="small", live="moved", shared=shared, more=LABELS % shared)
    (folder / "flights.yaml").write_text(text)
    (folder / "year.yaml").write_text(YAML.format(name="calendar", live="passed", shared=shared, more=""))
    truth(folder, {"name": "storm", "start": "2024-01-22", "end": "2024-01-23"}, name="year_truth.json")
    monkeypatch.setattr(demo, "DATA", folder)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return folder


def truth(folder, *faults: dict[str, object], name: str = "truth.json") -> str:
    path = folder / name
    path.write_text(json.dumps(faults))
    return str(path)


def test_the_table_lays_what_was_said_beside_the_truth(small):
    ran = driftd("demo", "--once", "--truth", truth(small, fault("too much", "23", "amount")))
    assert ran.code == 0
    rows = ran.out.splitlines()
    assert rows[0] == "600 flights evaluated"
    assert max(map(len, rows)) <= 100
    (row,) = (row for row in rows if "too much" in row)
    assert row.split()[-1] == "found"
    assert ran.err == "evaluating 3 windows of flights\nevaluating 5 windows of a year\n"


def test_the_year_has_a_line_for_its_month_and_one_for_the_sum(small):
    ran = driftd("demo", "--once", "--truth", truth(small))
    rows = [" ".join(row.split()) for row in ran.out.splitlines() if row.strip()]
    month, total, budget = rows[rows.index("1,000 flights of a year evaluated") + 4 :]
    assert month.startswith("Jan 2024 5 ")
    assert "covariate: amount" in month
    assert month.endswith(" 22")
    assert total.startswith("sum 5 ")
    assert budget.endswith("the budget of 1 per 30d allows 0.2")


def test_another_truth_is_another_table(small):
    ran = driftd("demo", "--once", "--truth", truth(small, fault("elsewhere", "23", "country")))
    assert ran.code == 0
    (row,) = (row for row in ran.out.splitlines() if "elsewhere" in row)
    assert row.split()[-2:] == ["other", "column"]


def test_nothing_is_left_behind(small, tmp_path):
    driftd("demo", "--once", "--truth", truth(small))
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize(("name", "evaluated"), [("flights", ""), ("year", "600 flights evaluated")])
def test_a_demo_that_cannot_be_evaluated_is_2(small, name, evaluated):
    path = small / f"{name}.yaml"
    path.write_text(path.read_text().replace("reference.parquet", "lost.parquet"))
    ran = driftd("demo", "--once", "--truth", truth(small))
    assert ran.code == 2
    assert "no file matches" in ran.err
    assert "".join(ran.out.splitlines()[:1]) == evaluated
    assert "of a year" not in ran.out


def test_a_port_that_is_taken_is_said_before_the_work(small):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ran = driftd("demo", "--listen", address, "--truth", truth(small))
    assert (ran.code, ran.out) == (2, "")
    assert (
        f"cannot listen on {address}: address already in use; choose another address with --listen" in ran.err
    )


@pytest.mark.parametrize("ends", [KeyboardInterrupt, SystemExit])
def test_it_serves_what_it_found_until_it_is_stopped(small, monkeypatch, capsys, ends):
    seen = {}

    class Event:
        def wait(self) -> None:
            url = next(word for word in capsys.readouterr().out.split() if word.endswith("/metrics"))
            for page in ("/metrics", "/", "/-/ready"):
                with urlopen(url.removesuffix("/metrics") + page, timeout=10) as answer:
                    seen[page] = answer.read().decode()
            raise ends

    monkeypatch.setattr(demo, "threading", SimpleNamespace(Event=Event))
    assert main(["demo", "--listen", "127.0.0.1:0", "--truth", truth(small)]) == 0
    assert 'driftd_alarm{kind="covariate",model="small",segment=""} 1.0' in seen["/metrics"]
    assert 'driftd_window_rows{model="calendar"} 200.0' in seen["/metrics"]
    assert "small" in seen["/"]
    assert "calendar" in seen["/"]
    assert seen["/-/ready"].strip()
