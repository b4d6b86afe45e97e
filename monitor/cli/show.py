"""What `once` and `backfill` print: JSON lines, or a table of what a person wants to know."""

import sys
from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from monitor.config.schema import ModelConfig
from monitor.evaluation import Failed
from monitor.lines import line
from monitor.plan import Planned
from monitor.recorder import Committed, Told
from monitor.state import AlarmRecord
from monitor.types import Evaluation, Verdict


class Shown:
    """The output of one command, and what its exit code depends on."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.failed = False
        self.alarmed = False
        self._windows = 0
        self._rows = 0
        self._open: dict[tuple[str, str], datetime | None] = {}
        self._problems: dict[tuple[str, str], str] = {}
        self._console = Console(stderr=False, highlight=False)
        self._progress = progress()
        self._progress.start()
        self._task = self._progress.add_task("", total=None)

    def begin(self, config: ModelConfig) -> None:
        """A model's run begins."""
        self._windows = self._rows = 0
        self._problems.clear()
        self._progress.reset(self._task, description=config.model, total=None)

    def take(self, model: str, told: Told) -> None:
        """One event of the run."""
        if isinstance(told, Failed):
            self.failed = True
            sys.stderr.write(f"driftd: {model}: {told.message} [{told.stage}: {told.reason}]\n")
        elif isinstance(told, Planned):
            self._progress.update(self._task, total=told.windows)
        elif isinstance(told, Committed):
            for evaluation in told.commit.evaluations:
                self._evaluation(evaluation)

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
        for verdict in evaluation.verdicts:
            self._transition(evaluation, verdict)
        for problem in evaluation.problems:
            self._problems.setdefault((problem.column, problem.reason), problem.message)

    def _transition(self, evaluation: Evaluation, verdict: Verdict) -> None:
        key = (evaluation.model, str(verdict.kind))
        before = self._open.get(key)
        if verdict.since is not None and before != verdict.since:
            self._console.print(
                f"[red]ALARM[/red] {evaluation.model} {verdict.kind} since {_short(verdict.since)}: {verdict.reason}",
                soft_wrap=True,
            )
        elif before is not None and verdict.since is None:
            self._console.print(
                f"[green]ended[/green] {evaluation.model} {verdict.kind} "
                f"opened {_short(before)}, closed with window {evaluation.window.key}",
                soft_wrap=True,
            )
        self._open[key] = verdict.since

    def end(self, model: str, standing: Sequence[AlarmRecord]) -> None:
        """A model's run ended; `standing` are the alarms that are open now."""
        self.alarmed |= bool(standing)
        if self.as_json:
            return
        for (column, reason), message in self._problems.items():
            self._console.print(f"[yellow]note[/yellow]  {model} {column} {reason}: {message}", soft_wrap=True)
        names = ", ".join(f"{record.kind} since {_short(record.since)}" for record in standing)
        self._console.print(
            f"{model}: {self._windows} windows, {self._rows:,} rows; open alarms: {names or 'none'}", soft_wrap=True
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
