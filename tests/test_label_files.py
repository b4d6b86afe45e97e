"""Labels that come by themselves: only what is new is read, nothing is lost, nothing counts twice."""

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monitor.label_files import read_labels
from monitor.rows import Classes
from monitor.sources.files import FilesSource
from monitor.sources.parameters import FilesParameters
from monitor.store import Store
from monitor.types import Problem, Reason
from tests.run_model import DAY, HOUR, LIVE, REFERENCE_DAYS, Memory, Runs, day, days, labels_of, model

VERSION_1 = Path(__file__).parent / "store" / "version_1_label_files.sql"
"""A store of the first schema, which kept the files of labels within the state's text."""


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return tmp_path_factory.mktemp("label_files")


def start(folder, live: Memory, labels: Memory) -> Runs:
    return Runs(model(folder, days(0, REFERENCE_DAYS), live, labels))


def test_files_that_did_not_change_and_are_old_are_not_opened_again(reference):
    live, labels = Memory(), Memory()
    runs = start(reference, live, labels)
    for number in range(6):
        live.put(f"{number}", day(REFERENCE_DAYS + number))
        labels.put(f"{number}", labels_of(day(REFERENCE_DAYS + number), HOUR / 2))
        labels.opened.clear()
        runs.run(LIVE + (number + 1) * DAY + 2 * HOUR)
    # a label may be known a day before its row, so the last two days' files may be of use
    assert labels.opened == ["3", "4", "5"]
    assert [line.labelled_rows for line in runs.ledger.values()] == [300] * 6


def test_the_last_lines_are_those_of_a_single_run(reference, tmp_path):
    frames = {f"{number}": day(REFERENCE_DAYS + number) for number in range(5)}
    truth = {name: labels_of(frame, 30 * HOUR) for name, frame in frames.items()}
    stepwise = start(reference, Memory(**frames), Memory(**truth))
    for hour in range(0, 24 * 9, 7):
        stepwise.run(LIVE + timedelta(hours=hour))
    once = start(tmp_path, Memory(**frames), Memory(**truth))
    once.run(LIVE + timedelta(hours=24 * 9 - 7))
    keys = stepwise.ledger.keys()
    assert keys == once.ledger.keys()
    for key in keys:
        assert stepwise.ledger[key].labelled_rows == once.ledger[key].labelled_rows == 300
        assert stepwise.ledger[key].performance == once.ledger[key].performance


def test_a_correction_in_another_run_is_counted_and_the_first_label_holds(reference):
    live, labels = Memory(a=day(REFERENCE_DAYS)), Memory(a=labels_of(day(REFERENCE_DAYS), HOUR / 2))
    runs = start(reference, live, labels)
    runs.run(LIVE + DAY + 2 * HOUR)
    before = runs.state.pending[0].labels.copy()
    again = labels_of(day(REFERENCE_DAYS), 27 * HOUR).head(20)
    again["y"] = np.where(again["y"] == "yes", "no", "yes")
    labels.put("b", again)
    runs.run(LIVE + 3 * DAY)
    (window,) = runs.state.pending
    assert window.conflicts == 20
    assert (window.labels == before).all()
    runs.run(LIVE + 5 * DAY)
    (line,) = runs.ledger.values()
    assert [each.message[:6] for each in line.problems if each.reason is Reason.DUPLICATE_LABEL] == ["20 ids"]


def test_labels_known_before_their_rows_are_evaluated_are_kept_for_them(reference):
    live, labels = Memory(a=day(REFERENCE_DAYS)), Memory(a=labels_of(days(REFERENCE_DAYS, 2), HOUR))
    runs = start(reference, live, labels)
    runs.run(LIVE + DAY + 2 * HOUR)
    live.put("b", day(REFERENCE_DAYS + 1))
    runs.run(LIVE + 2 * DAY + 2 * HOUR)
    assert [line.labelled_rows for line in runs.ledger.values()] == [300, 300]


def test_a_file_that_grows_is_read_again_and_its_known_labels_count_once(reference):
    live, labels = Memory(a=day(REFERENCE_DAYS)), Memory()
    truth = labels_of(day(REFERENCE_DAYS), HOUR).sort_values("known")
    labels.put("a", truth.head(100))
    runs = start(reference, live, labels)
    runs.run(LIVE + DAY + HOUR)
    assert runs.state.pending[0].labelled == 100
    labels.put("a", truth)
    runs.run(LIVE + 3 * DAY)
    (window,) = runs.state.pending
    assert (window.labelled, window.conflicts) == (300, 0)


def test_a_file_with_a_fault_is_tried_again(reference):
    live, labels = (
        Memory(a=day(REFERENCE_DAYS)),
        Memory(a=labels_of(day(REFERENCE_DAYS), HOUR).drop(columns="y")),
    )
    runs = start(reference, live, labels)
    runs.run(LIVE + DAY + 2 * HOUR)
    labels.opened.clear()
    runs.run(LIVE + DAY + 3 * HOUR)
    assert labels.opened == ["a"]
    assert pd.Series([each.labelled for each in runs.state.pending]).tolist() == [0]


def test_a_file_that_cannot_be_read_keeps_no_other_from_being_known(reference):
    truth = labels_of(day(REFERENCE_DAYS), HOUR)
    labels = Memory(**{name: truth[number::3] for number, name in enumerate("abc")})
    labels.faults["b"] = Problem("", Reason.FILE_UNREADABLE, "b: it cannot be read")
    runs = start(reference, Memory(new=day(REFERENCE_DAYS)), labels)
    runs.run(LIVE + DAY + 2 * HOUR)
    assert (runs.state.label_files.keys(), runs.state.pending[0].labelled) == ({"a", "c"}, 200)
    labels.faults.clear()
    runs.run(LIVE + 2 * DAY + 2 * HOUR)
    assert (runs.state.label_files.keys(), runs.state.pending[0].labelled) == ({"a", "b", "c"}, 300)


def test_a_folder_that_cannot_be_listed_is_told_and_the_files_elsewhere_are_known(
    reference, tmp_path, monkeypatch
):
    truth = labels_of(day(REFERENCE_DAYS), HOUR)
    (tmp_path / "late").mkdir()
    truth[:200].to_parquet(tmp_path / "a.parquet")
    truth[200:].to_parquet(tmp_path / "late" / "b.parquet")
    runs = start(reference, Memory(new=day(REFERENCE_DAYS)), Memory())
    source = FilesSource(FilesParameters(path=f"{tmp_path}/**"))
    runs.plan = replace(runs.plan, labels=replace(runs.plan.labels, source=source))
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refusing(tmp_path / "late"))
        for days_later in (1, 2):
            runs.run(LIVE + days_later * DAY + 2 * HOUR)
            assert (runs.state.label_files.keys(), runs.state.pending[0].labelled) == ({"a.parquet"}, 200)
    (problem,) = runs.planned.problems
    assert "late: Permission denied" in problem.message
    runs.run(LIVE + 3 * DAY + 2 * HOUR)
    assert runs.state.label_files.keys() == {"a.parquet", "late/b.parquet"}
    assert runs.state.pending[0].labelled == 300


def test_a_store_of_the_first_schema_goes_on_and_reads_only_what_may_be_new(reference, tmp_path):
    with closing(sqlite3.connect(tmp_path / "driftd.db")) as connection:
        connection.executescript(VERSION_1.read_text(encoding="utf-8"))
    with Store.open(f"sqlite:///{tmp_path}/driftd.db") as store:
        state = store.state("flights")
    labels = Memory(**{name: labels_of(day(0), HOUR) for name in (*state.label_files, "2024/new.parquet")})
    runs = start(reference, Memory(), labels)
    read = read_labels(runs.plan, state, (), Classes(("no", "yes")), state.tick)
    assert labels.opened == ["2024/new.parquet", "2024/recent.parquet"]  # it told of labels after the tick
    assert read.files.keys() == labels.tables.keys()
    assert read.files["2024/old.parquet"] == state.label_files["2024/old.parquet"]
    labels.put("2024/old.parquet", labels_of(day(0), HOUR))
    labels.opened.clear()
    read_labels(runs.plan, state, (), Classes(("no", "yes")), state.tick)
    assert "2024/old.parquet" in labels.opened


def test_labels_without_times_reach_every_window_of_a_backlog(tmp_path):
    frames = {f"{number}": day(REFERENCE_DAYS + number) for number in range(5)}
    labels = Memory(a=pd.concat([labels_of(frame, HOUR) for frame in frames.values()]).drop(columns="known"))
    runs = untimed(start(tmp_path, Memory(**frames), labels))
    for hour in range(24 * 6, 24 * 12, 12):
        runs.run(LIVE + timedelta(hours=hour))
    assert [line.labelled_rows for line in runs.ledger.values()] == [300] * 5


def test_rows_of_labels_without_a_time_are_not_lost_either(tmp_path):
    frames = {f"{number}": day(REFERENCE_DAYS + number) for number in range(5)}
    truth = pd.concat([labels_of(frame, HOUR) for frame in frames.values()])
    truth.loc[truth["id"] // 100_000 == REFERENCE_DAYS + 4, "known"] = pd.NaT
    runs = start(tmp_path, Memory(**frames), Memory(a=truth))
    for hour in range(24 * 6, 24 * 12, 12):
        runs.run(LIVE + timedelta(hours=hour))
    assert [line.labelled_rows for line in runs.ledger.values()] == [300] * 5


def test_a_corrected_model_file_reads_its_labels_again(reference):
    live, labels = Memory(a=day(REFERENCE_DAYS)), Memory()
    labels.put("a", labels_of(day(REFERENCE_DAYS), HOUR / 2).assign(wrong=lambda rows: rows["id"] + 10**9))
    runs = start(reference, live, labels)
    right = runs.plan
    runs.plan = replace(right, labels=replace(right.labels, id="wrong"))
    runs.run(LIVE + DAY + 2 * HOUR)
    assert runs.state.pending[0].labelled == 0
    runs.plan = right
    runs.run(LIVE + 3 * DAY)
    assert runs.state.pending[0].labelled == 300


def test_files_whose_labels_are_all_older_than_what_awaits_them_are_not_opened_again(reference):
    labels = Memory(new=labels_of(day(REFERENCE_DAYS), HOUR / 2))
    labels.put("old", labels_of(day(0), HOUR))
    runs = start(reference, Memory(a=day(REFERENCE_DAYS)), labels)
    runs.run(LIVE + DAY + 2 * HOUR)
    labels.opened.clear()
    runs.run(LIVE + 2 * DAY + 2 * HOUR)
    assert "old" not in labels.opened


def untimed(runs: Runs) -> Runs:
    """The same model, whose labels have no time of their own."""
    runs.plan = replace(runs.plan, labels=replace(runs.plan.labels, timestamp=None))
    return runs


def refusing(folder: Path):
    """`os.scandir` for a user who may not read this folder."""
    scandir = os.scandir

    def refuse(path):
        if Path(path) == folder:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    return refuse
