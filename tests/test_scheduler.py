import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from apscheduler.events import EVENT_JOB_MAX_INSTANCES, JobSubmissionEvent

from monitor.scheduler import SPREAD_SECONDS, Clock, first_run, period, trigger
from monitor.types import Reason
from tests.crash.daemon_process import awaited

NOW = datetime(2024, 2, 10, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(text):
    return datetime.fromisoformat(text)


def fires(found, start, end):
    """When a trigger fires in [start, end), in UTC."""
    times, last = [], None
    while True:
        last = found.get_next_fire_time(last, last or start)
        if last is None or last >= end:
            return times
        times.append(last.astimezone(UTC))


class TestTrigger:
    def test_a_period_counts_from_the_last_run(self):
        found = trigger(HOUR, None, None, "Europe/Berlin")
        assert found.get_next_fire_time(NOW, NOW + timedelta(minutes=5)) == NOW + HOUR

    def test_a_period_takes_no_notice_of_the_clocks(self):
        found = trigger(24 * HOUR, None, None, "Europe/Berlin")
        assert found.get_next_fire_time(at("2024-03-30T12:00Z"), NOW) == at("2024-03-31T12:00Z")

    def test_jitter_delays_by_at_most_so_much(self):
        found = trigger(HOUR, None, timedelta(minutes=5), "UTC")
        times = [found.get_next_fire_time(NOW, NOW) for _ in range(50)]
        assert all(NOW + HOUR <= time <= NOW + HOUR + timedelta(minutes=5) for time in times)
        assert len(set(times)) > 1

    def test_jitter_of_cron(self):
        found = trigger(None, "0 * * * *", timedelta(seconds=30), "UTC")
        time = found.get_next_fire_time(None, NOW - timedelta(minutes=1))
        assert NOW <= time <= NOW + timedelta(seconds=30)

    def test_cron_is_read_in_the_zone_of_the_model(self):
        found = trigger(None, "30 6 * * mon-fri", None, "America/New_York")
        time = found.get_next_fire_time(None, at("2024-02-10T00:00-05:00"))  # a Saturday
        assert time.astimezone(UTC) == at("2024-02-12T11:30Z")

    @pytest.mark.parametrize(("day", "count"), [("2024-03-31", 23), ("2024-06-30", 24), ("2024-10-27", 25)])
    def test_hourly_cron_runs_once_in_every_hour_there_is(self, day, count):
        zone = ZoneInfo("Europe/Berlin")
        start = at(day).replace(tzinfo=zone)
        end = start + timedelta(days=1)  # the same clock time on the next day
        times = fires(trigger(None, "5 * * * *", None, "Europe/Berlin"), start, end)
        assert len(times) == count
        assert {later - time for time, later in pairwise(times)} == {HOUR}

    @pytest.mark.parametrize(
        ("day", "expected"),
        [
            ("2024-03-31", ["2024-03-31T01:30Z"]),  # 02:30 is skipped: an hour after 01:30 instead
            ("2024-10-27", ["2024-10-27T00:30Z", "2024-10-27T01:30Z"]),  # 02:30 is there twice
        ],
    )
    def test_daily_cron_at_a_change_of_the_clock(self, day, expected):
        zone = ZoneInfo("Europe/Berlin")
        start = at(day).replace(tzinfo=zone)
        times = fires(trigger(None, "30 2 * * *", None, "Europe/Berlin"), start, start + timedelta(days=1))
        assert times == [at(text) for text in expected]


class TestPeriod:
    @pytest.mark.parametrize(
        ("every", "cron", "seconds"),
        [
            (HOUR, None, 3600.0),
            (timedelta(seconds=90), None, 90.0),
            (None, "5 * * * *", 3600.0),
            (None, "*/15 * * * *", 900.0),
            (None, "0 6 * * *", 86400.0),
            (None, "0 6 * * sat", 7 * 86400.0),
        ],
    )
    def test_seconds_between_runs(self, every, cron, seconds):
        assert period(every, cron, "UTC", NOW) == seconds

    @pytest.mark.parametrize(("now", "hours"), [("2024-03-30T12:00Z", 23), ("2024-10-26T12:00Z", 24)])
    def test_daily_over_a_change_of_the_clock(self, now, hours):
        assert period(None, "0 20 * * *", "Europe/Berlin", at(now) - timedelta(days=20)) == 24 * 3600
        assert period(None, "0 20 * * *", "Europe/Berlin", at(now)) == hours * 3600

    @pytest.mark.parametrize("now", ["2024-02-09T10:30Z", "2024-02-09T16:30Z", "2024-02-10T12:00Z"])
    def test_pauses_do_not_change_it_whenever_it_is_asked(self, now):
        assert period(None, "0 9-17 * * mon-fri", "UTC", at(now)) == 3600

    def test_a_day_that_never_comes_has_no_period(self):
        assert period(None, "0 0 30 feb *", "UTC", NOW) is None


class TestFirstRun:
    def test_a_model_that_never_ran_runs_at_once(self):
        assert first_run("a", None, HOUR, NOW, 1) == NOW

    def test_one_period_after_the_last_run(self):
        assert first_run("a", NOW - HOUR / 4, HOUR, NOW, 1) == NOW + HOUR * 3 / 4

    @pytest.mark.parametrize("ago", [HOUR, 3 * HOUR, timedelta(days=90)])
    def test_at_once_where_that_has_passed(self, ago):
        assert first_run("a", NOW - ago, HOUR, NOW, 1) == NOW

    def test_cron_catches_up_at_the_start(self):
        assert first_run("a", NOW - HOUR / 4, None, NOW, 1) == NOW

    def test_a_last_run_in_the_future_does_not_stop_the_model(self):
        assert first_run("a", NOW + timedelta(days=365), HOUR, NOW, 1) == NOW + HOUR

    def test_many_models_are_spread_each_always_to_its_own_place(self):
        times = {f"m{number}": first_run(f"m{number}", None, HOUR, NOW, 1000) for number in range(1000)}
        delays = sorted((time - NOW).total_seconds() for time in times.values())
        assert delays[0] >= 0
        assert delays[-1] <= SPREAD_SECONDS
        thirds = [sum(low <= delay < low + 10 for delay in delays) for low in (0, 10, 20)]
        assert min(thirds) > 250
        assert first_run("m7", None, HOUR, NOW, 1000) == times["m7"]

    def test_few_models_wait_little_and_none_longer_than_its_period(self):
        assert all(first_run(f"m{n}", None, HOUR, NOW, 3) <= NOW + timedelta(seconds=0.2) for n in range(3))
        second = timedelta(seconds=1)
        assert all(first_run(f"m{n}", None, second, NOW, 1000) <= NOW + second for n in range(100))


class TestClock:
    """Runs are asked for by their time alone: an hour or more ahead, or now."""

    @pytest.fixture
    def ran(self):
        return []

    @pytest.fixture
    def skipped(self):
        return []

    @pytest.fixture
    def clock(self, ran, skipped):
        found = Clock(ran.append, lambda model, reason: skipped.append((model, reason)), threads=2)
        yield found
        found.stop(wait=True)

    def planned(self, clock):
        return {job.id: job.next_run_time for job in clock._scheduler.get_jobs()}

    def set(self, clock, **first):
        clock.set({model: trigger(HOUR, None, None, "UTC") for model in first}, first)

    def ahead(self, hours):
        return datetime.now(UTC) + hours * HOUR

    def test_exactly_the_given_models_are_scheduled(self, clock):
        clock.start()
        one, two, three = self.ahead(1), self.ahead(2), self.ahead(3)
        self.set(clock, a=one, b=two)
        assert self.planned(clock) == {"a": one, "b": two}
        self.set(clock, b=three, c=one)
        assert self.planned(clock) == {"b": three, "c": one}

    def test_the_next_run_is_known_before_and_after_the_start(self, clock):
        one, two = self.ahead(1), self.ahead(2)
        self.set(clock, a=one)
        assert clock.next_run("a") == one
        clock.start()
        assert clock.next_run("a") == one
        self.set(clock, a=two)
        assert clock.next_run("a") == two
        assert clock.next_run("b") is None

    def test_once_a_run_has_begun_the_next_one_is_due_later(self, clock, ran):
        clock.start()
        self.set(clock, a=datetime.now(UTC))
        awaited(lambda: ran)
        assert clock.next_run("a") > datetime.now(UTC) + 0.9 * HOUR

    def test_models_may_be_set_before_the_start(self, clock):
        one, two = self.ahead(1), self.ahead(2)
        self.set(clock, a=one, b=one)
        self.set(clock, b=two)
        clock.start()
        assert self.planned(clock) == {"b": two}

    def test_runs_that_were_missed_for_long_are_made_up_for_by_one(self, clock):
        self.set(clock, a=self.ahead(1))
        clock.start()
        (job,) = clock._scheduler.get_jobs()
        assert (job.misfire_grace_time, job.coalesce, job.max_instances) == (None, True, 1)

    def test_a_model_that_is_due_runs_in_the_background(self):
        done, models = threading.Event(), []

        def run(model):
            models.append(model)
            done.set()

        clock = Clock(run, lambda model, reason: None, threads=1)
        self.set(clock, a=datetime.now(UTC) - 100 * HOUR, b=self.ahead(1))
        clock.start()
        assert done.wait(10)
        clock.stop(wait=True)
        assert models == ["a"]

    def test_stop_waits_for_the_run_that_goes_on(self):
        started, go, ended = threading.Event(), threading.Event(), []

        def run(model):
            started.set()
            go.wait(10)
            ended.append(model)

        clock = Clock(run, lambda model, reason: None, threads=1)
        self.set(clock, a=datetime.now(UTC))
        clock.start()
        assert started.wait(10)
        stopping = threading.Thread(target=clock.stop, kwargs={"wait": True})
        stopping.start()
        assert ended == []
        go.set()
        stopping.join(10)
        assert ended == ["a"]

    def test_a_run_that_comes_due_during_the_last_one_is_skipped_and_told(self, clock, skipped):
        event = JobSubmissionEvent(EVENT_JOB_MAX_INSTANCES, "a", "default", [NOW])
        clock._scheduler._dispatch_event(event)
        assert skipped == [("a", Reason.OVERLAP)]

    def test_stopping_twice_or_before_the_start_is_nothing(self, clock):
        clock.stop(wait=False)
        clock.start()
        clock.stop(wait=True)
        clock.stop(wait=True)
