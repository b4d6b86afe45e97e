"""`driftd status`: per model the last window, the lag, the verdicts, what is open, what is wrong."""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from monitor.cli import options
from monitor.cli.loading import load_models, prepare
from monitor.state import AlarmRecord
from monitor.store import Store
from monitor.types import Evaluation, State, iso

TABLE_WIDTH = 100


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "status",
        help="what the store knows of each model",
        description="Per model: last window, lag, verdict per kind, open alarms, problems.",
        epilog="Example: driftd status --state sqlite:////var/lib/driftd/driftd.db",
    )
    options.add_paths(parser, required=False)
    options.add_state(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object per model and line")
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> int:
    """Read the store and print; nothing is written."""
    prepare(given.state)
    failed = False
    with Store.open(given.state, read_only=True) as store:
        names: Sequence[str] = store.models()
        if given.paths:
            loaded = load_models(given.paths)
            failed = loaded.failed
            names = [config.model for config in loaded.configs]
        now = datetime.now(UTC)
        found = [(name, _newest(store, name), store.open_alarms(name)) for name in names]
    if given.json:
        for name, evaluation, alarms in found:
            sys.stdout.write(json.dumps(_object(name, evaluation, alarms, now), allow_nan=False) + "\n")
    elif found:
        Console(highlight=False, width=None if sys.stdout.isatty() else TABLE_WIDTH).print(_table(found, now))
    else:
        sys.stdout.write(f"no model has been evaluated in {given.state} yet\n")
    return 2 if failed else 0


def _newest(store: Store, model: str) -> Evaluation | None:
    newest = store.evaluations(model, limit=1)
    return newest[-1] if newest else None


def _object(
    name: str, evaluation: Evaluation | None, alarms: Sequence[AlarmRecord], now: datetime
) -> dict[str, object]:
    return {
        "model": name,
        "window": None if evaluation is None else evaluation.window.key,
        "lag_seconds": None if evaluation is None or evaluation.window.end is None else _lag(evaluation, now),
        "rows": None if evaluation is None else evaluation.rows,
        "verdicts": {} if evaluation is None else {each.kind: each.state for each in evaluation.verdicts},
        "alarms": [
            {
                "kind": each.kind,
                "segment": each.segment,
                "since": iso(each.since),
                "columns": list(each.columns),
                "reason": each.reason,
            }
            for each in alarms
        ],
        "problems": []
        if evaluation is None
        else [
            {"column": each.column, "reason": each.reason, "message": each.message}
            for each in evaluation.problems
        ],
    }


def _lag(evaluation: Evaluation, now: datetime) -> float:
    assert evaluation.window.end is not None
    return (now - evaluation.window.end).total_seconds()


def _table(found: Sequence[tuple[str, Evaluation | None, Sequence[AlarmRecord]]], now: datetime) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name, width in (
        ("model", 22),
        ("last window", 17),
        ("lag", 7),
        ("verdicts", 22),
        ("open alarms", 24),
    ):
        table.add_column(name, max_width=width, overflow="fold")
    for name, evaluation, alarms in found:
        if evaluation is None:
            table.add_row(name, "none yet", "", "", "")
            continue
        table.add_row(
            name,
            evaluation.window.key.removesuffix(":00Z"),
            "" if evaluation.window.end is None else _length(_lag(evaluation, now)),
            _verdicts(evaluation),
            "\n".join(f"{each.kind} since {each.since:%Y-%m-%d}" for each in alarms) or "none",
        )
        for problem in evaluation.problems:
            table.add_row("", "", "", f"[yellow]{problem.reason}[/yellow]", problem.column)
    return table


def _verdicts(evaluation: Evaluation) -> str:
    marks = {State.OK: "green", State.ALARM: "red", State.UNKNOWN: "yellow"}
    return "\n".join(
        f"{each.kind} [{marks[each.state]}]{each.state}[/{marks[each.state]}]" for each in evaluation.verdicts
    )


def _length(seconds: float) -> str:
    """A lag in the unit that reads best.

    >>> _length(7200), _length(400 * 86400)
    ('2 h', '400 d')
    """
    if seconds < 2 * 86400:
        return f"{seconds / 3600:.0f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"
    return f"{seconds / 86400:.0f} d"
