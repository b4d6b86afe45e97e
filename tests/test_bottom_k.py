"""The rows with the smallest hashes, however they come; the hashes are even."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.bottom_k import BottomK, row_hashes

HASHES = st.lists(st.integers(0, 2**64 - 1), unique=True, max_size=60)


def drawn(size, batches, *, last):
    """The hashes that stay after all batches; `last`: whether every batch prunes down to the size."""
    sample, held = BottomK(size), np.zeros(0, np.uint64)
    for batch in batches:
        held = np.append(held, batch[sample.offer(batch)])
        stay = sample.prune(last=last)
        held = held if stay is None else held[stay]
        assert sample.held == len(held)
    stay = sample.prune(last=True)
    return sorted((held if stay is None else held[stay]).tolist())


@given(
    hashes=HASHES, cuts=st.lists(st.integers(0, 60), max_size=5), size=st.integers(1, 20), last=st.booleans()
)
def test_the_smallest_stay_however_they_come(hashes, cuts, size, last):
    batches = np.split(np.array(hashes, np.uint64), sorted(min(cut, len(hashes)) for cut in cuts))
    assert drawn(size, batches, last=last) == sorted(hashes)[:size]


def test_the_bound_is_the_greatest_that_stays():
    sample = BottomK(2)
    sample.offer(np.array([5, 1, 9], np.uint64))
    sample.prune(last=True)
    assert sample.bound == 5


def test_hashes_of_neighbouring_rows_and_files_are_even_and_differ():
    hashes = np.concatenate([row_hashes(file, np.arange(5000)) for file in range(4)])
    assert len(np.unique(hashes)) == len(hashes)
    share = np.bincount((hashes >> np.uint64(60)).astype(int), minlength=16) / len(hashes) * 16
    assert (np.abs(share - 1) < 0.12).all()
