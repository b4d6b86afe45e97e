"""What of a commit goes through the pipe from the worker to the process that writes."""

import pickle
from dataclasses import replace

from monitor.piping import from_pipe, to_pipe
from monitor.state import Commit, FileRecord, LabelFile, ModelState
from tests.run_model import DAY, START

BEFORE = ModelState(
    "m",
    files={f"live{n}": FileRecord(f"live{n}", "1", START, START + DAY, 100, 0) for n in range(5000)},
    label_files={f"labels{n}": LabelFile("1", START) for n in range(5000)},
)


def after() -> Commit:
    """One file of each sort is new, one is gone, one has changed."""
    files = dict(list(BEFORE.files.items())[1:])
    label_files = dict(list(BEFORE.label_files.items())[1:])
    files |= {"new": FileRecord("new", "1", START, START, 7, 0), "live9": replace(files["live9"], behind=3)}
    label_files |= {"new": LabelFile("1", START + DAY), "labels9": LabelFile("2", START)}
    return Commit("m", (), replace(BEFORE, tick=START + DAY, files=files, label_files=label_files))


def test_the_writer_gets_the_whole_state():
    commit = after()
    assert from_pipe(pickle.loads(pickle.dumps(to_pipe(commit, BEFORE))), BEFORE) == commit


def test_only_the_files_that_changed_are_sent():
    assert len(pickle.dumps(to_pipe(after(), BEFORE))) < 3000
    assert len(pickle.dumps(after())) > 200_000
