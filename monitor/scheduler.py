"""When a model is run: APScheduler as the clock, and nothing else (its only import)."""

import hashlib
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, JobSubmissionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.job import Job
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger as BaseTrigger  # noqa: PLC0414 - re-exported
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from monitor.types import Reason

SPREAD_SECONDS = 30.0
SPREAD_SECONDS_PER_MODEL = 0.1
"""Models that are due at once start over at most this long, or over their period if that is less."""

RUNS_AHEAD = 8
"""Of so many runs to come the shortest distance is the period of a cron schedule."""


class Clock:
    """Calls `run(model)` when the model's schedule says so, in at most so many `threads` at a time.

    A run that comes due while the model's last one goes on is skipped and told to `skipped`; nothing
    is lost by it, since every run evaluates all that is due.
    """

    def __init__(
        self, run: Callable[[str], None], skipped: Callable[[str, Reason], None], threads: int
    ) -> None:
        # it tells of each run and each overlap; the daemon tells and counts both in its own words
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._run = run
        self._skipped = skipped
        self._jobs: Mapping[str, Job] = {}
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(threads)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
            timezone=UTC,
        )
        self._scheduler.add_listener(self._on_skip, EVENT_JOB_MAX_INSTANCES)

    def start(self) -> None:
        """Begin; jobs may be added before and after."""
        self._scheduler.start()

    def stop(self, *, wait: bool) -> None:
        """Fire no more; with `wait` return when the runs that go on have ended."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=wait)

    def set(self, triggers: Mapping[str, BaseTrigger], first: Mapping[str, datetime]) -> None:
        """Exactly these models are scheduled from now on, each first at the given time."""
        for job in self._scheduler.get_jobs():
            if job.id not in triggers:
                job.remove()
        self._jobs = {
            model: self._scheduler.add_job(
                self._run, trigger, args=(model,), id=model, next_run_time=first[model], replace_existing=True
            )
            for model, trigger in triggers.items()
        }

    def next_run(self, model: str) -> datetime | None:
        """When the model is due next; None for one that is not scheduled."""
        # asked of the job itself: the scheduler's lock is held by `stop`, which waits for the runs that ask
        job = self._jobs.get(model)
        return job.next_run_time if job is not None else None

    def _on_skip(self, event: JobSubmissionEvent) -> None:
        self._skipped(event.job_id, Reason.OVERLAP)


def trigger(every: timedelta | None, cron: str | None, jitter: timedelta | None, zone: str) -> BaseTrigger:
    """The trigger of a schedule: a period, or five cron fields read in `zone`.

    A time that a change of the clock shows twice fires twice.
    """
    seconds = int(jitter.total_seconds()) if jitter else None
    if cron is not None:
        found = CronTrigger.from_crontab(cron, timezone=zone)
        found.jitter = seconds
        return found
    assert every is not None
    return IntervalTrigger(seconds=max(1, round(every.total_seconds())), timezone=UTC, jitter=seconds)


def period(every: timedelta | None, cron: str | None, zone: str, now: datetime) -> float | None:
    """The seconds between two runs; for cron the shortest time between the next ones, None where none come.

    A schedule with pauses has so the same period whenever it is asked, within a pause and without.
    """
    if every is not None:
        return every.total_seconds()
    found = trigger(None, cron, None, zone)
    runs: list[float] = []
    last = None
    while len(runs) < RUNS_AHEAD:
        last = found.get_next_fire_time(last, last or now)
        if last is None:
            break
        runs.append(last.timestamp())  # within one zone the difference is of what the clocks show
    return min((later - earlier for earlier, later in pairwise(runs)), default=None)


def first_run(
    model: str, last: datetime | None, every: timedelta | None, now: datetime, models: int
) -> datetime:
    """When a model runs first after a start: one period after its last run, at once where that has passed.

    Of many models that are due at once each starts at a place that a hash of its name gives. A last
    run that is ahead of the clock, since the clock was set back, counts as now.
    """
    spread = min(SPREAD_SECONDS, SPREAD_SECONDS_PER_MODEL * (models - 1))
    if every is not None:
        spread = min(spread, every.total_seconds())
    share = int.from_bytes(hashlib.blake2b(model.encode(), digest_size=4).digest(), "big") / 2**32
    at_once = now + timedelta(seconds=share * spread)
    return at_once if last is None or every is None else max(min(last, now) + every, at_once)
