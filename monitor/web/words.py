"""Numbers, times and states as a reader wants them."""

from datetime import datetime, timedelta

from monitor.types import iso, utc
from monitor.web.markup import Markup, element

DASH = "\N{EN DASH}"
LONGEST_NAME = 100


def short(text: str) -> str:
    """A name from the data, which may be endless, in the room that it has.

    >>> len(short("x" * 10_000))
    100
    """
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}\N{HORIZONTAL ELLIPSIS}"


def chip(style: str, words: str) -> Markup:
    """A state: its colour and shape by `style` (ok, low, alarm, none), always in words too."""
    return element("span", words, class_=f"chip {style}")


def moment(at: datetime) -> Markup:
    """A time to the minute, in UTC.

    >>> from datetime import UTC
    >>> moment(datetime(2024, 2, 10, 6, tzinfo=UTC))
    '<time datetime="2024-02-10T06:00:00Z">2024-02-10 06:00</time>'
    """
    return element("time", f"{utc(at):%Y-%m-%d %H:%M}", datetime=iso(at.replace(microsecond=0)))


def span(length: timedelta) -> str:
    """A duration in its two largest units.

    >>> span(timedelta(days=1, hours=3, minutes=20)), span(timedelta(seconds=42))
    ('1 d 3 h', '42 s')
    """
    seconds = int(length.total_seconds())
    days, hours, minutes = seconds // 86_400, seconds // 3_600 % 24, seconds // 60 % 60
    if days >= 10 or (days and not hours):
        return f"{days:,} d"
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min" if minutes else f"{seconds} s"


def number(value: float | None) -> str:
    """Three digits that matter, a dash where there is no value.

    >>> number(0.12345), number(12345.6), number(2.0), number(None) == DASH
    ('0.123', '12,346', '2', True)
    """
    if value is None:
        return DASH
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
