"""Which windows there are and which are due: calendar arithmetic without gap or overlap."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from monitor.types import Window

# a Monday, so that windows of whole weeks start on Mondays
ANCHOR = datetime(1970, 1, 5, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
"""The ends of the calendar; windows that would go beyond them end there."""
MICROSECOND = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """How time is cut: by `days` calendar days of `zone`, or by `length` of elapsed time.

    A day starts at its first instant: at the change of the clock where that skips midnight.

    >>> calendar = Calendar(zone="Europe/Berlin", days=1)
    >>> window = calendar.containing(datetime(2024, 3, 31, 12, tzinfo=UTC))
    >>> window.end - window.start  # the clocks go forward
    datetime.timedelta(seconds=82800)
    """

    zone: str = "UTC"
    days: int | None = None
    length: timedelta | None = None

    def __post_init__(self) -> None:
        """Exactly one of the two ways to cut time is given, and it is longer than nothing."""
        if (self.days is None) == (self.length is None):
            message = "a calendar has either days or a length"
            raise ValueError(message)
        if (self.days is not None and self.days < 1) or (
            self.length is not None and self.length < MICROSECOND
        ):
            message = "the windows of a calendar are longer than nothing"
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
        number = (moment - ANCHOR) // (self.length or timedelta(days=self.days or 0))
        start, end = self._boundary(number), self._boundary(number + 1)
        # the local day is another one than the day in UTC for some hours
        while start > moment:
            number -= 1
            start, end = self._boundary(number), start
        while end <= moment and end < LAST:
            number += 1
            start, end = end, self._boundary(number + 1)
        return Window(start, end)

    def following(self, window: Window) -> Window:
        """The window that starts where this one ends."""
        assert window.end is not None
        return self.containing(window.end)

    def windows(self, start: datetime, end: datetime) -> Iterator[Window]:
        """Every window from the one that contains `start` to the last that begins before `end`."""
        window = self.containing(start)
        assert window.start is not None
        if window.start < end:
            yield window
        while window.end is not None and window.end < end:
            window = self.following(window)
            yield window

    def _boundary(self, number: int) -> datetime:
        """Where the window of this number starts, counted from the anchor's."""
        try:
            if self.length is not None:
                return ANCHOR + number * self.length
            assert self.days is not None
            return _first_instant(ANCHOR.toordinal() + number * self.days, ZoneInfo(self.zone))
        except (OverflowError, ValueError):
            return FIRST if number < 0 else LAST


def _first_instant(ordinal: int, zone: ZoneInfo) -> datetime:
    """The first moment at which the clocks of the zone show this day or a later one."""
    midnight = datetime.fromordinal(ordinal).replace(tzinfo=zone)
    at = midnight.astimezone(UTC)
    early = midnight.replace(fold=1).astimezone(UTC)
    if early >= at:  # midnight is there, perhaps twice: the first one
        return at
    seconds = range((at - early) // SECOND)
    shown = bisect_left(
        seconds, ordinal, key=lambda after: (early + after * SECOND).astimezone(zone).toordinal()
    )
    return early + shown * SECOND


def due(calendar: Calendar, start: datetime, until: datetime, lateness: timedelta) -> Iterator[Window]:
    """The windows from `start` on whose first tick, end + lateness, is not after `until`."""
    for window in calendar.windows(start, until):
        assert window.end is not None
        if window.end > until - lateness:
            return
        yield window


def first_tick(window: Window, lateness: timedelta) -> datetime:
    """When the window is evaluated for the first time."""
    assert window.end is not None
    return window.end + lateness


def micros(moment: datetime) -> int:
    """Microseconds since 1970 in UTC: how event time stands in arrays."""
    return (moment - EPOCH) // MICROSECOND


def moment(value: int) -> datetime:
    """The datetime of microseconds since 1970; the first or last there is where that is no datetime.

    >>> moment(0).isoformat(), moment(-(2**62)).year, moment(2**62).year
    ('1970-01-01T00:00:00+00:00', 1, 9999)
    """
    try:
        return EPOCH + timedelta(microseconds=value)
    except OverflowError:
        return FIRST if value < 0 else LAST


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
