"""The error streams: what goes in, in which order, and what a change in them opens."""

from dataclasses import replace

import numpy as np
import pytest

from monitor.join import in_order
from monitor.labels import in_row
from monitor.state import PendingWindow
from monitor.streams import (
    BY_CLASS,
    BY_SCORE,
    ERROR,
    STREAMS,
    Detectors,
    errors_of,
    feed,
    scored,
    summary,
    values,
)
from monitor.types import Kind, Window
from monitor.windows import micros
from tests.run_model import DAY, LIVE, REFERENCE_DAYS, Memory, days, model

N = 2000


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return model(tmp_path_factory.mktemp("streams"), days(0, REFERENCE_DAYS), Memory())


def window(number: int = 0, *, x=0.0, relation=2.0, rows: int = N, seed: int = 0) -> PendingWindow:
    """A labelled window: inputs around `x`, labels by `relation`."""
    rng = np.random.default_rng((seed, number))
    inputs = rng.normal(x, 1, rows)
    labels = (rng.random(len(inputs)) < 1 / (1 + np.exp(-relation * inputs))).astype(float)
    scores = 1 / (1 + np.exp(-2 * inputs))
    start = LIVE + number * DAY
    return PendingWindow(
        Window(start, start + DAY),
        rows,
        np.arange(rows, dtype=np.uint64) + number * 10_000,
        np.arange(rows) + micros(start),
        (scores > 0.5).astype(float),
        scores[:, None].astype(np.float32),
        labels,
        np.full(rows, micros(start + DAY)),
    )


def fed(plan, *windows: PendingWindow):
    """Each window's labels as they come; what changes were found where."""
    detectors, streams, found = Detectors(plan.labelled), {}, []
    for each in windows:
        streams, hits = feed(plan, detectors, streams, (each,), in_row((each,), each.window.key))
        found.append(hits.get(0, frozenset()))
    return streams, found, detectors


class TestValues:
    def test_the_error_and_its_residuals_are_in_0_to_1(self, plan):
        one = window()
        found = errors_of(plan.target, plan.labelled.errors, one.labels, one.predictions, one.scores)
        assert found[ERROR].tolist() == (one.labels != one.predictions).astype(float).tolist()
        for name in (BY_SCORE, BY_CLASS):
            assert found[name].min() >= 0
            assert found[name].max() <= 1
            assert found[name].mean() == pytest.approx(0.5, abs=0.02)

    def test_errors_are_told_by_the_score_of_the_positive_class(self, plan):
        target = replace(plan.target, probabilities=("no", "yes"))
        scores = np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)
        np.testing.assert_allclose(scored(target, np.zeros(2), scores), [0.1, 0.8], rtol=1e-6)

    def test_without_probabilities_by_the_prediction(self, plan):
        target = replace(plan.target, probabilities=())
        assert scored(target, np.array([1.0, 0.0]), np.zeros((2, 0), np.float32)).tolist() == [1.0, 0.0]


class TestChanges:
    def test_the_same_as_the_reference_is_none(self, plan):
        streams, found, _ = fed(plan, window(0), window(1), window(2))
        assert found == [frozenset()] * 3
        assert {each.worse_since for each in streams.values()} == {None}

    def test_another_relation_is_performance_and_concept(self, plan):
        streams, (_, found), _ = fed(plan, window(0), window(1, relation=-1.0))
        assert found == {Kind.PERFORMANCE, Kind.CONCEPT}
        assert {each.worse_since for each in streams.values()} == {LIVE + DAY}

    def test_harder_inputs_are_no_concept_drift(self, plan):
        rows = window(1, rows=8 * N)
        hard = np.flatnonzero(np.abs(rows.scores[:, 0] - 0.5) < 0.2)
        names = ("ids", "times", "predictions", "scores", "labels", "label_times")
        harder = replace(rows, **{name: getattr(rows, name)[hard] for name in names})
        streams, (_, found), _ = fed(plan, window(0), harder)
        assert found == {Kind.PERFORMANCE}
        assert streams[ERROR].worse_since is not None
        assert streams[BY_SCORE].worse_since is None

    def test_a_return_ends_what_was_worse(self, plan):
        streams, found, _ = fed(plan, window(0), window(1, relation=-1.0), window(2), window(3))
        assert Kind.CONCEPT in found[1]
        assert found[2] == found[3] == frozenset()
        assert {each.worse_since for each in streams.values()} == {None}

    def test_one_for_the_better_opens_nothing(self, plan):
        streams, (_, found), _ = fed(plan, window(0), window(1, relation=50.0))
        assert found == frozenset()
        assert values(plan, Detectors(plan.labelled), streams)[Kind.PERFORMANCE] < -0.05


class TestFeed:
    def test_rows_without_a_prediction_are_left_out(self, plan):
        one = window()
        half = replace(one, predictions=np.where(np.arange(N) % 2, np.nan, one.predictions))
        streams, _, detectors = fed(plan, half)
        reference = plan.labelled.errors.rows
        assert summary(detectors, streams).width == reference + N // 2

    def test_no_usable_label_leaves_the_streams_as_they_are(self, plan):
        one = window()
        streams, _, _ = fed(plan, replace(one, predictions=np.full(N, np.nan)))
        assert streams == {}

    def test_arrivals_of_several_windows_go_in_by_label_time(self, plan):
        """The hit is in the window whose label shows the change, wherever that stands."""
        calm, changed = window(0), replace(window(1, relation=-1.0), label_times=np.zeros(N, np.int64))
        both = (calm, changed)
        numbers = np.repeat([0, 1], N)
        arrivals = in_order(both, numbers, np.tile(np.arange(N), 2))
        assert arrivals.window[:N].tolist() == [1] * N
        _, hits = feed(plan, Detectors(plan.labelled), {}, both, arrivals)
        assert Kind.CONCEPT in hits[1]
        assert 0 not in hits

    def test_starts_from_the_errors_of_the_reference(self, plan):
        streams, _, detectors = fed(plan, window(rows=40))
        assert summary(detectors, streams).width == plan.labelled.errors.rows + 40
        assert values(plan, detectors, streams)[Kind.PERFORMANCE] == pytest.approx(0, abs=0.02)

    def test_value_is_the_estimate_less_the_error_of_the_reference(self, plan):
        streams, _, detectors = fed(plan, window(0), window(1, relation=-1.0), window(2, relation=-1.0))
        found = values(plan, detectors, streams)
        error = np.mean([np.mean(each.labels != each.predictions) for each in (window(1, relation=-1.0),)])
        assert found[Kind.PERFORMANCE] == pytest.approx(error - plan.labelled.errors.mean, abs=0.03)
        assert 0 < found[Kind.CONCEPT] < found[Kind.PERFORMANCE] + 0.05
        assert summary(detectors, streams).error_rate == pytest.approx(error, abs=0.03)


class TestDetectors:
    def test_kept_open_they_are_what_their_bytes_give(self, plan):
        parts = [window(number, relation=2.0 if number < 3 else -1.0, rows=700) for number in range(6)]
        kept, found, _ = fed(plan, *parts)
        streams, again = {}, []
        for each in parts:
            streams, hits = feed(
                plan, Detectors(plan.labelled), streams, (each,), in_row((each,), each.window.key)
            )
            again.append(hits.get(0, frozenset()))
        assert again == found
        assert streams == kept

    def test_bytes_of_another_detector_start_anew(self, plan):
        streams, _, detectors = fed(plan, window())
        other = {name: replace(each, detector="page_hinkley") for name, each in streams.items()}
        assert detectors.at(ERROR, other[ERROR]).width == plan.labelled.errors.rows

    def test_nothing_is_told_before_the_first_label(self, plan):
        assert summary(Detectors(plan.labelled), {}) is None
        assert values(plan, Detectors(plan.labelled), {}) == {}
        assert set(STREAMS) == {ERROR, BY_SCORE, BY_CLASS}
