"""Log lines of runs: what a model's last run told as well is no news, and stands at level debug only."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from monitor.types import Reason, Stage

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One warning or error of a run; `level` is one of logging's."""

    level: int
    stage: Stage
    reason: Reason
    message: str
    window: str = ""
    """In which it happened; empty where it is of none in particular."""


class RunLog:
    """What was told of each model by its last run."""

    def __init__(self) -> None:
        self._entries: dict[str, frozenset[Entry]] = {}
        self._outcomes: dict[str, str] = {}

    def tell(self, model: str, entries: Iterable[Entry]) -> None:
        """All warnings and errors of one run, each as one line."""
        found = list(entries)
        before = self._entries.get(model, frozenset())
        for entry in found:
            extra = {"model": model} | ({"window": entry.window} if entry.window else {})
            extra |= {"stage": str(entry.stage), "reason": str(entry.reason)}
            log.log(logging.DEBUG if entry in before else entry.level, entry.message, extra=extra)
        self._entries[model] = frozenset(found)

    def end(self, model: str, outcome: str, lines: int, seconds: float) -> None:
        """The end of a run; it is news where it evaluated windows or ended otherwise than the last one."""
        news = lines > 0 or self._outcomes.get(model) != outcome
        self._outcomes[model] = outcome
        extra = {"model": model, "outcome": outcome, "lines": lines, "seconds": round(seconds, 3)}
        log.log(logging.INFO if news else logging.DEBUG, "run", extra=extra)
