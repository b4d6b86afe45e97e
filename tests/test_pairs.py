"""Which pairs of columns are watched, and what rows say of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import pairs
from monitor.profile import StoredProfile, compact, read_compact
from monitor.sample import Sample
from tests.stats.panels import numeric_reference

ROWS = 2000


def sample(columns):
    names = tuple(columns)
    numbers = np.column_stack([columns[name] for name in names]).astype(np.float32)
    return Sample(
        len(numbers),
        5000,
        np.arange(len(numbers), dtype=np.uint64),
        np.arange(len(numbers)),
        names,
        numbers,
        {},
    )


def reference(values):
    """Bins of width 0.1 between -4 and 4, which are the edges of this reference too."""
    edges = np.linspace(-4, 4, 81)
    found = numeric_reference(np.bincount(np.searchsorted(edges, values), minlength=82))
    object.__setattr__(found.bins, "edges", edges)
    return found


def factors(count, strong):
    """Columns of noise, of which the last `strong` share a part."""
    random = np.random.default_rng(4)
    columns = {f"c{number:02}": random.normal(size=ROWS) for number in range(count)}
    common = random.normal(size=ROWS)
    for name in list(columns)[count - strong :]:
        columns[name] = 0.3 * columns[name] + common
    return columns


def undrawn(_):
    pytest.fail("no sample is needed")


class TestChosen:
    def test_are_all_pairs_of_few_columns_without_reading_rows(self):
        columns = factors(4, 0)
        found = pairs.choose({name: reference(each) for name, each in columns.items()}, undrawn)
        assert len(found) == 6
        assert found[0] == ("c00", "c01")

    def test_leave_out_columns_of_one_value(self):
        columns = {**factors(2, 0), "constant": np.zeros(ROWS)}
        found = pairs.choose({name: reference(each) for name, each in columns.items()}, undrawn)
        assert found == (("c00", "c01"),)

    def test_are_the_strongest_of_many_columns(self):
        columns = factors(40, 10)
        references = {name: reference(each) for name, each in columns.items()}
        asked = []

        def drawn(names):
            asked.append(tuple(names))
            return sample(columns)

        found = pairs.choose(references, drawn)
        assert asked == [tuple(columns)]
        assert len(found) == pairs.MOST_PAIRS
        last = list(columns)[30:]
        assert {(a, b) for a in last for b in last if a < b} <= set(found)
        assert found == pairs.choose(references, lambda _: sample(columns))

    def test_are_none_of_fewer_than_two(self):
        assert pairs.choose({"x": reference(np.arange(-3.0, 3.0))}, undrawn) == ()


class TestRead:
    def test_is_fishers_z_with_the_rows_that_have_both(self):
        random = np.random.default_rng(2)
        x = random.normal(size=ROWS)
        y = 0.8 * x + 0.6 * random.normal(size=ROWS)
        references = {"x": reference(x), "y": reference(y)}
        with_gaps = np.where(np.arange(ROWS) % 4, y, np.nan)
        found = pairs.read([("x", "y")], references, sample({"x": x, "y": with_gaps, "z": x}))
        assert np.tanh(found.z[0]) == pytest.approx(0.8, abs=0.03)
        assert found.rows.tolist() == [ROWS * 3 // 4]

    def test_knows_nothing_of_constant_columns_and_few_rows(self):
        x = np.random.default_rng(2).normal(size=ROWS)
        references = {"x": reference(x), "y": reference(x)}
        for rows in ({"x": x, "y": np.ones(ROWS)}, {"x": x[:5], "y": x[:5]}):
            found = pairs.read([("x", "y")], references, sample(rows))
            assert (found.z.tolist(), found.rows.tolist()) == ([0.0], [0])

    def test_is_kept_with_a_stored_window(self):
        found = pairs.Correlations(np.array([0.5, -1.25, 0.0], np.float32), np.array([180, 5000, 0]))
        again = read_compact(compact(StoredProfile(5000, {}, found))).correlations
        assert again.z.tolist() == found.z.tolist()
        assert again.rows.tolist() == found.rows.tolist()
        assert read_compact(compact(StoredProfile(5000, {}))).correlations is None


NAMES = st.text(alphabet='ab", []\\é', max_size=6)


@given(st.lists(st.tuples(NAMES, NAMES), unique=True, max_size=6), st.sets(NAMES, max_size=6))
def test_labels_differ_from_each_other_and_from_all_columns(watched, more):
    taken = {*more, *pairs.labels_of(watched, ())}
    found = pairs.labels_of(watched, taken)
    assert len({*found}) == len(watched)
    assert not {*found} & taken
    assert pairs.from_bytes(pairs.to_bytes(watched)) == tuple(watched)
