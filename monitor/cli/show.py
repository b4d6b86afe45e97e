"""What `once` and `backfill` print: JSON lines, or a table of what a person wants to know."""

import sys
from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from monitor.config.schema import ModelConfig
from monitor.evaluation import Failed
from monitor.lines import line
from monitor.plan import Planned
from monitor.recorder import Committed, Told
from monitor.state import AlarmRecord
from monitor.types import Evaluation, Kind, Stage


class Shown:
    """The output of one command, and what its exit code depends on."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.failed = False
        self.alarmed = False
        self._windows = 0
        self._rows = 0
        self._told: set[tuple[Kind, datetime]] = set()
        self._ended: set[tuple[Kind, datetime]] = set()
        self._problems: dict[tuple[str, str], str] = {}
        self._console = Console(stderr=False, highlight=False)
        self._progress = progress()
        self._progress.start()
        self._task = self._progress.add_task("", total=None)

    def begin(self, config: ModelConfig) -> None:
        """A model's run begins."""
        self._windows = self._rows = 0
        for told in (self._told, self._ended, self._problems):
            told.clear()
        self._progress.reset(self._task, description=config.model, total=None)

    def take(self, model: str, told: Told) -> None:
        """One event of the run."""
        if isinstance(told, Failed):
            self.failed = True
            sys.stderr.write(f"driftd: {model}: {told.message} [{told.stage}: {told.reason}]\n")
        elif isinstance(told, Planned):
            self._progress.update(self._task, total=told.windows)
            for problem in told.problems:
                sys.stderr.write(f"driftd: {model}: {problem.message} [{Stage.SCAN}: {problem.reason}]\n")
        elif isinstance(told, Committed):
            for evaluation in told.commit.evaluations:
                self._evaluation(evaluation)
            for record in told.commit.alarms if not self.as_json else ():
                self._alarm(model, record)

    def _evaluation(self, evaluation: Evaluation) -> None:
        self.alarmed |= any(verdict.alarm for verdict in evaluation.verdicts)
        if not evaluation.restated:
            self._windows += 1
            self._rows += evaluation.rows
            self._progress.advance(self._task)
        if self.as_json:
            sys.stdout.write(line(evaluation) + "\n")
            sys.stdout.flush()
            return
        for problem in evaluation.problems:
            self._problems.setdefault((problem.column, problem.reason), problem.message)

    def _alarm(self, model: str, record: AlarmRecord) -> None:
        """An alarm that opened or closed, each told once."""
        key = (record.kind, record.since)
        if key not in self._told:
            self._told.add(key)
            self._console.print(
                f"[red]ALARM[/red] {model} {record.kind} since {_short(record.since)}: {escape(record.reason)}",
                soft_wrap=True,
            )
        if record.closed is not None and key not in self._ended:
            self._ended.add(key)
            self._console.print(
                f"[green]ended[/green] {model} {record.kind} of {_short(record.since)}, with the window "
                f"up to {_short(record.closed)}",
                soft_wrap=True,
            )

    def end(self, model: str, standing: Sequence[AlarmRecord]) -> None:
        """A model's run ended; `standing` are the alarms that are open now."""
        self.alarmed |= bool(standing)
        if self.as_json:
            return
        for (column, reason), message in self._problems.items():
            self._console.print(
                f"[yellow]note[/yellow]  {model} {escape(column)} {reason}: {escape(message)}", soft_wrap=True
            )
        names = ", ".join(f"{record.kind} since {_short(record.since)}" for record in standing)
        self._console.print(
            f"{model}: {self._windows} windows, {self._rows:,} rows; open alarms: {names or 'none'}",
            soft_wrap=True,
        )

    def close(self) -> None:
        """No more output."""
        self._progress.stop()


def progress() -> Progress:
    """A bar on stderr, where that is a terminal."""
    errors = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("windows"),
        TimeElapsedColumn(),
        console=errors,
        disable=not errors.is_terminal,
        transient=True,
    )


def _short(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")
