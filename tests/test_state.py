"""What a commit carries to its writer."""

import pickle
from dataclasses import replace

import numpy as np

from monitor.state import Commit, ModelState, PendingWindow
from monitor.types import Window
from tests.run_model import DAY, START

N = 10_000


def pending(number: int) -> PendingWindow:
    labels = np.where(np.arange(N) < 40, 1.0, np.nan)
    return PendingWindow(
        Window(START + number * DAY, START + (number + 1) * DAY),
        N,
        np.arange(N, dtype=np.uint64),
        np.arange(N),
        np.ones(N),
        np.ones((N, 1), np.float32),
        labels,
        np.zeros(N, np.int64),
    )


def test_a_writer_gets_the_rows_of_changed_windows_only():
    windows = (pending(0), pending(1))
    commit = Commit("m", (), ModelState("m", pending=windows), frozenset({windows[1].window.key}))
    first, second = commit.to_write().state.pending
    assert second is windows[1]
    assert len(first.ids) == len(first.scores) == 0
    assert (first.window, first.rows, first.labelled) == (windows[0].window, N, 40)
    whole = len(pickle.dumps(replace(commit, changed=frozenset(w.window.key for w in windows))))
    assert len(pickle.dumps(commit.to_write())) < 0.65 * whole
    assert len(commit.state.pending[0].ids) == N
