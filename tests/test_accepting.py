"""What is accepted closes, stays closed whatever labels say later, and is remembered."""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from monitor.accepting import LONGEST_REASON, accept
from monitor.errors import LeasedError, ReasonError, UnknownModelError
from monitor.evaluation import evaluate
from monitor.recorder import Committed, order, record
from monitor.state import Acceptance
from monitor.store import Store
from monitor.types import LABEL_KINDS, Kind, Reason
from tests.crash.crash_model import NAME, NOW, START, STEP, UNTIL, config_of, write_model

ACCEPTED = (START + 62 * STEP).to_pydatetime() + timedelta(hours=2)
"""Six windows into the fault, when labels of the last ones are not yet known."""
WATERMARK = (START + 62 * STEP).to_pydatetime()
AT = datetime(2024, 5, 1, 12, tzinfo=UTC)


class Pumps:
    """The model of the crash tests with a store of its own."""

    def __init__(self, config, file):
        self.config, self.file = config, file
        self.store = Store.open(f"sqlite:///{file}")

    def run(self, until):
        """The lines of one run."""
        work = order(self.store, self.config, until=until, now=NOW, threads=1)
        told = record(self.store, NAME, evaluate(work))
        return [line for each in told if isinstance(each, Committed) for line in each.commit.evaluations]

    def ledger(self):
        return {line.window.start: line for line in self.store.evaluations(NAME)}

    def copy(self, file):
        self.store.close()
        shutil.copy(self.file, file)
        self.store = Store.open(f"sqlite:///{self.file}")
        return Pumps(self.config, file)


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    return config_of(write_model(tmp_path_factory.mktemp("pumps")))


@pytest.fixture(scope="module")
def halfway(config, tmp_path_factory):
    """Evaluated up to the middle of the fault; nothing accepted."""
    found = Pumps(config, tmp_path_factory.mktemp("halfway") / "driftd.db")
    with closing(found.store):
        found.run(ACCEPTED)
        yield found


@pytest.fixture(scope="module")
def undisturbed(halfway, tmp_path_factory):
    """The same to the end."""
    found = halfway.copy(tmp_path_factory.mktemp("undisturbed") / "driftd.db")
    with closing(found.store):
        found.run(UNTIL)
        yield found


@pytest.fixture
def pumps(halfway, tmp_path):
    found = halfway.copy(tmp_path / "driftd.db")
    with closing(found.store):
        yield found


@pytest.fixture(scope="module")
def accepted(halfway, tmp_path_factory):
    """Accepted halfway, then evaluated to the end, with the lines of that run."""
    found = halfway.copy(tmp_path_factory.mktemp("accepted") / "driftd.db")
    with closing(found.store):
        accept(found.store, NAME, "bigger pumps", AT)
        yield found, found.run(UNTIL)


def verdicts(line, kinds=frozenset(Kind)):
    return {verdict.kind: verdict for verdict in line.verdicts if verdict.kind in kinds}


def test_open_alarms_close_and_the_store_says_when_and_why(pumps):
    before = pumps.store.open_alarms(NAME)
    assert {Kind.COVARIATE, Kind.CONCEPT} <= {record.kind for record in before}
    done = accept(pumps.store, NAME, "bigger pumps", AT)
    assert [(each.kind, each.since) for each in done.alarms] == [(each.kind, each.since) for each in before]
    assert pumps.store.open_alarms(NAME) == ()
    closed = [each for each in pumps.store.alarms(NAME) if each.reason == Reason.ACCEPTED]
    assert {(each.kind, each.closed) for each in closed} == {(each.kind, WATERMARK) for each in before}
    assert pumps.store.acceptances(NAME) == (Acceptance(AT, WATERMARK, "bigger pumps"),)


def test_the_newest_line_shows_no_alarm_and_keeps_what_it_measured(pumps):
    before = pumps.store.evaluations(NAME, limit=1)[0]
    accept(pumps.store, NAME, "", AT)
    after = pumps.store.evaluations(NAME, limit=1)[0]
    assert any(verdict.alarm for verdict in before.verdicts)
    assert not any(verdict.alarm for verdict in after.verdicts)
    assert after.statistics == before.statistics
    assert [each.score for each in after.verdicts] == [each.score for each in before.verdicts]
    assert verdicts(after)[Kind.COVARIATE].reason.endswith("; accepted as normal")


def test_labels_that_come_later_open_nothing_before_the_acceptance(accepted, undisturbed):
    pumps, lines = accepted
    again = [line for line in lines if line.window.end <= WATERMARK]
    assert again
    assert not any(verdict.alarm for line in again for verdict in line.verdicts)
    late = [each for each in undisturbed.store.alarms(NAME) if each.closed is None or each.closed > WATERMARK]
    assert {each.kind for each in late} >= {Kind.COVARIATE, Kind.CONCEPT}
    for each in pumps.store.alarms(NAME):
        assert each.since >= WATERMARK or each.closed is not None


def test_what_is_restated_before_the_acceptance_measures_what_it_would_have(accepted, undisturbed):
    pumps, lines = accepted
    known = undisturbed.ledger()
    restated = {line.window.start for line in lines if line.window.end <= WATERMARK}
    for start in restated:
        mine, theirs = pumps.ledger()[start], known[start]
        assert (mine.labelled_rows, mine.final) == (theirs.labelled_rows, theirs.final)
        both = [
            [
                (each.kind, each.score, each.days_by_chance)
                for each in line.verdicts
                if each.kind is Kind.LABEL
            ]
            for line in (mine, theirs)
        ]
        assert both[0] == both[1]


def test_what_still_drifts_opens_anew_after_the_acceptance(accepted):
    pumps, _ = accepted
    later = [each for each in pumps.store.alarms(NAME) if each.since >= WATERMARK]
    assert {Kind.COVARIATE, Kind.CONCEPT} <= {each.kind for each in later}
    assert all(each.reason != Reason.ACCEPTED for each in later)


def test_many_runs_say_what_one_run_says(accepted, pumps):
    whole, _ = accepted
    accept(pumps.store, NAME, "bigger pumps", AT)
    for number in range(63, 92, 4):
        pumps.run((START + number * STEP).to_pydatetime())
    pumps.run(UNTIL)
    assert pumps.store.alarms(NAME) == whole.store.alarms(NAME)
    mine, theirs = pumps.ledger(), whole.ledger()
    assert mine.keys() == theirs.keys()
    for start, line in mine.items():
        assert verdicts(line) == verdicts(theirs[start])
        assert line.statistics == theirs[start].statistics


def test_the_first_window_after_it_remembers_nothing(pumps):
    accept(pumps.store, NAME, "", AT)
    state = pumps.store.state(NAME)
    assert state.accepted == len(state.pending) > 0
    assert not any(alarm.open for alarm in state.standing.values())
    assert (state.streams, state.alarms.keys() - LABEL_KINDS, state.memories.keys() - LABEL_KINDS) == (
        {},
        set(),
        set(),
    )


def test_it_is_forgotten_once_its_windows_are_final(accepted):
    pumps, _ = accepted
    assert pumps.store.state(NAME).accepted == 0


@pytest.mark.parametrize("point", ["begin", "windows", "statistics", "state", "before_commit"])
def test_it_is_all_or_nothing(pumps, point):
    def die(reached):
        if reached == point:
            raise RuntimeError

    before = pumps.store.state(NAME), pumps.store.alarms(NAME), pumps.store.evaluations(NAME, limit=1)
    with pytest.raises(RuntimeError):
        accept(pumps.store, NAME, "", AT, at=die)
    after = pumps.store.state(NAME), pumps.store.alarms(NAME), pumps.store.evaluations(NAME, limit=1)
    assert after[1:] == before[1:]
    assert after[0].accepted == before[0].accepted == 0
    assert after[0].memories == before[0].memories
    assert pumps.store.acceptances(NAME) == ()
    assert pumps.store.lease_owner(NAME) is None


def test_without_an_alarm_only_memories_restart(config, tmp_path):
    pumps = Pumps(config, tmp_path / "driftd.db")
    with closing(pumps.store):
        pumps.run((START + 44 * STEP).to_pydatetime())
        assert pumps.store.open_alarms(NAME) == ()
        lines = pumps.store.evaluations(NAME)
        done = accept(pumps.store, NAME, "", AT)
        assert (done.alarms, done.evaluations) == ((), ())
        assert pumps.store.evaluations(NAME) == lines
        assert pumps.store.state(NAME).streams == {}


def test_a_second_time_nothing_is_left_to_close(pumps):
    first, second = (accept(pumps.store, NAME, "", AT + timedelta(hours=hour)) for hour in range(2))
    assert first.alarms
    assert (second.alarms, second.evaluations) == ((), ())
    assert len(pumps.store.acceptances(NAME)) == 2


def test_what_was_accepted_is_normal_to_a_rolling_reference(pumps):
    before = pumps.store.kept(NAME, WATERMARK - 3 * STEP)
    assert all(Kind.COVARIATE in each.open for each in before)
    accept(pumps.store, NAME, "", AT)
    after = pumps.store.kept(NAME, WATERMARK - 3 * STEP)
    assert [each.open for each in after] == [frozenset()] * len(before)
    assert [each.profile for each in after] == [each.profile for each in before]


def test_another_process_is_waited_for_and_then_nothing_is_done(pumps):
    def busy(seconds):
        raise LeasedError("busy", transient=True, reason=Reason.LEASED)

    assert pumps.store.lease(NAME, f"elsewhere/1:{os.getpid()}:0", 600)
    with pytest.raises(LeasedError, match="busy"):
        accept(pumps.store, NAME, "", AT, sleep=busy)
    assert pumps.store.open_alarms(NAME)


def test_an_unknown_model_is_told_with_the_nearest(pumps):
    with pytest.raises(UnknownModelError, match=r'there is no model "pump"; did you mean pumps\?'):
        accept(pumps.store, "pump", "", AT)


@pytest.mark.parametrize("reason", ["x" * (LONGEST_REASON + 1), "two\nlines", "two\u2028lines", "\ud800"])
def test_words_that_cannot_be_kept(pumps, reason):
    with pytest.raises(ReasonError, match="one line of at most 500 characters"):
        accept(pumps.store, NAME, reason, AT)


def test_acceptances_are_pruned_with_what_they_are_of(pumps):
    accept(pumps.store, NAME, "", AT)
    pumps.store.prune(AT)
    assert len(pumps.store.acceptances(NAME)) == 1
    pumps.store.prune(AT + timedelta(seconds=1))
    assert pumps.store.acceptances(NAME) == ()


def test_a_store_of_the_release_before_there_was_this_goes_on(pumps, undisturbed):
    pumps.store.close()
    with closing(sqlite3.connect(pumps.file)) as old:
        ((text,),) = old.execute("SELECT state FROM states").fetchall()
        content = json.loads(text)
        del content["state"]["accepted"]
        old.execute("UPDATE states SET state = ?", [json.dumps(content)])
        old.execute("DROP TABLE acceptances")
        old.execute("UPDATE schema_version SET version = 2")
        old.commit()
    pumps.store = Store.open(f"sqlite:///{pumps.file}")
    pumps.run(UNTIL)
    assert pumps.store.alarms(NAME) == undisturbed.store.alarms(NAME)
    mine, theirs = pumps.ledger(), undisturbed.ledger()
    assert mine.keys() == theirs.keys()
    assert all(verdicts(line) == verdicts(theirs[start]) for start, line in mine.items())
