"""How long driftd takes to learn its estimators and to estimate, within a run of its own; see `estimates.py`.

    python estimates_own.py MODEL.yaml UNTIL

Evaluates every due window in this process, as `driftd once` does, and adds up what passes in the functions
that learn the estimators, in those that estimate, and in those that read rows for them. A function that
reads within one that learns counts as reading alone. What both tools would otherwise pay once, loading
scikit-learn, comes before the clock, as it does for NannyML. Writes one JSON object to stdout: by part the
seconds of the processor.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any

import sklearn.ensemble  # noqa: F401 - see above
from peers import one_core

from monitor import (
    baseline,
    build,
    calibration_sampling,
    estimating,
    estimator_learning,
    evaluation,
    given_label,
    loss_learning,
    pipeline,
    reference_sample,
)
from monitor.config.load import load_model
from monitor.state import ModelState

PARTS = (
    ("fit", estimator_learning, "learn"),
    ("fit", given_label, "read"),
    ("fit", loss_learning, "learn"),
    ("fit", calibration_sampling, "draw"),
    ("read", reference_sample, "draw"),
    ("read", baseline, "labelled_rows"),
    ("read", pipeline, "scan"),
    ("estimate", estimating, "estimate"),
)
"""What counts as which part; reading the live rows counts them in bins as well, for all statistics."""


class Clock:
    """Seconds by part, each second in the innermost part alone."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._open: list[str] = []
        self._since = time.process_time()

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time counted."""

        @wraps(function)
        def called(*values: Any, **named: Any) -> Any:
            self._turn()
            self._open.append(part)
            try:
                return function(*values, **named)
            finally:
                self._turn()
                self._open.pop()

        return called

    def _turn(self) -> None:
        now = time.process_time()
        if self._open:
            self.seconds[self._open[-1]] += now - self._since
        self._since = now


def measured(path: Path, until: datetime) -> dict[str, float]:
    """The seconds by part."""
    clock = Clock()
    for part, module, name in PARTS:
        setattr(module, name, clock.timed(part, getattr(module, name)))
    config = load_model(path, sources=build.source_parameters(), detectors=build.detector_parameters())
    order = evaluation.Order(config, ModelState(config.model), {}, {}, until, datetime.now(UTC))
    for event in evaluation.evaluate(order):
        if isinstance(event, evaluation.Failed):
            raise RuntimeError(f"driftd failed: {event.message}")
    return dict(clock.seconds)


def main() -> None:
    one_core()
    print(json.dumps(measured(Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2]))))


if __name__ == "__main__":
    main()
