"""What one run has told so far."""

import logging
from dataclasses import dataclass, field

from monitor.evaluation import Failed
from monitor.run_log import Entry
from monitor.state import ModelState
from monitor.types import Problem, Reason, Stage, span

BY_FORCE = frozenset({Reason.TIMED_OUT, Reason.OUT_OF_MEMORY})


@dataclass(slots=True)
class Tally:
    """What one run has told so far, and where the model stands by it."""

    state: ModelState
    failures: list[Failed] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    """Of a run without a new window, whose line would tell them."""
    stages: dict[Stage, float] = field(default_factory=dict)
    lines: int = 0

    def entries(self) -> list[Entry]:
        """What was wrong: each is told once and counted every time."""
        return [
            *(_failure(each) for each in self.failures),
            *(Entry(logging.WARNING, Stage.SCAN, each.reason, each.message) for each in self.problems),
        ]

    def ended_by_force(self) -> bool:
        """Whether the run had to be ended for what it used."""
        return any(each.reason in BY_FORCE for each in self.failures)


def _failure(failed: Failed) -> Entry:
    window = span(failed.window) if failed.window is not None else ""
    return Entry(logging.ERROR, failed.stage, failed.reason, failed.message, window)
