"""One of river's detectors behind `StreamDetector`, and which way a change goes that it found."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.detectors import river_state
from monitor.detectors.base import Change
from monitor.detectors.river_state import History, Saved
from monitor.errors import DetectorError


@dataclass(frozen=True, slots=True)
class Part:
    """What came after a change: how many values, their sum, and whether they are worse than before."""

    count: int
    total: float
    worse: bool


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """The values from one change to the next: those that are kept, and number and sum of all."""

    values: NDArray[np.float64]
    count: int
    total: float


Since: TypeAlias = Callable[[Any, Stretch], Part]


@dataclass(frozen=True, slots=True)
class Engine:
    """How one of river's detectors is used: its class, and what it leaves after a change.

    `memory`: how many values decide what it does next, where that is bounded.
    """

    token: str
    river: Callable[..., Any]
    since: Since
    memory: int | None = None


class RiverStream:
    """One of river's detectors behind `StreamDetector`; like river it starts anew after a change."""

    __slots__ = ("_count", "_detector", "_engine", "_history", "_parameters", "_total")

    def __init__(self, engine: Engine, parameters: Mapping[str, object], state: bytes | None = None) -> None:
        self._engine = engine
        self._parameters = dict(parameters)
        fresh = engine.river(**self._parameters)
        saved = Saved(fresh, History(), 0, 0.0)
        if state is not None:
            saved = river_state.load(engine.token, self._parameters, type(fresh), state)
        self._detector = fresh if saved.detector is None else saved.detector
        self._history, self._count, self._total = saved.history, saved.count, saved.total
        if saved.detector is None:
            self._replay()

    @property
    def width(self) -> int:
        """How many values since the last change; just after one, those that the detector counts as new."""
        return self._count

    @property
    def estimate(self) -> float:
        """Their mean; NaN before the first value."""
        return self._total / self._count if self._count else float("nan")

    def update(self, values: NDArray[np.float64]) -> tuple[Change, ...]:
        """Take the values in order and tell where a change was found; DetectorError outside [0, 1]."""
        errors = _checked(values)
        listed = errors.tolist()
        changes = []
        start = 0
        while start < len(listed):
            index = _first_change(self._detector, listed, start)
            self._remember(errors[start : len(errors) if index is None else index + 1])
            if index is None:
                break
            changes.append(Change(index, self._restart()))
            start = index + 1
        return tuple(changes)

    def to_state(self) -> bytes:
        """Everything that `from_state` needs."""
        saved = Saved(self._detector, self._history, self._count, self._total)
        return river_state.save(self._engine.token, self._parameters, saved)

    def _remember(self, errors: NDArray[np.float64]) -> None:
        if not self._history:  # the first values after a change: what it left counts no more
            self._count, self._total = 0, 0.0
        self._history.extend(errors)
        self._count += len(errors)
        self._total = _sum(self._total, errors)

    def _restart(self) -> bool:
        stretch = Stretch(self._history.values(), self._count, self._total)
        after = self._engine.since(self._detector, stretch)
        self._history = History()
        self._count, self._total = after.count, after.total
        return after.worse

    def _replay(self) -> None:
        """Take the values since the last change again; what is found in them now is not told."""
        values = self._history.values()
        if len(values):
            self._count, self._total = len(values), _sum(0.0, values)
        for value in (values[-self._engine.memory :] if self._engine.memory else values).tolist():
            self._detector.update(value)


def _sum(start: float, values: NDArray[np.float64]) -> float:
    """One value after the other, so that the sum is the same however the values are dealt out."""
    return float(np.cumsum(np.concatenate([[start], values]))[-1])


def _checked(values: NDArray[np.float64]) -> NDArray[np.float64]:
    errors = np.asarray(values, dtype=np.float64)
    if errors.ndim != 1:
        message = f"a stream of errors has one dimension, not {errors.ndim}"
        raise DetectorError(message)
    bad = ~((errors >= 0.0) & (errors <= 1.0))
    if bad.any():
        index = int(np.argmax(bad))
        message = (
            f"{int(bad.sum())} of {len(errors)} errors are outside [0, 1], the first at index {index}: "
            f"{errors[index]}; leave out rows without an error and scale the others"
        )
        raise DetectorError(message)
    return errors


def _first_change(detector: Any, values: list[float], start: int) -> int | None:
    """The index of the first change at or after `start`; the values up to it are taken."""
    update = detector.update
    for index in range(start, len(values)):
        update(values[index])
        if detector.drift_detected:
            return index
    return None


def by_own_window(detector: Any, stretch: Stretch) -> Part:
    """ADWIN has dropped what came before the cut: what is left came after."""
    count, total = int(detector.width), float(detector.total)
    before = (stretch.total - total) / max(stretch.count - count, 1)
    return Part(count, total, total / max(count, 1) > before)


def by_contrast(_detector: Any, stretch: Stretch) -> Part:
    """The split of the stretch at which the two means differ most, by their standard error."""
    values = stretch.values
    n = len(values)
    left = np.arange(1, n)
    sums = np.cumsum(values)
    gap = sums[:-1] - left * (sums[-1] / n)
    cut = int(np.argmax(gap * gap / (left * (n - left)))) + 1
    after = values[cut:]
    return Part(n - cut, float(after.sum()), bool(after.mean() > values[:cut].mean()))


def rise(detector: Any, stretch: Stretch) -> Part:
    """A detector that looks for rises only has found one."""
    return replace(by_contrast(detector, stretch), worse=True)


def fall(detector: Any, stretch: Stretch) -> Part:
    """A detector that looks for falls only has found one."""
    return replace(by_contrast(detector, stretch), worse=False)


def by_newest(window: int, newest: int) -> Since:
    """KSWIN compares the newest values of its window with the older ones."""

    def since(_detector: Any, stretch: Stretch) -> Part:
        after = stretch.values[-newest:]
        before = stretch.values[-window:-newest]
        return Part(newest, float(after.sum()), bool(after.mean() > before.mean()))

    return since
