"""Which windows there are and which are due: calendar arithmetic without gap or overlap."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from monitor.types import Window

# a Monday, so that windows of whole weeks start on Mondays
ANCHOR = datetime(1970, 1, 5, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """How time is cut: by `days` calendar days of `zone`, or by `length` of elapsed time.

    >>> calendar = Calendar(zone="Europe/Berlin", days=1)
    >>> window = calendar.containing(datetime(2024, 3, 31, 12, tzinfo=UTC))
    >>> window.end - window.start  # the clocks go forward
    datetime.timedelta(seconds=82800)
    """

    zone: str = "UTC"
    days: int | None = None
    length: timedelta | None = None

    def __post_init__(self) -> None:
        """Exactly one of the two ways to cut time is given."""
        if (self.days is None) == (self.length is None):
            message = "a calendar has either days or a length"
            raise ValueError(message)

    @property
    def nominal_days(self) -> float:
        """The length of a window in days of 24 hours, daylight saving left out."""
        if self.days is not None:
            return float(self.days)
        assert self.length is not None
        return self.length / DAY

    def containing(self, moment: datetime) -> Window:
        """The window that a moment lies in."""
        if self.length is not None:
            start = ANCHOR + (moment - ANCHOR) // self.length * self.length
            return Window(start, start + self.length)
        assert self.days is not None
        local = moment.astimezone(ZoneInfo(self.zone)).date()
        number = (local.toordinal() - ANCHOR.toordinal()) // self.days
        return Window(self._midnight(number), self._midnight(number + 1))

    def following(self, window: Window) -> Window:
        """The window that starts where this one ends."""
        assert window.end is not None
        return self.containing(window.end)

    def windows(self, start: datetime, end: datetime) -> Iterator[Window]:
        """Every window from the one that contains `start` to the last that begins before `end`."""
        window = self.containing(start)
        while window.start is not None and window.start < end:
            yield window
            window = self.following(window)

    def _midnight(self, number: int) -> datetime:
        assert self.days is not None
        day = datetime.fromordinal(ANCHOR.toordinal() + number * self.days)
        # midnight that a change of the clock skips or repeats: the first instant of that day
        return day.replace(tzinfo=ZoneInfo(self.zone), fold=0).astimezone(UTC)


def due(calendar: Calendar, start: datetime, until: datetime, lateness: timedelta) -> Iterator[Window]:
    """The windows from `start` on whose first tick, end + lateness, is not after `until`."""
    for window in calendar.windows(start, until):
        if first_tick(window, lateness) > until:
            return
        yield window


def first_tick(window: Window, lateness: timedelta) -> datetime:
    """When the window is evaluated for the first time."""
    assert window.end is not None
    return window.end + lateness


def micros(moment: datetime) -> int:
    """Microseconds since 1970 in UTC: how event time stands in arrays."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // MICROSECOND


def moment(value: int) -> datetime:
    """The datetime of microseconds since 1970."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=value)


def assign(times: NDArray[np.int64], windows: tuple[Window, ...]) -> NDArray[np.int32]:
    """The index of each time's window, -1 outside of all; the windows adjoin, in order.

    >>> hours = tuple(Calendar(length=timedelta(hours=1)).windows(ANCHOR, ANCHOR + timedelta(hours=2)))
    >>> first = micros(ANCHOR)
    >>> assign(np.array([first - 1, first, first + 3_600_000_000]), hours).tolist()
    [-1, 0, 1]
    """
    bounds = [micros(window.start) for window in windows if window.start is not None]
    last = windows[-1].end
    assert last is not None
    found = np.searchsorted(np.array([*bounds, micros(last)], dtype=np.int64), times, side="right") - 1
    return np.where(found >= len(windows), -1, found).astype(np.int32)
