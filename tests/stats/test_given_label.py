"""How much of a feature's move class shares explain."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.stats.given_label import explained

LOOKS = np.array([[0.5, 0.3, 0.2, 0.0], [0.1, 0.2, 0.3, 0.4], [0.0, 0.1, 0.1, 0.8]])


def drawn(rng, share, rows, looks=LOOKS):
    labels = rng.choice(len(share), rows, p=share)
    counts = np.zeros((len(share), looks.shape[1]), np.int64)
    for label in range(len(share)):
        counts[label] = rng.multinomial(int((labels == label).sum()), looks[label])
    return counts


@pytest.mark.parametrize("rows", [500, 5_000])
def test_label_shift_explains_all_and_another_look_nothing(rows):
    rng = np.random.default_rng(1)
    reference = drawn(rng, [0.7, 0.2, 0.1], 20_000)
    now = np.array([0.2, 0.3, 0.5])
    shifted = [explained(reference, now, drawn(rng, now, rows).sum(axis=0)) for _ in range(40)]
    assert np.mean(shifted) == pytest.approx(1.0, abs=0.02)
    moved = [
        explained(
            reference,
            np.array([0.7, 0.2, 0.1]),
            drawn(rng, [0.7, 0.2, 0.1], rows, LOOKS[:, ::-1]).sum(axis=0),
        )
        for _ in range(40)
    ]
    assert np.mean(moved) == pytest.approx(0.0, abs=0.02)


def test_what_did_not_move_needs_no_explanation():
    rng = np.random.default_rng(2)
    share = np.array([0.7, 0.2, 0.1])
    reference = drawn(rng, share, 20_000)
    found = [explained(reference, share, drawn(rng, share, 500).sum(axis=0)) for _ in range(200)]
    assert np.mean([each is None for each in found]) > 0.85


def test_no_rows_tell_nothing():
    assert explained(np.ones((2, 3), np.int64), np.array([0.5, 0.5]), np.zeros(3, np.int64)) is None
    assert explained(np.zeros((2, 3), np.int64), np.array([0.5, 0.5]), np.ones(3, np.int64)) is None


@given(
    st.lists(st.integers(0, 1000), min_size=6, max_size=6),
    st.lists(st.integers(0, 1000), min_size=3, max_size=3),
)
def test_it_is_a_number_or_nothing(cells, live):
    found = explained(np.array(cells).reshape(2, 3), np.array([0.3, 0.7]), np.array(live))
    assert found is None or np.isfinite(found)
