"""`driftd run`: the daemon."""

import argparse
import os
import signal
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.build import detector_parameters, source_parameters
from monitor.cli import options
from monitor.cli.loading import prepare
from monitor.config.load import load_paths
from monitor.config.schema import ModelConfig
from monitor.daemon import Daemon, Settings
from monitor.errors import ConfigError, ConfigProblem
from monitor.export.collector import Exporter
from monitor.export.snapshot import Board
from monitor.store import Store
from monitor.web.routes import App
from monitor.web.server import Server
from monitor.worker import Limits

DEFAULT_LISTEN = "127.0.0.1:9877"


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "run",
        help="the daemon: schedule every model and serve metrics",
        description="Schedule every model found in PATH and serve HTTP, until SIGTERM or SIGINT. "
        "SIGHUP or POST /-/reload reads the model files again, all or nothing.",
        epilog="Example: driftd run models/ --state sqlite:////var/lib/driftd/driftd.db",
    )
    options.add_paths(parser)
    options.add_state(parser)
    options.add_log(parser)
    parser.add_argument(
        "--listen", metavar="HOST:PORT", default=DEFAULT_LISTEN, help=f"default {DEFAULT_LISTEN}"
    )
    parser.add_argument(
        "--web-config", metavar="FILE", type=Path, help="TLS and basic auth, in the exporter-toolkit format"
    )
    parser.add_argument("--workers", metavar="N", type=int, default=2, help="runs at a time (default 2)")
    parser.add_argument(
        "--run-timeout",
        metavar="TIME",
        type=options.duration,
        default=timedelta(minutes=10),
        help="default 10m",
    )
    parser.add_argument(
        "--run-memory", metavar="SIZE", type=options.size, default=4 * 2**30, help="default 4GiB"
    )
    parser.add_argument(
        "--shutdown-timeout",
        metavar="TIME",
        type=options.duration,
        default=timedelta(seconds=30),
        help="default 30s",
    )
    parser.add_argument(
        "--retention",
        metavar="TIME",
        type=options.duration,
        default=timedelta(days=400),
        help="how long windows are kept (default 400d)",
    )
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> int:
    """Run until told to stop."""
    prepare(given.state, given.log_format, given.log_level or "info")
    stop = threading.Event()
    store = Store.open(given.state)
    board = Board()
    settings = Settings(
        Limits(given.run_timeout.total_seconds(), given.run_memory),
        max(1, given.workers),
        given.shutdown_timeout,
        given.retention,
        (given.log_format, given.log_level or "info"),
    )

    def load() -> tuple[Sequence[ModelConfig], Sequence[ConfigProblem]]:
        return load_paths(given.paths, sources=source_parameters(), detectors=detector_parameters())

    daemon = Daemon(load, store, board, settings)
    app = App(board, Exporter(board), daemon.ready, daemon.reload, lambda: datetime.now(UTC))
    server = Server(given.listen, app, given.web_config)
    handle_signals(stop, daemon)
    server.start()
    try:
        daemon.start()
        daemon.wait(stop)
    finally:
        daemon.stop()
        server.stop()
    return 0


def handle_signals(stop: threading.Event, daemon: Daemon) -> None:
    """SIGTERM and SIGINT stop, a second one at once; SIGHUP reloads."""

    def ask(number: int, frame: object) -> None:
        del frame
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    def quietly() -> None:
        with suppress(ConfigError):  # told in the log and in the metrics
            daemon.reload()

    def reload(number: int, frame: object) -> None:
        del number, frame
        threading.Thread(target=quietly, name="reload", daemon=True).start()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGHUP, reload)
