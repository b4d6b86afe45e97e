"""`driftd accept`: what it says, and what `status` and `once` say after it."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from monitor.store import Store
from tests.cli.conftest import UNTIL
from tests.harness import driftd, verdict


@pytest.fixture
def moved(make):
    """A model whose covariate alarm is open."""
    model = make("moved", "moved")
    assert model.once(UNTIL).code == 1
    return model


def accept(model, *more):
    return driftd("accept", "moved", "--state", model.state, *more)


def test_it_says_what_it_closed_and_the_alarm_is_gone_everywhere(moved):
    ran = accept(moved, "--reason", "new prices")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("moved: accepted and closed: covariate since 2024-01-23T00:00Z")
    assert ran.out.endswith("; memories restarted\n")
    found = json.loads(driftd("status", "--state", moved.state, "--json").out)
    assert found["alarms"] == []
    assert not verdict(found, "covariate")["alarm"]
    assert "accepted as normal" in verdict(found, "covariate")["reason"]
    with Store.open(moved.state, read_only=True) as store:
        assert [each.reason for each in store.acceptances("moved")] == ["new prices"]
    again = moved.once(UNTIL)
    assert (again.code, again.out) == (0, "")


def test_without_an_open_alarm_it_says_so(moved):
    accept(moved)
    ran = accept(moved)
    assert (ran.code, ran.out, ran.err) == (0, "moved: no alarm was open; memories restarted\n", "")


def test_an_unknown_model(moved):
    ran = driftd("accept", "move", "--state", moved.state)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == 'driftd: there is no model "move"; did you mean moved?\n'


def test_it_makes_no_store_where_there_is_none(tmp_path):
    ran = driftd("accept", "moved", "--state", f"sqlite:///{tmp_path}/typo.db")
    assert ran.code == 2
    assert "does not exist; correct --state" in ran.err
    assert not Path(tmp_path / "typo.db").exists()


def test_a_reason_that_cannot_be_kept(moved):
    ran = accept(moved, "--reason", "two\nlines")
    assert ran.code == 2
    assert ran.err == "driftd: the reason is one line of at most 500 characters\n"


def test_a_store_that_another_process_locks(moved, monkeypatch):
    opened = Store.open
    monkeypatch.setattr(
        Store,
        "open",
        lambda url, *, read_only=False: opened(url, read_only=read_only, wait_seconds=0),
    )
    with closing(sqlite3.connect(moved.folder / "driftd.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ran = accept(moved)
    assert (ran.code, ran.out) == (2, "")
    assert "another process holds it" in ran.err
    assert json.loads(driftd("status", "--state", moved.state, "--json").out)["alarms"]
