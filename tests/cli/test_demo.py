"""`driftd demo` on two quiet days and two with a fault: the table, the truth, the server, what stops it."""

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
    """The demo, with the small model for the flights."""
    folder = tmp_path / "data"
    folder.mkdir()
    text = YAML.format(name="small", live="moved", shared=shared, more=LABELS % shared)
    (folder / "flights.yaml").write_text(text)
    monkeypatch.setattr(demo, "DATA", folder)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return folder


def truth(folder, *faults: dict[str, object]) -> str:
    path = folder / "truth.json"
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
    assert ran.err == "evaluating 3 windows of flights\n"


def test_another_truth_is_another_table(small):
    ran = driftd("demo", "--once", "--truth", truth(small, fault("elsewhere", "23", "country")))
    assert ran.code == 0
    (row,) = (row for row in ran.out.splitlines() if "elsewhere" in row)
    assert row.split()[-2:] == ["other", "column"]


def test_nothing_is_left_behind(small, tmp_path):
    driftd("demo", "--once", "--truth", truth(small))
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_demo_that_cannot_be_evaluated_is_2(small):
    path = small / "flights.yaml"
    path.write_text(path.read_text().replace("reference.parquet", "lost.parquet"))
    ran = driftd("demo", "--once", "--truth", truth(small))
    assert ran.code == 2
    assert "no file matches" in ran.err
    assert "flights evaluated" not in ran.out


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
    assert "small" in seen["/"]
    assert seen["/-/ready"].strip()
