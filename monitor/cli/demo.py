"""`driftd demo`: real flights with known faults, end to end."""

import argparse
import os
import shutil
import sys
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from monitor import demo
from monitor.board import view_of
from monitor.cli import options
from monitor.cli.loading import load_models, prepare
from monitor.cli.run import DEFAULT_LISTEN
from monitor.cli.show import progress
from monitor.config.schema import ModelConfig
from monitor.evaluation import Failed, evaluate
from monitor.export.collector import Exporter
from monitor.export.snapshot import Board, Outcome, Snapshot, after_evaluation, after_run
from monitor.plan import Planned
from monitor.recorder import Committed, order, record
from monitor.store import Store
from monitor.types import Evaluation
from monitor.web.routes import App
from monitor.web.server import Server

DATA = Path(demo.__file__).parent / "data"
TABLE_WIDTH = 100
UNTIL = datetime(2024, 7, 1, tzinfo=UTC)
"""A little after the last flight, so that every window is final."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "demo",
        help="real flights with known faults, end to end",
        description="Evaluate five months of real flights, into which nine known faults were put; say what driftd "
        "found of them; then serve metrics and a status page until stopped.",
        epilog="Example: driftd demo --once",
    )
    parser.add_argument(
        "--listen", metavar="HOST:PORT", default=DEFAULT_LISTEN, help=f"default {DEFAULT_LISTEN}"
    )
    parser.add_argument("--once", action="store_true", help="exit after the table instead of serving")
    parser.add_argument(
        "--truth", metavar="FILE", type=Path, default=DATA / "flights_truth.json", help=argparse.SUPPRESS
    )
    options.add_log(parser)
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> int:
    """Evaluate, then read the truth and compare, then serve."""
    folder = Path(tempfile.mkdtemp(prefix="driftd-demo-"))
    try:
        return _demo(given, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _demo(given: argparse.Namespace, folder: Path) -> int:
    state = f"sqlite:///{folder}/demo.db"
    prepare(state, given.log_format, given.log_level)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else TABLE_WIDTH)
    config = load_models([DATA / "flights.yaml"]).configs[0]
    board = Board()
    with Store.open(state) as store:
        lines, failed = _evaluate(store, config, board)
        if failed is not None:
            sys.stderr.write(f"driftd: {failed.message}\n")
            return 2
        console.print(
            f"{sum(each.rows for each in lines if not each.restated):,} flights evaluated", style="bold"
        )
        outcome = demo.match(
            demo.faults(given.truth),
            demo.openings(lines),
            window=config.window.length.nominal,
            label_delay=config.ground_truth.horizon.nominal
            if config.ground_truth
            else config.window.length.nominal,
        )
        console.print(demo.table(outcome))
    if not given.once:
        _serve(given.listen, board, console)
    return 0


def _evaluate(store: Store, config: ModelConfig, board: Board) -> tuple[list[Evaluation], Failed | None]:
    lines: list[Evaluation] = []
    work = order(store, config, until=UNTIL, now=UNTIL, threads=os.cpu_count() or 1)
    view = view_of(config, store, None, UNTIL)
    with progress() as bar:
        task = bar.add_task("flights", total=None)
        for told in record(store, config.model, evaluate(work)):
            if isinstance(told, Failed):
                return lines, told
            if isinstance(told, Planned):
                bar.update(task, total=told.windows)
            if isinstance(told, Committed):
                for line in told.commit.evaluations:
                    lines.append(line)
                    view = after_evaluation(view, line, config.window.min_rows)
                    bar.advance(task, 0 if line.restated else 1)
    view = after_run(view, outcome=Outcome.SUCCESS, ended=datetime.now(UTC))
    board.publish(Snapshot().with_view(view).with_config(ok=True, at=datetime.now(UTC)))
    return lines, None


def _serve(listen: str, board: Board, console: Console) -> None:
    stop = threading.Event()
    app = App(board, Exporter(board), lambda: None, lambda: None, lambda: datetime.now(UTC))
    server = Server(listen, app)
    server.start()
    try:
        console.print(f"serving {server.url} (status page) and {server.url}/metrics; Ctrl-C stops")
        stop.wait()
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()
