"""`driftd demo`: real flights with known faults, then a real year, end to end."""

import argparse
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console

from monitor import demo, year
from monitor.board import view_of
from monitor.cli import options
from monitor.cli.loading import load_models, prepare
from monitor.cli.show import progress
from monitor.config.schema import ModelConfig
from monitor.errors import DriftdError
from monitor.evaluation import Failed, evaluate
from monitor.export.collector import Exporter
from monitor.export.snapshot import Board, Outcome, after_evaluation, after_run
from monitor.plan import Planned
from monitor.recorder import Committed, order, record
from monitor.state import Commit
from monitor.store import Store
from monitor.types import Evaluation
from monitor.web.exchange import App
from monitor.web.server import Server

DATA = Path(demo.__file__).parent / "data"
TABLE_WIDTH = 100
UNTIL = datetime(2024, 7, 1, tzinfo=UTC)
"""Later than the last flight of both, so that every window is final."""


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.description = (
        "Evaluate five months of real flights, into which nine known faults were put, and say what driftd "
        "found of them; then a real year at its real time, and say how often it alarmed; then serve metrics "
        "and a status page until stopped."
    )
    parser.epilog = "Example: driftd demo --once. Exit code 0: it ran to its end; 2: it did not."
    options.add_listen(parser)
    parser.add_argument("--once", action="store_true", help="exit after the tables instead of serving")
    parser.add_argument(
        "--truth", metavar="FILE", type=Path, default=DATA / "flights_truth.json", help=argparse.SUPPRESS
    )
    options.add_log(parser)
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> int:
    """Evaluate the faults and the year, say what was found, then serve."""
    folder = Path(tempfile.mkdtemp(prefix="driftd-demo-"))
    state = f"sqlite:///{folder}/demo.db"
    board = Board()
    try:
        prepare(state, given.log_format, given.log_level)
        with Store.open(state) as store, _served(None if given.once else given.listen, board, store) as url:
            console = Console(highlight=False, width=None if sys.stdout.isatty() else TABLE_WIDTH)
            if not (_faults(store, board, given.truth, console) and _year(store, board, console)):
                return 2
            if url is not None:
                console.print(f"status page {url}/ and metrics {url}/metrics until Ctrl-C", soft_wrap=True)
                _wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


@contextmanager
def _served(listen: str | None, board: Board, store: Store) -> Iterator[str | None]:
    """The server, from the start: that the port is taken is said before the work, not after it."""
    if listen is None:
        yield None
        return
    app = App(
        board,
        Exporter(board),
        ready=lambda: None if board.current().models else "the demo is evaluating",
        reload=lambda: None,
        now=lambda: datetime.now(UTC),
        history=store.evaluations,
        accept=_accept_nothing,
    )
    server = Server(listen, app)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


def _accept_nothing(model: str, reason: str) -> Commit:
    """The demo's lines are laid beside the truth as they are."""
    del reason
    message = f"the demo accepts nothing of {model}; driftd run does"
    raise DriftdError(message)


def _wait() -> None:
    with suppress(KeyboardInterrupt, SystemExit):  # this is how a demo ends
        threading.Event().wait()


def _faults(store: Store, board: Board, truth: Path, console: Console) -> bool:
    """Lay what was said of the injected faults beside the truth; False where it could not be evaluated."""
    config = load_models([DATA / "flights.yaml"]).configs[0]
    assert config.ground_truth is not None
    lines = _evaluate(store, config, board, "flights")
    if lines is None:
        return False
    console.print(f"{_rows(lines):,} flights evaluated", style="bold")
    outcome = demo.match(
        demo.faults(truth),
        demo.openings(lines),
        window=config.window.length.nominal,
        label_delay=config.ground_truth.horizon.nominal,
    )
    console.print(demo.table(outcome))
    return True


def _year(store: Store, board: Board, console: Console) -> bool:
    """Say month by month what was said of a real year; False where it could not be evaluated."""
    config = load_models([DATA / "year.yaml"]).configs[0]
    lines = _evaluate(store, config, board, "a year")
    if lines is None:
        return False
    console.print(f"{_rows(lines):,} flights of a year evaluated", style="bold")
    zone = ZoneInfo(config.window.timezone)
    months = year.months(lines, zone, demo.faults(DATA / "year_truth.json"))
    budget = config.alarms.false_alarms
    console.print(year.table(months, budget=str(budget), days=budget.days(config.window.length)))
    return True


def _rows(lines: list[Evaluation]) -> int:
    return sum(each.rows for each in lines if not each.restated)


def _evaluate(store: Store, config: ModelConfig, board: Board, what: str) -> list[Evaluation] | None:
    """Every line of every window, shown on the board at the end; None, with the reason told, if it failed."""
    lines: list[Evaluation] = []
    work = order(store, config, until=UNTIL, now=UNTIL, threads=os.cpu_count() or 1)
    view = view_of(config, store, None, UNTIL)
    with progress() as bar:
        task = bar.add_task(what, total=None)
        for told in record(store, config.model, evaluate(work)):
            if isinstance(told, Failed):
                sys.stderr.write(f"driftd: {told.message} [{told.stage}: {told.reason}]\n")
                return None
            if isinstance(told, Planned):
                bar.update(task, total=told.windows)
                if bar.disable:
                    sys.stderr.write(f"evaluating {told.windows} windows of {what}\n")
            if isinstance(told, Committed):
                for line in told.commit.evaluations:
                    lines.append(line)
                    view = after_evaluation(view, line, config.window.min_rows)
                    bar.advance(task, 0 if line.restated else 1)
    now = datetime.now(UTC)
    view = after_run(view, outcome=Outcome.SUCCESS, ended=now)
    board.update(lambda known: known.with_view(view).with_config(ok=True, at=now))
    return lines
