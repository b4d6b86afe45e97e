"""What `once` and `backfill` print: JSON lines, or what a person wants to know."""

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from monitor.evaluation import Failed
from monitor.lines import line
from monitor.plan import Planned
from monitor.recorder import Committed, Told
from monitor.state import AlarmRecord, Commit
from monitor.stats.words import printable, shown
from monitor.types import Evaluation, Kind, Problem, Stage


class Shown:
    """The output of one command, model after model, and what its exit code depends on.

    `failed`: a model could not be evaluated. `alarmed`: an alarm was open after a window, or still is.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.failed = False
        self.alarmed = False
        self._as_json = as_json
        self._model = ""
        self._broken = False
        self._windows = self._rows = 0
        self._problems: dict[tuple[str, str], Problem] = {}
        self._open: dict[tuple[Kind, str, datetime], AlarmRecord] = {}
        self._progress = progress(as_json=as_json)
        above = not self._progress.disable and sys.stdout.isatty()
        self._console = self._progress.console if above else Console(highlight=False)
        self._progress.start()
        self._task = self._progress.add_task("", total=None)

    def begin(self, model: str) -> None:
        """A model's run begins."""
        self._model = model
        self._broken = False
        self._windows = self._rows = 0
        self._problems, self._open = {}, {}
        self._progress.reset(self._task, description=model, total=None)

    def take(self, told: Told) -> None:
        """One event of the run."""
        if isinstance(told, Failed):
            self.failed = self._broken = True
            self._warn(f"{told.message} [{told.stage}: {told.reason}]")
        elif isinstance(told, Planned):
            self._progress.update(self._task, total=told.windows)
            for problem in told.problems:
                self._warn(f"{problem.message} [{Stage.SCAN}: {problem.reason}]")
        elif isinstance(told, Committed):
            for evaluation in told.commit.evaluations:
                self._window(evaluation)
            self._alarms(told.commit)

    def end(self, standing: Sequence[AlarmRecord] | None = None) -> None:
        """A model's run ended; `standing` are the alarms that are open now, by default those it told of."""
        if standing is None:
            standing = tuple(self._open.values())
        self.alarmed |= bool(standing)
        for problem in self._problems.values():
            self._say("note", "yellow", f"{shown(problem.column)} {problem.reason}: {problem.message}")
        if self._broken and not self._windows:
            return  # that it was not evaluated is told
        windows = "1 window" if self._windows == 1 else f"{self._windows or 'no'} windows"
        names = ", ".join(f"{record.kind} since {minute(record.since)}" for record in standing)
        self._say("", "", f"{windows}, {self._rows:,} rows; open alarms: {names or 'none'}")

    def __enter__(self) -> Self:
        """The output itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """No more output."""
        self._progress.stop()

    def _window(self, evaluation: Evaluation) -> None:
        """A window was evaluated, or an older one again."""
        self.alarmed |= any(verdict.alarm for verdict in evaluation.verdicts)
        if not evaluation.restated:
            self._windows += 1
            self._rows += evaluation.rows
            self._progress.advance(self._task)
        if self._as_json:
            sys.stdout.write(line(evaluation) + "\n")
            sys.stdout.flush()
        for problem in evaluation.problems:
            self._problems.setdefault((problem.column, problem.reason), problem)

    def _alarms(self, commit: Commit) -> None:
        """Alarms that opened, closed, or turned out not to have been, each told once."""
        for record in commit.alarms:
            key = (record.kind, record.segment, record.since)
            if key not in self._open and record.closed is None:
                self._say("ALARM", "red", f"{record.kind} since {minute(record.since)}: {record.reason}")
            if record.closed is None:
                self._open[key] = record
                continue
            self._open.pop(key, None)
            self._say("ended", "green", f"{record.kind} of {minute(record.since)} at {minute(record.closed)}")
        for key in commit.withdrawn:
            if self._open.pop(key, None) is not None:
                kind, _, since = key
                self._say("undone", "green", f"{kind} of {minute(since)}: later labels say there was none")

    def _say(self, word: str, style: str, text: str) -> None:
        """One line for a person."""
        if not self._as_json:
            self._console.print(
                Text.assemble((f"{word} " if word else "", style), f"{self._model}: {printable(text)}"),
                soft_wrap=True,
            )

    def _warn(self, text: str) -> None:
        """What is wrong, as a rule on one line."""
        lines = "\n".join(map(printable, text.split("\n")))
        sys.stderr.write(f"driftd: {self._model}: {lines}\n")


def progress(*, as_json: bool = False) -> Progress:
    """A bar on stderr, where that is a terminal and the bar disturbs no results on the same one.

    Results for a person are printed above the bar; results for a program are left as they are.
    """
    errors = Console(stderr=True, highlight=False)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("windows"),
        TimeElapsedColumn(),
        console=errors,
        disable=not errors.is_terminal or (as_json and sys.stdout.isatty()),
        redirect_stdout=False,
        transient=True,
    )


def minute(moment: datetime) -> str:
    """A time as people read it and as `--until` takes it.

    >>> from datetime import UTC
    >>> minute(datetime(2024, 2, 10, tzinfo=UTC))
    '2024-02-10T00:00Z'
    """
    return moment.strftime("%Y-%m-%dT%H:%MZ")
