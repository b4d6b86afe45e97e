"""`driftd run`: the daemon."""

import argparse
import logging
import os
import signal
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from monitor.cli import options
from monitor.cli.loading import prepare, read_models
from monitor.config.load import Known
from monitor.daemon import Daemon, Models, Settings
from monitor.errors import ConfigError, DriftdError
from monitor.export.collector import Exporter
from monitor.export.snapshot import Board
from monitor.store import Store
from monitor.web.exchange import App
from monitor.web.server import Server
from monitor.worker import Limits

log = logging.getLogger(__name__)


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.description = (
        "Schedule every model found in PATH and serve HTTP, until SIGTERM or SIGINT. "
        "SIGHUP or POST /-/reload reads the model files again, all or nothing."
    )
    parser.epilog = "Example: driftd run models/ --state sqlite:////var/lib/driftd/driftd.db"
    options.add_paths(parser)
    options.add_state(parser)
    options.add_listen(parser)
    parser.add_argument(
        "--web-config", metavar="FILE", type=Path, help="TLS and basic auth, in the exporter-toolkit format"
    )
    parser.add_argument(
        "--workers", metavar="N", type=options.count, default=2, help="models evaluated at a time (default 2)"
    )
    _duration(parser, "--run-timeout", "10m", "the longest that one run of one model may take")
    parser.add_argument(
        "--run-memory",
        metavar="SIZE",
        type=options.size,
        default="4GiB",
        help="the most memory that one run may use (default 4GiB)",
    )
    _duration(parser, "--shutdown-timeout", "30s", "how long runs may go on after SIGTERM")
    _duration(parser, "--retention", "400d", "how long windows are kept")
    options.add_log(parser, "info")
    parser.set_defaults(call=call)


def _duration(parser: argparse.ArgumentParser, name: str, default: str, text: str) -> None:
    parser.add_argument(
        name, metavar="TIME", type=options.duration, default=default, help=f"{text} (default {default})"
    )


def call(given: argparse.Namespace) -> int:
    """Run until told to stop."""
    prepare(given.state, given.log_format, given.log_level)
    known: Known = {}
    read = [_not_nothing(given, known)]
    stop = threading.Event()
    store = Store.open(given.state)
    board = Board()
    limits = Limits(given.run_timeout.total_seconds(), given.run_memory)
    logs = (given.log_format, given.log_level)
    settings = Settings(limits, given.workers, given.shutdown_timeout, given.retention, logs)
    daemon = Daemon(lambda: read.pop() if read else read_models(given.paths, known), store, board, settings)
    app = App(
        board,
        Exporter(board),
        daemon.ready,
        daemon.reload,
        lambda: datetime.now(UTC),
        store.evaluations,
        daemon.accept,
    )
    server = Server(given.listen, app, given.web_config)
    handle_signals(stop, daemon)
    server.start()
    log.info("listening", extra={"url": server.url})
    try:
        daemon.start()
        daemon.wait(stop)
    finally:
        daemon.stop()
        server.stop()
    return 0


def _not_nothing(given: argparse.Namespace, known: Known) -> Models:
    """The model files; a daemon whose every file is broken would run for nobody to notice."""
    configs, problems = read_models(given.paths, known)
    if problems and not configs:
        raise ConfigError(problems)
    return configs, problems


def handle_signals(stop: threading.Event, daemon: Daemon) -> None:
    """SIGTERM and SIGINT stop, a second one at once; SIGHUP reloads."""

    def ask(number: int, frame: object) -> None:
        del frame
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    def quietly() -> None:
        with suppress(DriftdError):  # told in the log and in the metrics
            daemon.reload()

    def reload(number: int, frame: object) -> None:
        del number, frame
        threading.Thread(target=quietly, name="reload", daemon=True).start()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGHUP, reload)
