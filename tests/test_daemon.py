import multiprocessing
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from monitor import daemon as daemon_module
from monitor import worker
from monitor.accepting import accept
from monitor.build import detector_parameters, source_parameters
from monitor.config.load import load_paths
from monitor.daemon import Daemon, Settings
from monitor.errors import ConfigError, LeasedError, StoreError, UnknownModelError
from monitor.evaluation import Failed, Timed, evaluate
from monitor.export.collector import Exporter
from monitor.export.snapshot import Board, Outcome
from monitor.plan import Planned
from monitor.store import Store
from monitor.types import Kind, Problem, Reason, Stage
from monitor.worker import Limits
from tests import worker_jobs
from tests.crash import crash_model
from tests.crash.daemon_process import PATIENCE, DaemonProcess, awaited
from tests.store.store_records import DAY, START, alarm, commit, evaluation

YAML = """
version: 1
model: {model}
owner: {owner}
reference: {{source: {{kind: files, path: reference.parquet}}}}
live: {{source: {{kind: files, path: live.parquet}}}}
columns: {{timestamp: ts}}
schedule: {{every: {every}}}
"""
SETTINGS = Settings(Limits(), 2, timedelta(seconds=30), timedelta(days=400))


class Schedule:
    """Stands for APScheduler: nothing runs unless a test says so."""

    def __init__(self, run, skipped, workers):
        self.skipped = skipped
        self.running = False
        self.first = {}

    def start(self):
        self.running = True

    def stop(self, *, wait):
        assert wait
        self.running = False

    def set(self, triggers, first):
        assert triggers.keys() == first.keys()
        self.first = dict(first)

    def next_run(self, model):
        return self.first.get(model)


class Workers:
    """Stands for worker processes: gives the events that a test put in, and keeps the orders."""

    def __init__(self):
        self.events = {}
        self.orders = []

    def run(self, order, limits, server, stopping, logs, waits):
        self.orders.append(order)
        yield from self.events.get(order.config.model, ())


class Service:
    """A daemon with its files, store and board; what is shown is the text of a scrape."""

    def __init__(self, folder, clock, settings=SETTINGS):
        self.folder = folder
        self.store = Store.open(f"sqlite:///{folder / 'driftd.db'}")
        self.board = Board()
        self.daemon = Daemon(self.load, self.store, self.board, settings, clock)
        self.exporter = Exporter(self.board)

    def write(self, model, *, owner="team", every="1h", text=None):
        path = self.folder / f"{model}.yaml"
        path.write_text(text or YAML.format(model=model, owner=owner, every=every), encoding="utf-8")
        return self

    def load(self):
        return load_paths([self.folder], sources=source_parameters(), detectors=detector_parameters())

    def value(self, name, **labels):
        """The sample of the scrape that has this name and these labels, None where there is none."""
        wanted = {f'{key}="{text}"' for key, text in labels.items()}
        for line in self.scrape().splitlines():
            given, _, number = line.rpartition(" ")
            family, _, rest = given.partition("{")
            if family == name and wanted <= set(rest.rstrip("}").split(",")):
                return float(number)
        return None

    def scrape(self):
        return self.exporter.render("", compress=False)[0].decode()

    def view(self, model):
        return self.board.current().models[model]


@pytest.fixture
def workers(monkeypatch):
    found = Workers()
    monkeypatch.setattr(worker, "run", found.run)
    return found


@pytest.fixture
def service(tmp_path, clock, workers, monkeypatch):
    """Two models, nothing evaluated yet, not started."""
    monkeypatch.setattr(daemon_module, "Clock", Schedule)
    found = Service(tmp_path, clock).write("flights").write("boats")
    yield found
    found.store.close()


def day(number, model="flights"):
    whole = commit(number)
    lines = tuple(replace(line, model=model) for line in whole.evaluations)
    return replace(whole, model=model, evaluations=lines, state=replace(whole.state, model=model))


def test_it_is_ready_once_it_has_started_and_no_more_when_it_stops(service):
    assert service.daemon.ready() == "starting"
    service.daemon.start()
    assert service.daemon.ready() is None
    service.daemon.stop()
    assert service.daemon.ready() == "stopping"
    assert not service.daemon._schedule.running


def test_every_model_is_scheduled_and_shown_from_the_start(service, clock):
    service.daemon.start()
    first = service.daemon._schedule.first
    assert first.keys() == {"boats", "flights"}
    assert all(clock.now <= each <= clock.now + timedelta(seconds=1) for each in first.values())
    assert service.value("driftd_model_info", model="boats", owner="team") == 1
    assert service.value("driftd_run_interval_seconds", model="boats") == 3600
    assert service.value("driftd_runs_total", model="boats", outcome="success") == 0


def test_a_file_that_is_not_valid_at_the_start_stops_no_other(service, caplog):
    service.write("bad", text="version: 1\nmodel: bad\nwindows: {}\n")
    service.daemon.start()
    assert service.board.current().models.keys() == {"boats", "flights"}
    assert service.value("driftd_config_last_reload_successful") == 0
    assert any("bad.yaml:3:1" in record.message for record in caplog.records)


def test_after_a_restart_it_shows_what_the_store_knows(service):
    service.store.commit(day(0))
    service.daemon.start()
    end = (START + DAY).timestamp()
    assert service.value("driftd_window_end_timestamp_seconds", model="flights") == end
    assert service.value("driftd_window_rows", model="flights") == 720


def test_a_run_is_written_and_shown(service, workers, clock):
    service.daemon.start()
    workers.events["flights"] = [Planned(2), day(0), day(1), Timed(Stage.SCAN, 0.3)]
    service.daemon.run_model("flights")
    assert [line.window for line in service.store.evaluations("flights")] == [
        evaluation(number).window for number in (0, 1)
    ]
    assert service.value("driftd_runs_total", model="flights", outcome="success") == 1
    assert service.value("driftd_runs_total", model="boats", outcome="success") == 0
    assert service.value("driftd_statistic", model="flights", column="temp", detector="psi") == 1
    assert service.value("driftd_alarms_total", model="flights", kind="covariate") == 2
    assert service.value("driftd_run_duration_seconds_count", model="flights", stage="scan") == 1
    assert service.value("driftd_run_duration_seconds_count", model="flights", stage="store") == 1
    now = clock.now.timestamp()
    assert service.value("driftd_last_success_timestamp_seconds", model="flights") == now
    assert service.store.lease_owner("flights") is None


def test_a_run_without_a_window_found_no_data(service):
    service.daemon.start()
    service.daemon.run_model("flights")
    assert service.value("driftd_runs_total", model="flights", outcome="no_data") == 1
    assert service.value("driftd_runs_total", model="flights", outcome="success") == 0


def test_a_run_that_only_restates_is_a_success(service, workers):
    service.daemon.start()
    again = day(0)
    workers.events["flights"] = [
        replace(again, evaluations=tuple(replace(line, restated=True) for line in again.evaluations))
    ]
    service.daemon.run_model("flights")
    assert service.view("flights").last_outcome is Outcome.SUCCESS


def test_a_run_that_fails_keeps_its_windows_and_touches_no_other_model(service, workers):
    service.daemon.start()
    failed = Failed(Stage.WORKER, Reason.CRASHED, "the worker was killed")
    workers.events = {"flights": [day(0), failed], "boats": [day(0, "boats")]}
    for model in ("flights", "boats"):
        service.daemon.run_model(model)
    assert len(service.store.evaluations("flights")) == 1
    assert service.value("driftd_runs_total", model="flights", outcome="failed") == 1
    errors = partial(service.value, "driftd_errors_total", stage="worker", reason="crashed")
    assert (errors(model="flights"), errors(model="boats")) == (1, None)
    assert service.value("driftd_runs_total", model="boats", outcome="success") == 1


def test_a_fault_of_its_own_is_an_outcome_too(service, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError

    service.daemon.start()
    monkeypatch.setattr(worker, "run", broken)
    service.daemon.run_model("flights")
    found = service.value("driftd_errors_total", model="flights", stage="worker", reason="internal")
    assert found == 1
    assert service.store.lease_owner("flights") is None


def test_a_store_that_cannot_be_read_is_a_failed_run(service, monkeypatch):
    def broken(model):
        raise StoreError("driftd.db: malformed")

    service.daemon.start()
    monkeypatch.setattr(service.store, "state", broken)
    service.daemon.run_model("flights")
    assert service.value("driftd_runs_total", model="flights", outcome="failed") == 1
    assert service.value("driftd_errors_total", model="flights", stage="store", reason="store_failed") == 1


def test_problems_of_a_run_without_a_window_are_counted(service, workers):
    service.daemon.start()
    problem = Problem("", Reason.FILE_UNREADABLE, "live.parquet cannot be read")
    workers.events["flights"] = [Planned(0, (problem,))]
    service.daemon.run_model("flights")
    found = service.value("driftd_errors_total", model="flights", stage="scan", reason="file_unreadable")
    assert found == 1


def test_a_problem_that_lasts_is_told_once_and_counted_every_time(service, workers, caplog):
    service.daemon.start()
    problem = Problem("", Reason.FILE_UNREADABLE, "live.parquet cannot be read")
    workers.events["flights"] = [Planned(0, (problem,)), Failed(Stage.DETECT, Reason.INTERNAL, "a fault")]
    for _ in range(3):
        service.daemon.run_model("flights")
    for message, stage, reason in (
        ("live.parquet cannot be read", "scan", "file_unreadable"),
        ("a fault", "detect", "internal"),
    ):
        (record,) = (each for each in caplog.records if each.message == message and each.levelname != "DEBUG")
        assert (record.model, record.stage, record.reason) == ("flights", stage, reason)
        assert service.value("driftd_errors_total", model="flights", stage=stage, reason=reason) == 3


def test_alarms_and_windows_are_told_once_whatever_is_restarted(service, workers, tmp_path, clock, caplog):
    caplog.set_level("INFO")
    service.daemon.start()
    alarming = day(0)
    again = replace(alarming, evaluations=(replace(alarming.evaluations[0], restated=True),))
    for events in ([alarming], [again]):
        workers.events["flights"] = events
        service.daemon.run_model("flights")
    restarted = Service(tmp_path, clock)
    restarted.daemon.start()
    workers.events["flights"] = [again, replace(again, alarms=(alarm(0, closed=START + DAY),))]
    restarted.daemon.run_model("flights")
    told = [(each.message, each.window) for each in caplog.records if hasattr(each, "window")]
    assert told == [
        (message, "2024-02-10T00:00:00Z/2024-02-11T00:00:00Z")
        for message in ("window evaluated", "humid: no value in 720 rows", "alarm opened", "alarm closed")
    ]
    restarted.store.close()


def test_what_is_accepted_is_told_with_the_window_that_it_ends_with(service, workers, caplog):
    caplog.set_level("INFO")
    service.daemon.start()
    workers.events["flights"] = [day(0)]
    service.daemon.run_model("flights")
    service.daemon.accept("flights", "season")
    closed = next(each for each in caplog.records if each.message == "alarm closed")
    assert (closed.window, closed.reason) == ("2024-02-10T00:00:00Z/2024-02-11T00:00:00Z", "accepted")


def test_the_next_run_is_shown_as_it_was_due_when_the_last_one_ended(service, workers, clock):
    name = "driftd_next_run_timestamp_seconds"
    service.daemon.start()
    schedule = service.daemon._schedule
    assert service.value(name, model="boats") == schedule.first["boats"].timestamp()
    due = clock.now + timedelta(days=3)
    schedule.first["boats"] = due
    service.daemon.run_model("boats")
    assert service.value(name, model="boats") == due.timestamp()
    schedule.first["boats"] = due + timedelta(hours=1)
    service.daemon._skipped("boats", Reason.OVERLAP)
    assert service.value(name, model="boats") == due.timestamp()
    service.daemon.reload()
    assert service.value(name, model="boats") == schedule.first["boats"].timestamp()


def test_each_run_goes_on_where_the_last_one_ended_up_to_now(service, workers, clock):
    service.daemon.start()
    workers.events["flights"] = [day(0)]
    service.daemon.run_model("flights")
    later = clock.advance(timedelta(days=3))
    service.daemon.run_model("flights")
    first, second = workers.orders
    assert (first.state.watermark, second.state.watermark) == (None, START + DAY)
    assert second.until == second.now == later


def test_after_downtime_every_window_is_evaluated(tmp_path, clock, monkeypatch):
    """The whole way from files to the scrape, by two daemons one after the other on one store."""
    monkeypatch.setattr(daemon_module, "Clock", Schedule)
    monkeypatch.setattr(worker, "run", lambda order, *_, **__: evaluate(order))
    crash_model.write_model(tmp_path)
    seen = []
    for now in ((crash_model.START + 60 * crash_model.STEP).to_pydatetime(), crash_model.UNTIL):
        clock.now = now
        service = Service(tmp_path, clock)
        service.daemon.start()
        service.daemon.run_model(crash_model.NAME)
        seen.append(len(service.store.evaluations(crash_model.NAME)))
        service.daemon.stop()
    assert seen == [19, crash_model.LIVE_WINDOWS]
    end = service.value("driftd_window_end_timestamp_seconds", model=crash_model.NAME)
    assert end == crash_model.END.timestamp()


def test_a_reload_takes_new_models_and_changes(service):
    service.daemon.start()
    service.write("trains").write("boats", owner="harbour")
    service.daemon.reload()
    assert service.daemon._schedule.first.keys() == {"boats", "flights", "trains"}
    assert service.value("driftd_model_info", model="boats", owner="harbour") == 1
    assert service.value("driftd_config_last_reload_successful") == 1


def test_a_bad_file_keeps_the_whole_configuration_before(service, clock):
    service.daemon.start()
    started = clock.now.timestamp()
    clock.advance(timedelta(hours=1))
    service.write("trains").write("boats", text="version: 1\nmodel: boats\nschedule: {evry: 1h}\n")
    with pytest.raises(ConfigError, match=r"boats\.yaml:3"):
        service.daemon.reload()
    assert service.daemon._schedule.first.keys() == {"boats", "flights"}
    assert service.value("driftd_model_info", model="boats") == 1
    assert service.value("driftd_model_info", model="trains") is None
    assert service.value("driftd_config_last_reload_successful") == 0
    assert service.value("driftd_config_last_reload_success_timestamp_seconds") == started
    service.write("boats")
    service.daemon.reload()
    assert service.value("driftd_config_last_reload_successful") == 1
    assert service.value("driftd_model_info", model="trains") == 1


def test_faults_of_model_files_are_counted_one_by_one(service):
    errors = partial(service.value, "driftd_errors_total", model="", stage="config", reason="config_invalid")
    service.write("boats", text="[]").daemon.start()
    assert errors() == 1
    service.write("boats", text="version: 2")
    with pytest.raises(ConfigError) as refused:
        service.daemon.reload()
    assert errors() == 1 + len(refused.value.problems) > 2


def test_a_store_that_fails_keeps_the_configuration_before(service, monkeypatch):
    def broken(model):
        raise StoreError("driftd.db: malformed")

    service.daemon.start()
    service.write("trains")
    monkeypatch.setattr(service.store, "alarms", broken)
    with pytest.raises(StoreError, match="malformed"):
        service.daemon.reload()
    assert service.board.current().models.keys() == {"boats", "flights"}
    assert service.value("driftd_config_last_reload_successful") == 0


def test_a_model_that_is_gone_is_gone_from_the_next_scrape(service, workers):
    service.daemon.start()
    workers.events["boats"] = [day(0, "boats")]
    service.daemon.run_model("boats")
    assert 'model="boats"' in service.scrape()
    (service.folder / "boats.yaml").unlink()
    service.daemon.reload()
    assert 'model="boats"' not in service.scrape()
    assert service.daemon._schedule.first.keys() == {"flights"}


def test_a_model_that_goes_while_it_runs_does_not_come_back(service, workers):
    service.daemon.start()

    def events():
        yield day(0, "boats")
        (service.folder / "boats.yaml").unlink()
        service.daemon.reload()
        yield day(1, "boats")

    workers.events["boats"] = events()
    service.daemon.run_model("boats")
    assert 'model="boats"' not in service.scrape()
    service.daemon.run_model("boats")
    assert len(workers.orders) == 1


def test_counters_outlive_a_reload(service, workers):
    service.daemon.start()
    workers.events["flights"] = [day(0)]
    service.daemon.run_model("flights")
    service.daemon.reload()
    assert service.value("driftd_runs_total", model="flights", outcome="success") == 1


def test_a_reload_does_not_run_at_once_what_has_just_run(service, clock):
    service.daemon.start()
    service.daemon.run_model("flights")
    ran = clock.now
    clock.advance(timedelta(minutes=10))
    service.daemon.reload()
    first = service.daemon._schedule.first
    assert first["flights"] == ran + timedelta(hours=1)
    assert first["boats"] < clock.now + timedelta(minutes=1)


def test_a_run_that_comes_due_while_the_last_goes_on_is_counted(service):
    service.daemon.start()
    service.daemon._schedule.skipped("flights", Reason.OVERLAP)
    assert service.value("driftd_runs_skipped_total", model="flights", reason="overlap") == 1
    assert service.value("driftd_runs_skipped_total", model="boats", reason="overlap") == 0


def test_a_model_that_another_process_evaluates_is_skipped_and_counted(service, workers, monkeypatch):
    def taken(*_):
        raise LeasedError("taken", transient=True, reason=Reason.LEASED)

    service.daemon.start()
    monkeypatch.setattr(daemon_module, "held", taken)
    service.daemon.run_model("flights")
    assert service.value("driftd_runs_skipped_total", model="flights", reason="leased") == 1
    assert service.value("driftd_runs_total", model="flights", outcome="failed") == 0
    assert workers.orders == []


def test_it_does_not_wait_for_a_lease_when_it_is_to_stop(service, workers):
    service.daemon.start()
    service.store.lease("flights", "elsewhere:1:1", 600)
    run = threading.Thread(target=service.daemon.run_model, args=("flights",))
    run.start()
    service.daemon._stopping.set()
    run.join(PATIENCE)
    assert not run.is_alive()
    assert workers.orders == []


def test_nothing_new_begins_once_it_stops(service, workers):
    service.daemon.start()
    service.daemon._stopping.set()
    service.daemon.run_model("flights")
    assert workers.orders == []


def test_old_windows_go_in_time(service, clock):
    service.store.commit(day(0))
    clock.now = START + timedelta(days=500)
    service.daemon._prune()
    assert service.store.evaluations("flights") == []


def test_pruning_that_fails_is_counted_and_stops_nothing(service, monkeypatch):
    def broken(before):
        raise StoreError("driftd.db: disk full")

    service.daemon.start()
    monkeypatch.setattr(service.store, "prune", broken)
    service.daemon._prune()
    assert service.value("driftd_errors_total", model="", stage="store", reason="store_failed") == 1


@pytest.fixture
def with_stuck_boats(monkeypatch, tmp_path):
    """A service with real workers and a real schedule, every second."""
    list(worker.run([], Limits(), worker.context(), work=worker_jobs.tell))  # its start is slow
    monkeypatch.setattr(worker, "run", partial(worker.run, work=worker_jobs.hang_for_boats))
    services = []

    def make(settings):
        found = Service(tmp_path, lambda: datetime.now(UTC), settings)
        services.append(found.write("flights", every="1s").write("boats", every="1s"))
        found.daemon.start()
        return found

    yield make
    for found in services:
        found.daemon.stop()


def test_a_source_that_hangs_is_ended_and_the_other_model_goes_on(with_stuck_boats):
    service = with_stuck_boats(replace(SETTINGS, limits=Limits(seconds=4)))
    errors = partial(service.value, "driftd_errors_total", stage="worker", reason="timed_out")
    awaited(lambda: errors(model="boats"))
    awaited(lambda: service.value("driftd_runs_total", model="flights", outcome="no_data"))
    assert service.value("driftd_runs_total", model="boats", outcome="failed") >= 1
    assert service.value("driftd_runs_skipped_total", model="boats", reason="overlap") >= 1
    assert errors(model="flights") is None


def test_a_source_that_hangs_leaves_its_place_to_other_models(with_stuck_boats, monkeypatch):
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.3)
    service = with_stuck_boats(replace(SETTINGS, workers=1, shutdown=timedelta(0)))
    awaited(lambda: service.store.lease_owner("boats"))
    ended = service.value("driftd_runs_total", model="flights", outcome="no_data")
    awaited(lambda: service.value("driftd_runs_total", model="flights", outcome="no_data") > ended)
    assert service.store.lease_owner("boats")


def test_a_model_in_quarantine_is_skipped_and_counted(service, workers):
    workers.events["boats"] = [Failed(Stage.WORKER, Reason.TIMED_OUT, "too long")]
    workers.events["flights"] = workers.events["boats"]
    service.daemon.start()
    for model in ("boats", "flights"):
        service.daemon.run_model(model)
    with service.daemon._slots.taken("boats"):
        service.daemon.run_model("flights")
    assert service.value("driftd_runs_skipped_total", model="flights", reason="quarantined") == 1
    assert len(workers.orders) == 2
    service.daemon.run_model("flights")
    assert len(workers.orders) == 3


def test_a_run_that_does_not_end_in_the_grace_time_is_ended(with_stuck_boats):
    service = with_stuck_boats(replace(SETTINGS, shutdown=timedelta(seconds=0.1)))
    awaited(lambda: service.store.lease_owner("boats"))
    started = time.monotonic()
    service.daemon.stop()
    assert time.monotonic() - started < PATIENCE / 2
    assert multiprocessing.active_children() == []


def test_sigterm_lets_a_run_end_and_exits_with_0(tmp_path):
    """The command itself: what it was told to evaluate is in the store when it has gone."""
    path = crash_model.write_model(tmp_path)
    url = f"sqlite:///{tmp_path / 'driftd.db'}"
    with DaemonProcess(path, url, tmp_path / "log") as process:
        process.worker()
        assert process.end() == 0
    with Store.open(url, read_only=True) as store:
        assert len(store.evaluations(crash_model.NAME)) == crash_model.LIVE_WINDOWS
        assert store.lease_owner(crash_model.NAME) is None
    log = (tmp_path / "log").read_text(encoding="utf-8")
    assert "level=error" not in log
    assert "Traceback" not in log


class TestAccept:
    def test_the_alarm_is_gone_from_the_board_at_once(self, service, workers):
        service.store.commit(replace(commit(0), alarms=(alarm(0),)))
        service.daemon.start()
        assert service.value("driftd_alarm", model="flights", kind="covariate") == 1
        done = service.daemon.accept("flights", "new plane")
        assert [each.kind for each in done.alarms] == [Kind.COVARIATE]
        assert service.value("driftd_alarm", model="flights", kind="covariate") == 0
        assert service.value("driftd_alarms_total", model="flights", kind="covariate") == 1
        assert [each.reason for each in service.store.acceptances("flights")] == ["new plane"]

    def test_what_another_process_accepted_is_shown_with_the_next_run(self, service, clock):
        service.store.commit(replace(commit(0), alarms=(alarm(0),)))
        service.daemon.start()
        accept(service.store, "flights", "", clock.now)
        service.daemon.run_model("flights")
        assert service.value("driftd_alarm", model="flights", kind="covariate") == 0

    @pytest.mark.parametrize("model", ["flight", "boats"])
    def test_a_model_that_is_not_there_or_was_never_evaluated(self, service, model):
        service.daemon.start()
        with pytest.raises(UnknownModelError, match=f'there is no model "{model}"'):
            service.daemon.accept(model, "")

    def test_a_daemon_that_stops_waits_for_no_lease(self, service):
        service.store.commit(commit(0))
        service.daemon.start()
        assert service.store.lease("flights", "elsewhere/1:1:1", 600)
        service.daemon._stopping.set()
        with pytest.raises(LeasedError, match="stopped while another process evaluates"):
            service.daemon.accept("flights", "")
