"""The service: schedules every model, runs each in a worker, keeps the board that metrics and pages read."""

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from monitor import worker
from monitor.accepting import accept
from monitor.board import committed, coverage, every_of, newest, trigger_of, view_of
from monitor.config.schema import ModelConfig
from monitor.errors import ConfigError, ConfigProblem, LeasedError, StoreError, UnknownModelError
from monitor.evaluation import Failed, Timed
from monitor.export.snapshot import Board, Snapshot, after_run, after_schedule, after_skip, with_task
from monitor.export.view import ModelView, Outcome
from monitor.leasing import held
from monitor.notify import Notifier
from monitor.plan import Planned
from monitor.recorder import Committed, order, record
from monitor.run_log import Entry, RunLog
from monitor.scheduler import Clock, first_run
from monitor.slots import WAITING_RUNS, Slot, Slots
from monitor.state import Commit, ModelState
from monitor.store import Store
from monitor.tally import Tally
from monitor.types import Reason, Stage
from monitor.window_log import WindowLog

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5.0
PRUNE_EVERY = timedelta(hours=6)

Models = tuple[Sequence[ModelConfig], Sequence[ConfigProblem]]
Load = Callable[[], Models]


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line says of the daemon as a whole."""

    limits: worker.Limits
    workers: int
    shutdown: timedelta
    retention: timedelta
    logs: tuple[str, str] | None = None
    """Form and level of the log lines of workers."""


class Daemon:
    """Start, reload, stop. The store is written only here; workers compute."""

    def __init__(
        self,
        load: Load,
        store: Store,
        board: Board,
        settings: Settings,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._load = load
        self._store = store
        self._board = board
        self._settings = settings
        self._now = clock
        self._configs: Mapping[str, ModelConfig] = {}
        self._notifier = Notifier.from_environment()
        self._server = worker.context()
        self._ready = ""
        self._stopping = threading.Event()
        self._ending = threading.Event()
        self._reloading = threading.Lock()
        self._log = RunLog()
        self._windows = WindowLog()
        self._slots = Slots(settings.workers)
        self._schedule = Clock(self.run_model, self._skipped, settings.workers + WAITING_RUNS)

    def start(self) -> None:
        """Load the models, show what the store knows of them, and schedule them.

        At the start a model file that is not valid is left out and told; the others run.
        """
        configs, problems = self._load()
        self._not_valid(problems)
        self._apply(configs, ok=not problems)
        self._schedule.start()
        self._ready = "ready"
        self._notifier.ready(f"{len(configs)} models")
        log.info("started", extra={"models": len(configs)})

    def ready(self) -> str | None:
        """Why the daemon is not ready, or None where it is."""
        if self._stopping.is_set():
            return "stopping"
        return None if self._ready else "starting"

    def reload(self) -> None:
        """Load all model files again, all or nothing.

        Raises ConfigError where one is not valid, StoreError where the store cannot be read.
        """
        with self._reloading:
            self._notifier.reloading()
            try:
                configs = self._valid()
                self._apply(configs, ok=True)
            except (ConfigError, StoreError) as error:
                self._refused(error)
                raise
            self._notifier.ready(f"{len(configs)} models")
            log.info("reloaded", extra={"models": len(configs)})

    def _valid(self) -> Sequence[ModelConfig]:
        configs, problems = self._load()
        if problems:
            raise ConfigError(problems)
        return configs

    def _refused(self, error: ConfigError | StoreError) -> None:
        """The configuration before the reload stays, which is said in every place."""
        if isinstance(error, ConfigError):
            self._not_valid(error.problems)
        else:
            self._store_failed(error)
        self._board.update(lambda snapshot: snapshot.with_config(ok=False, at=self._now()))
        self._notifier.ready("runs on the configuration before the last reload")

    def _not_valid(self, problems: Sequence[ConfigProblem]) -> None:
        for problem in problems:
            extra = {"stage": str(Stage.CONFIG), "reason": str(Reason.CONFIG_INVALID)}
            log.error(str(problem), extra=extra)
            self._board.update(lambda snapshot: snapshot.with_error(Stage.CONFIG, Reason.CONFIG_INVALID))

    def _store_failed(self, error: StoreError) -> None:
        log.error(str(error), extra={"stage": str(Stage.STORE), "reason": str(error.reason)})
        self._board.update(lambda snapshot: snapshot.with_error(Stage.STORE, error.reason))

    def accept(self, model: str, reason: str) -> Commit:
        """What is now is normal for this model; raises what `accepting.accept` raises."""
        config = self._configs.get(model)
        if config is None:
            raise UnknownModelError(model, tuple(self._configs))
        self._windows.begin(model, self._store.alarms(model))
        done = accept(self._store, model, reason, self._now(), sleep=self._pause)
        self._change(model, committed(done, config.window.min_rows))
        self._windows.tell(done)
        log.info("accepted", extra={"model": model, "alarms": len(done.alarms)})
        return done

    def wait(self, stop: threading.Event) -> None:
        """Be there until `stop` is set: heartbeats and pruning."""
        pruned = self._now()
        while not stop.wait(min(HEARTBEAT_SECONDS, self._notifier.watchdog_seconds or HEARTBEAT_SECONDS)):
            self._notifier.watchdog()
            if self._now() - pruned >= PRUNE_EVERY:
                pruned = self._now()
                self._prune()

    def stop(self) -> None:
        """No new run; those that go on have the grace time to end, then they are ended."""
        self._stopping.set()
        self._notifier.stopping()
        timer = threading.Timer(self._settings.shutdown.total_seconds(), self._ending.set)
        timer.daemon = True
        timer.start()
        self._schedule.stop(wait=True)
        timer.cancel()
        self._store.close()
        log.info("stopped")

    def run_model(self, model: str) -> None:
        """One run of one model, as soon as there is a slot for it."""
        with self._slots.taken(model) as slot:
            config = self._configs.get(model)
            if config is None or self._stopping.is_set():
                return
            if slot is None:
                self._skipped(model, Reason.QUARANTINED)
                return
            self._run(config, slot)

    def _run(self, config: ModelConfig, slot: Slot) -> None:
        """Whatever goes wrong is the outcome of this model's run and nobody else's."""
        model = config.model
        run = Tally(ModelState(model))
        try:
            with held(self._store, model, self._pause) as owner:
                self._evaluate(config, run, owner, slot)
        except LeasedError as error:
            self._log.tell(model, [Entry(logging.WARNING, Stage.STORE, Reason.LEASED, str(error))])
            self._skipped(model, Reason.LEASED)
            return
        except StoreError as error:
            run.failures.append(Failed(Stage.STORE, error.reason, str(error)))
        except Exception as error:  # a thread of the pool must not end without a word
            log.exception("run failed", extra={"model": model})
            run.failures.append(Failed(Stage.WORKER, Reason.INTERNAL, f"a fault of driftd: {error!r}"))
        self._slots.judge(model, ended_by_force=run.ended_by_force())
        self._log.tell(model, run.entries())
        self._told(config, run)

    def _pause(self, seconds: float) -> None:
        """Wait for another process' lease, but not when the daemon is to stop."""
        if self._stopping.wait(seconds):
            message = "stopped while another process evaluates this model"
            raise LeasedError(message, transient=True, reason=Reason.LEASED)

    def _evaluate(self, config: ModelConfig, run: Tally, owner: str, slot: Slot) -> None:
        now = self._now()
        work = order(self._store, config, until=now, now=now, threads=self._threads())
        run.state = work.state
        self._windows.begin(config.model, self._store.alarms(config.model))
        self._change(config.model, newest(self._store, config, work.state))
        events = worker.run(
            work,
            self._settings.limits,
            self._server,
            self._ending.is_set,
            logs=self._settings.logs,
            waits=slot.leave,
        )
        for told in record(self._store, config.model, events, owner):
            if isinstance(told, Failed):
                run.failures.append(told)
            elif isinstance(told, Timed):
                run.stages[told.stage] = run.stages.get(told.stage, 0.0) + told.seconds
            elif isinstance(told, Planned):
                run.problems += told.problems
                self._change(config.model, partial(with_task, task=told.task))
            elif isinstance(told, Committed):
                run.lines += len(told.commit.evaluations)
                run.state = told.commit.state
                self._change(config.model, committed(told.commit, config.window.min_rows))
                self._windows.tell(told.commit)

    def _threads(self) -> int:
        return max(1, (os.cpu_count() or 1) // self._settings.workers)

    def _told(self, config: ModelConfig, run: Tally) -> None:
        """The run's outcome on the board."""
        outcome = Outcome.FAILED if run.failures else Outcome.SUCCESS if run.lines else Outcome.NO_DATA
        ended = partial(
            after_run,
            outcome=outcome,
            ended=self._now(),
            stages=run.stages,
            errors=[(entry.stage, entry.reason) for entry in run.entries()],
            window_end=run.state.watermark,
            label_coverage=coverage(run.state),
            next_run=self._schedule.next_run(config.model),
        )
        self._change(config.model, ended)
        self._log.end(config.model, str(outcome), run.lines, sum(run.stages.values()))

    def _skipped(self, model: str, reason: Reason) -> None:
        self._change(model, lambda view: after_skip(view, reason))

    def _change(self, model: str, change: Callable[[ModelView], ModelView]) -> None:
        """Change one model's view, if the model is still there."""

        def update(snapshot: Snapshot) -> Snapshot:
            view = snapshot.models.get(model)
            return snapshot.with_view(change(view)) if view is not None else snapshot

        self._board.update(update)

    def _apply(self, configs: Sequence[ModelConfig], *, ok: bool) -> None:
        """From now on these models and no others; what is known of a model that stays is kept."""
        now = self._now()

        def update(snapshot: Snapshot) -> Snapshot:
            known = snapshot.models
            views = [view_of(config, self._store, known.get(config.model), now) for config in configs]
            return snapshot.with_models(views).with_config(ok=ok, at=now)

        views = self._board.update(update).models
        self._configs = {config.model: config for config in configs}
        first = {
            config.model: first_run(
                config.model, views[config.model].last_run, every_of(config), now, len(configs)
            )
            for config in configs
        }
        self._schedule.set({config.model: trigger_of(config) for config in configs}, first)
        for model, due in first.items():
            self._change(model, partial(after_schedule, next_run=due))

    def _prune(self) -> None:
        try:
            pruned = self._store.prune(self._now() - self._settings.retention)
        except StoreError as error:
            self._store_failed(error)
            return
        if pruned:
            log.info("pruned", extra={"rows": pruned})
