import io
import math
import os
import pickle
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from river import drift

from monitor.detectors import river_state, streams
from monitor.detectors.base import STREAM_DETECTORS, Change
from monitor.detectors.river_state import History
from monitor.detectors.streams import AdwinParameters, from_state
from monitor.errors import DetectorError, StoreError

TOKENS = ("adwin", "ddm", "hddm_a", "hddm_w", "kswin", "page_hinkley")
TWO_SIDED = ("adwin", "hddm_a", "hddm_w", "page_hinkley")


def parameters(token):
    return STREAM_DETECTORS.get(token).parameters()


def fresh(token):
    return STREAM_DETECTORS.get(token).build(parameters(token))


def reloaded(token, detector):
    return from_state(token, parameters(token), detector.to_state())


def errors(seed, *parts, binary=True):
    """Errors whose mean goes through `parts`, each (mean, number); 0/1, or spread by 0.1 about the mean."""
    random = np.random.default_rng(seed)
    draws = [
        random.random(n) < mean if binary else np.clip(mean + random.uniform(-0.1, 0.1, n), 0, 1)
        for mean, n in parts
    ]
    return np.concatenate(draws).astype(float)


def seen(detector, values):
    """Everything that a user can see of a detector after these values."""
    return detector.update(values), detector.width, detector.estimate


def same(left, right):
    return left[:2] == right[:2] and (left[2] == right[2] or (math.isnan(left[2]) and math.isnan(right[2])))


def test_all_six_are_registered():
    assert set(TOKENS) <= set(STREAM_DETECTORS.tokens())


@pytest.mark.parametrize("token", TOKENS)
class TestContract:
    def test_nothing_yet(self, token):
        detector = fresh(token)
        assert detector.update(np.empty(0)) == ()
        assert detector.width == 0
        assert math.isnan(detector.estimate)

    @pytest.mark.parametrize("value", [0.0, 0.3, 0.5, 1.0])
    def test_a_constant_stream_has_no_change(self, token, value):
        detector = fresh(token)
        n = 400 if token == "kswin" else 3000
        assert detector.update(np.full(n, value)) == ()
        assert detector.width == n
        assert detector.estimate == pytest.approx(value)

    def test_a_rise_is_found_and_is_worse(self, token):
        # kswin's test of 30 values against 30 sees nothing in 0/1 errors
        binary = token != "kswin"
        before = 200 if token == "kswin" else 2000
        detector = fresh(token)
        changes = detector.update(errors(1, (0.1, before), (0.5, before), binary=binary))
        # DDM, as river has it, takes a run without errors after its warm start for normal
        late = [change for change in changes if change.index >= before]
        assert late
        assert late[0].worse
        assert late[0].index < before + 200
        assert detector.estimate == pytest.approx(0.5, abs=0.1)

    def test_the_same_values_give_the_same(self, token):
        values = errors(2, (0.2, 300), (0.6, 300))
        assert same(seen(fresh(token), values), seen(fresh(token), values))

    def test_how_the_values_are_dealt_out_does_not_matter(self, token):
        values = errors(3, (0.1, 150), (0.7, 150), binary=False)
        whole, one_by_one = fresh(token), fresh(token)
        changes = whole.update(values)
        found = [
            Change(index, change.worse)
            for index in range(len(values))
            for change in one_by_one.update(values[index : index + 1])
        ]
        assert tuple(found) == changes
        assert (one_by_one.width, one_by_one.estimate) == (whole.width, whole.estimate)

    @settings(max_examples=10)
    @given(data=st.data())
    def test_a_reload_at_any_index_changes_nothing(self, token, data):
        n = 180 if token == "kswin" else 600
        binary = data.draw(st.booleans(), label="binary")
        levels = data.draw(st.lists(st.floats(0, 1), min_size=2, max_size=3), label="levels")
        values = errors(4, *((level, n // len(levels)) for level in levels), binary=binary)
        cut = data.draw(st.integers(0, len(values)), label="cut")
        going_on = fresh(token)
        going_on.update(values[:cut])
        stopped = reloaded(token, going_on)
        assert same(((), stopped.width, stopped.estimate), ((), going_on.width, going_on.estimate))
        assert same(seen(going_on, values[cut:]), seen(stopped, values[cut:]))

    def test_another_version_of_river_rebuilds_by_replay(self, token, monkeypatch):
        n = 220 if token == "kswin" else 1500
        before, after = errors(5, (0.1, n), binary=False), errors(6, (0.1, n), (0.7, n), binary=False)
        going_on = fresh(token)
        going_on.update(before)
        state = going_on.to_state()
        monkeypatch.setattr(river_state, "RIVER_VERSION", "0.99.0")
        monkeypatch.setattr(river_state, "undump", lambda _: pytest.fail("another river's pickle"))
        rebuilt = from_state(token, parameters(token), state)
        assert rebuilt.width == going_on.width
        assert rebuilt.estimate == pytest.approx(going_on.estimate, abs=1e-5)
        if token != "kswin":  # it draws at random, and the draws begin anew
            assert rebuilt.update(after) == going_on.update(after)

    @pytest.mark.parametrize("bad", [-0.01, 1.01, math.nan, math.inf])
    def test_values_outside_0_to_1_are_refused_and_change_nothing(self, token, bad):
        detector = fresh(token)
        detector.update(errors(7, (0.3, 50)))
        state = detector.to_state()
        with pytest.raises(DetectorError, match=r"1 of 3 errors are outside \[0, 1\], the first at index 1"):
            detector.update(np.array([0.0, bad, 1.0]))
        assert detector.to_state() == state

    def test_unknown_parameters_are_refused(self, token):
        with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
            STREAM_DETECTORS.get(token).parameters(nonsense=1)


@pytest.mark.parametrize("token", TWO_SIDED)
def test_a_fall_is_found_and_is_not_worse(token):
    changes = fresh(token).update(errors(8, (0.6, 1500), (0.1, 1500)))
    assert not next(change for change in changes if change.index >= 1500).worse


def test_page_hinkley_can_look_one_way_only():
    values = errors(9, (0.1, 1000), (0.6, 1000), (0.1, 1000))
    found = {
        mode: [
            change.worse
            for change in streams.page_hinkley(streams.PageHinkleyParameters(mode=mode)).update(values)
        ]
        for mode in ("up", "down")
    }
    assert found == {"up": [True], "down": [False]}


def test_a_matrix_is_refused():
    with pytest.raises(DetectorError, match="one dimension, not 2"):
        fresh("adwin").update(np.zeros((2, 2)))


def test_kswin_window_must_hold_both_samples():
    with pytest.raises(ValidationError, match="stat_size 60 is more than half of window_size 100"):
        streams.KswinParameters(stat_size=60)


class TestAdwin:
    def test_it_is_rivers(self):
        values = errors(10, (0.1, 3000), (0.3, 3000), (0.05, 3000))
        oracle = drift.ADWIN()
        found = []
        for index, value in enumerate(values):
            oracle.update(value)
            if oracle.drift_detected:
                found.append(index)
        detector = fresh("adwin")
        assert [change.index for change in detector.update(values)] == found
        assert detector.width == oracle.width
        assert detector.estimate == pytest.approx(oracle.estimation, rel=1e-12)

    def test_direction_of_each_change(self):
        changes = fresh("adwin").update(errors(11, (0.1, 2000), (0.4, 2000), (0.1, 2000)))
        assert [change.worse for change in changes] == [True, False]

    def test_just_after_a_change_the_estimate_is_of_the_new_part(self):
        values = errors(12, (0.1, 2000), (0.8, 500))
        detector = fresh("adwin")
        first = detector.update(values)[0].index
        detector = fresh("adwin")
        detector.update(values[: first + 1])
        assert 5 <= detector.width <= first - 2000 + 33
        assert detector.estimate > 0.5  # ADWIN drops whole buckets, so a few older values are left
        again = reloaded("adwin", detector)
        again.update(values[first + 1 : first + 2])
        assert again.width == 1

    def test_parameters_reach_river(self):
        values = errors(13, (0.1, 2000), (0.25, 500))
        strict = streams.adwin(AdwinParameters(delta=1e-8)).update(values)
        loose = streams.adwin(AdwinParameters(delta=0.2)).update(values)
        assert strict == ()
        assert loose != ()

    def test_other_parameters_rebuild_by_replay(self):
        detector = fresh("adwin")
        detector.update(errors(14, (0.1, 1000)))
        other = AdwinParameters(delta=0.1)
        rebuilt = from_state("adwin", other, detector.to_state())
        expected = streams.adwin(other)
        expected.update(errors(14, (0.1, 1000)))
        assert rebuilt.to_state() == expected.to_state()

    def test_a_state_stays_small(self):
        detector = fresh("adwin")
        detector.update(errors(18, (0.1, 300_000)))
        state = detector.to_state()
        assert len(state) < 20_000
        assert from_state("adwin", AdwinParameters(), state).width == 300_000

    def test_replay_takes_the_newest_values_only(self, monkeypatch):
        detector = fresh("adwin")
        detector.update(errors(16, (0.1, 150_000)))
        state = detector.to_state()
        monkeypatch.setattr(river_state, "RIVER_VERSION", "0.99.0")
        rebuilt = from_state("adwin", AdwinParameters(), state)
        assert 98_304 <= rebuilt.width < 98_304 + 4096
        assert rebuilt.estimate == pytest.approx(0.1, abs=0.01)


class Evil:
    """Its pickle runs a command."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


def with_pickle(state, dumped):
    """The same state with another pickle in it, its checksum right."""
    header, sections = river_state._open(state)
    header["lengths"][0] = len(dumped)
    text = river_state.json.dumps(header).encode()
    content = b"".join((text, dumped, *sections[1:]))
    return river_state.HEAD.pack(len(text), zlib.crc32(content)) + content


class TestUntrustedState:
    @pytest.fixture
    def state(self):
        detector = fresh("adwin")
        detector.update(errors(17, (0.2, 500)))
        return detector.to_state()

    def load(self, state):
        return from_state("adwin", AdwinParameters(), state)

    def test_a_pickle_that_runs_a_command_is_refused(self, state, tmp_path):
        target = tmp_path / "made"
        with pytest.raises(StoreError, match=r"names posix\.mkdir, which no detector holds"):
            self.load(with_pickle(state, pickle.dumps(Evil(target))))
        assert not target.exists()

    @pytest.mark.parametrize("name", ["eval", "getattr", "object", "type"])
    def test_builtins_are_refused(self, state, name):
        dumped = pickle.dumps(getattr(__import__("builtins"), name))
        with pytest.raises(StoreError, match=rf"names builtins\.{name}"):
            self.load(with_pickle(state, dumped))

    def test_dotted_names_do_not_reach_into_what_is_allowed(self, state):
        dumped = b"\x80\x04\x8c\x11river.drift.adwin\x8c\x0eADWIN.__init__\x93."
        with pytest.raises(StoreError, match=r"ADWIN\.__init__"):
            self.load(with_pickle(state, dumped))

    def test_only_page_hinkleys_tests_can_be_looked_up(self, state):
        class Lookup:
            def __reduce__(self):
                return river_state._page_hinkley_test, (drift.PageHinkley(), "__class__")

        buffer = io.BytesIO()
        river_state._Pickler(buffer, protocol=5).dump(Lookup())
        with pytest.raises(StoreError, match="looks up '__class__': it is refused"):
            self.load(with_pickle(state, buffer.getvalue()))

    def test_another_object_than_the_detector_is_refused(self, state):
        with pytest.raises(StoreError, match="'adwin' holds a DDM, not a ADWIN"):
            self.load(with_pickle(state, river_state.dump(drift.binary.DDM())))

    @pytest.mark.parametrize("dumped", [b"", b"nonsense", b"\x80\x05."])
    def test_a_pickle_that_cannot_be_read_rebuilds_by_replay(self, state, dumped):
        rebuilt = self.load(with_pickle(state, dumped))
        assert rebuilt.width == 500
        assert rebuilt.to_state() == state

    def test_so_does_one_on_which_rivers_compiled_part_panics(self, state):
        whole = river_state.dump(drift.ADWIN())
        inner = drift.ADWIN()._helper.__getstate__()
        torn = whole.replace(len(inner).to_bytes(1, "little") + inner, b"\x02" + inner[:2])
        assert torn != whole
        assert self.load(with_pickle(state, torn)).to_state() == state

    def test_damage_is_told(self, state):
        for damaged in (b"", state[:-1], state[:40] + b"\x00" + state[41:]):
            with pytest.raises(StoreError, match=r"is damaged; `driftd accept MODEL` restarts"):
                self.load(damaged)

    def test_another_detectors_state_is_told(self, state):
        with pytest.raises(StoreError, match="of the stream detector 'adwin', not of 'ddm'"):
            from_state("ddm", parameters("ddm"), state)

    def test_a_newer_format_is_told(self, state, monkeypatch):
        monkeypatch.setattr(river_state, "FORMAT", 0)
        with pytest.raises(StoreError, match="has format 1, this driftd knows 0"):
            self.load(state)


class TestHistory:
    @settings(max_examples=25)
    @given(
        kind=st.sampled_from(["binary", "few", "many"]),
        sizes=st.lists(st.integers(0, 6000), min_size=1, max_size=4),
    )
    def test_values_come_back(self, kind, sizes):
        random = np.random.default_rng(sum(sizes))
        draw = {
            "binary": lambda n: random.integers(0, 2, n).astype(float),
            "few": lambda n: random.choice(random.random(200), n),
            "many": random.random,
        }[kind]
        history, given_values = History(), np.empty(0)
        for size in sizes:
            part = draw(size)
            history.extend(part)
            given_values = np.concatenate([given_values, part])
        tolerance = 0.5 / 65535 + 1e-12 if len(np.unique(given_values)) > 256 else 0.0
        np.testing.assert_allclose(history.values(), given_values, rtol=0, atol=tolerance)
        again = History.of(history.parts())
        np.testing.assert_array_equal(again.values(), history.values())
        assert bool(again) is (len(given_values) > 0)
