"""`driftd status`: per model the last window, lag, verdicts, what is open, wrong or provisional."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor import lines
from monitor.cli import options
from monitor.cli.loading import load_models, prepare
from monitor.cli.show import minute
from monitor.export.view import why_provisional
from monitor.state import AlarmRecord
from monitor.stats.words import printable
from monitor.store import Store
from monitor.types import Evaluation, State, iso

TABLE_WIDTH = 100
WIDTHS = {"model": 22, "last window": 22, "lag": 6, "verdicts": 20, "open alarms": 20}
"""At most so many characters per column of the table; with the gaps between them 100."""
STYLES = {State.OK: "green", State.ALARM: "red", State.UNKNOWN: "yellow"}


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of one model."""

    model: str
    newest: Evaluation | None
    alarms: Sequence[AlarmRecord]

    def lag(self, now: datetime) -> float | None:
        """Seconds since the end of the last window; None where there is none, or where it is a file."""
        if self.newest is None or self.newest.window.end is None:
            return None
        return (now - self.newest.window.end).total_seconds()


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.description = (
        "Per model: last window, lag, verdict per kind, open alarms, problems, and which calibration is "
        "provisional. Nothing is evaluated."
    )
    parser.epilog = "Example: driftd status --state sqlite:////var/lib/driftd/driftd.db"
    options.add_paths(parser, required=False)
    options.add_state(parser)
    options.add_json(parser, "one JSON object per model")
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> int:
    """Read the store and print."""
    prepare()
    loaded = load_models(given.paths) if given.paths else None
    with Store.open(given.state, read_only=True) as store:
        names = store.models() if loaded is None else [config.model for config in loaded.configs]
        found = [Known(name, _newest(store, name), store.open_alarms(name)) for name in names]
    now = datetime.now(UTC)
    if given.json:
        for known in found:
            sys.stdout.write(json.dumps(_object(known, now), allow_nan=False) + "\n")
    elif found:
        console = Console(highlight=False, width=None if sys.stdout.isatty() else TABLE_WIDTH)
        console.print(table(found, now))
        for told in calibrations(found):
            console.print("", told, sep="\n")
    else:
        sys.stdout.write(f"no model has been evaluated in {given.state} yet\n")
    return 2 if loaded is not None and loaded.failed else 0


def _newest(store: Store, model: str) -> Evaluation | None:
    newest = store.evaluations(model, limit=1)
    return newest[-1] if newest else None


def _object(known: Known, now: datetime) -> dict[str, Any]:
    newest = known.newest
    return {
        "model": known.model,
        "window": None if newest is None else lines.window(newest.window),
        "rows": None if newest is None else newest.rows,
        "lag_seconds": known.lag(now),
        "verdicts": [] if newest is None else [lines.verdict(each) for each in newest.verdicts],
        "alarms": [
            {
                "kind": each.kind,
                "segment": each.segment,
                "since": iso(each.since),
                "columns": list(each.columns),
                "reason": each.reason,
            }
            for each in known.alarms
        ],
        "problems": [] if newest is None else [lines.problem(each) for each in newest.problems],
        "promises": [] if newest is None else [lines.promise(each) for each in newest.promises],
    }


def table(found: Sequence[Known], now: datetime) -> Table:
    """A few lines per model, at most 100 characters wide; less where the console is narrower."""
    view = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name, width in WIDTHS.items():
        view.add_column(name, max_width=width, overflow="fold")
    for known in found:
        lag = known.lag(now)
        view.add_row(
            known.model,
            Text("none yet" if known.newest is None else _window(known.newest)),
            "" if lag is None else _length(lag),
            Text("\n").join(_verdicts(known.newest)),
            "\n".join(f"{each.kind} since {minute(each.since)}" for each in known.alarms) or "none",
        )
        for problem in known.newest.problems if known.newest is not None else ():
            view.add_row("", "", "", Text(problem.reason, "yellow"), Text(printable(problem.column)))
    return view


def calibrations(found: Sequence[Known]) -> Iterator[Text]:
    """A line for each model of which a calibration is provisional: which kinds, and why."""
    for known in found:
        reasons = why_provisional(known.newest.promises) if known.newest is not None else {}
        if reasons:
            told = "; ".join(f"{', '.join(kinds)}: {reason}" for reason, kinds in reasons.items())
            yield Text.assemble(f"{known.model}: ", ("calibration provisional", "yellow"), f": {told}")


def _window(evaluation: Evaluation) -> str:
    window = evaluation.window
    return window.key if window.start is None else minute(window.start)


def _verdicts(evaluation: Evaluation | None) -> Iterator[Text]:
    for each in evaluation.verdicts if evaluation is not None else ():
        yield Text.assemble(f"{each.kind} ", (each.state, STYLES[each.state]))


def _length(seconds: float) -> str:
    """A lag in the unit that reads best.

    >>> _length(7200), _length(400 * 86400)
    ('2 h', '400 d')
    """
    if seconds < 2 * 86400:
        return f"{seconds / 3600:.0f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"
    return f"{seconds / 86400:.0f} d"
