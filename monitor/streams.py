"""The error of every labelled row, once, in order, through the stream detectors.

Three streams: the error itself; the error minus what the reference had at this score; the error minus
what it had in this class. The first is `performance`. Concept drift is a rise of both others: a
rise of one alone is explained by the inputs, or by the class shares.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from monitor.detectors.base import STREAM_DETECTORS, StreamDetector
from monitor.join import Arrivals
from monitor.plan import Labelled, Plan, Target
from monitor.state import PendingWindow, StreamState
from monitor.stats import residuals
from monitor.stats.residuals import ErrorReference
from monitor.types import Kind, StreamSummary
from monitor.windows import moment

ERROR, BY_SCORE, BY_CLASS = "error", "by_score", "by_class"
STREAMS = (ERROR, BY_SCORE, BY_CLASS)

Floats = NDArray[np.float64]


def scored(target: Target, predictions: Floats, scores: NDArray[np.float32]) -> Floats:
    """What the reference's errors are binned by: the positive class's probability, else the prediction."""
    if target.scored:
        return scores[:, target.positive_column].astype(np.float64)
    return predictions


def errors_of(
    target: Target, errors: ErrorReference, labels: Floats, predictions: Floats, scores: NDArray[np.float32]
) -> dict[str, Floats]:
    """The three streams' values, each in [0, 1]; the arrays hold no NaN."""
    assert target.task is not None
    own = residuals.row_errors(target.task, labels, predictions, errors.scale)
    by_score = residuals.expected_by_prediction(errors, scored(target, predictions, scores))
    by_class = residuals.expected_by_label(errors, labels)
    return {
        ERROR: own,
        BY_SCORE: residuals.rescale(residuals.residual(own, by_score)),
        BY_CLASS: residuals.rescale(residuals.residual(own, by_class)),
    }


class Detectors:
    """The stream detectors of one run: opened from their bytes once, then kept as long as those hold."""

    def __init__(self, labelled: Labelled | None) -> None:
        self._labelled = labelled
        self._open: dict[str, tuple[StreamState | None, StreamDetector]] = {}

    def at(self, name: str, state: StreamState | None) -> StreamDetector:
        """The detector as it was at this state, or as the reference's own errors left it."""
        known = self._open.get(name)
        if known is not None and known[0] is state:
            return known[1]
        assert self._labelled is not None
        stream = self._labelled.stream
        same = state is not None and state.detector == stream.detector
        content = state.state if state is not None and same else stream.start[name]
        detector = STREAM_DETECTORS.get(stream.detector).build(stream.parameters, content)
        self._open[name] = (state, detector)
        return detector

    def keep(self, name: str, detector: StreamDetector, worse_since: datetime | None) -> StreamState:
        """The state of a detector that took new values."""
        assert self._labelled is not None
        state = StreamState(self._labelled.stream.detector, detector.to_state(), worse_since)
        self._open[name] = (state, detector)
        return state


def feed(
    plan: Plan,
    opened: Detectors,
    streams: Mapping[str, StreamState],
    pending: Sequence[PendingWindow],
    arrivals: Arrivals,
) -> tuple[Mapping[str, StreamState], dict[int, frozenset[str]]]:
    """Give the arrivals to the streams; tells by pending window in which kinds a change was found."""
    errors = plan.errors
    if errors is None or not len(arrivals):
        return streams, {}
    labels, predictions, scores = _gather(pending, arrivals)
    usable = ~np.isnan(predictions)
    if not usable.any():
        return streams, {}
    window = arrivals.window[usable]
    values = errors_of(plan.target, errors, labels[usable], predictions[usable], scores[usable])
    detectors = {name: opened.at(name, streams.get(name)) for name in STREAMS}
    found = [
        (change.index, name, change.worse)
        for name in STREAMS
        for change in detectors[name].update(values[name])
    ]
    worse = {name: streams[name].worse_since if name in streams else None for name in STREAMS}
    hits: dict[int, set[str]] = {}
    for index, name, is_worse in sorted(found):
        at = int(window[index])
        worse[name] = (worse[name] or _start(pending[at])) if is_worse else None
        if is_worse:
            hits.setdefault(at, set()).update(_kinds(name, worse))
    after = {name: opened.keep(name, detectors[name], worse[name]) for name in STREAMS}
    return after, {at: frozenset(kinds) for at, kinds in hits.items()}


def _kinds(name: str, worse: Mapping[str, datetime | None]) -> set[str]:
    """The kinds that a change for the worse of this stream opens."""
    if name == ERROR:
        return {Kind.PERFORMANCE}
    both = worse[BY_SCORE] is not None and worse[BY_CLASS] is not None
    return {Kind.CONCEPT} if both else set()


def _start(window: PendingWindow) -> datetime:
    return window.window.start or moment(int(window.times[0]))


def _gather(
    pending: Sequence[PendingWindow], arrivals: Arrivals
) -> tuple[Floats, Floats, NDArray[np.float32]]:
    labels = np.empty(len(arrivals))
    predictions = np.empty(len(arrivals))
    scores = np.empty((len(arrivals), pending[0].scores.shape[1]), dtype=np.float32)
    for index in np.unique(arrivals.window).tolist():
        here = arrivals.window == index
        rows = arrivals.row[here]
        labels[here] = pending[index].labels[rows]
        predictions[here] = pending[index].predictions[rows]
        scores[here] = pending[index].scores[rows]
    return labels, predictions, scores


def summary(opened: Detectors, streams: Mapping[str, StreamState]) -> StreamSummary | None:
    """Where the error stream stands; None before its first value."""
    if ERROR not in streams:
        return None
    detector = opened.at(ERROR, streams[ERROR])
    return None if np.isnan(detector.estimate) else StreamSummary(detector.width, detector.estimate)


def values(plan: Plan, opened: Detectors, streams: Mapping[str, StreamState]) -> dict[Kind, float]:
    """By kind the detector's estimate minus the reference's error; for concept the smaller residual."""
    if plan.errors is None or not streams:
        return {}
    found = {name: opened.at(name, streams[name]).estimate for name in STREAMS}
    concept = min(2 * found[BY_SCORE] - 1, 2 * found[BY_CLASS] - 1)
    given = {Kind.PERFORMANCE: found[ERROR] - plan.errors.mean, Kind.CONCEPT: concept}
    return {kind: value for kind, value in given.items() if not np.isnan(value)}
