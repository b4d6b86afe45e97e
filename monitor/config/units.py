"""The small notations of the model file: durations, budgets, times, cron, zones."""

import math
import re
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from monitor.types import iso

SECONDS = {"s": 1, "m": 60, "h": 3600}
DAYS = {"d": 1, "w": 7}

_A_DURATION = "a duration like 30s, 10m, 1h, 1d or 8w"
_A_BUDGET = "a budget like 1 per 30d or 1 per 100 windows"
_A_TIME = "a time with a zone like 2024-01-31T00:00Z or 2024-01-31T01:00+01:00"

_DURATION = re.compile(r"(?P<count>[0-9]{1,9})(?P<unit>[smhdw])")
_BUDGET = re.compile(
    r"(?P<count>[0-9]+(\.[0-9]+)?) per ((?P<windows>[0-9]{1,9}) windows?|(?P<period>[0-9]+[smhdw]))"
)


def need(expected: str) -> PydanticCustomError:
    """A fault whose message goes on with what stands there instead."""
    return PydanticCustomError("need", "{expected} is needed", {"expected": expected})


def refusal(message: str) -> PydanticCustomError:
    """A fault whose message says everything."""
    return PydanticCustomError("refusal", "{message}", {"message": message})


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time: calendar `days` of the model's zone, or exact `seconds`; never both.

    >>> Duration.parse("1d") == Duration.parse("24h")
    False
    >>> Duration.parse("8w"), str(Duration.parse("90m"))
    (Duration(days=56, seconds=0), '90m')
    """

    days: int = 0
    seconds: int = 0

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """Read `30s`, `10m`, `1h`, `1d` or `8w`; anything else is a ValueError."""
        match = _DURATION.fullmatch(text)
        if match is None:
            message = f"{text!r} is no duration like 30s, 10m, 1h, 1d or 8w"
            raise ValueError(message)
        count, unit = int(match["count"]), match["unit"]
        if unit in DAYS:
            return cls(days=count * DAYS[unit])
        return cls(seconds=count * SECONDS[unit])

    @property
    def nominal(self) -> timedelta:
        """The length with every day counted as 24 hours."""
        return timedelta(days=self.days, seconds=self.seconds)

    def __str__(self) -> str:
        """The shortest notation; weeks are written as days."""
        if self.days:
            return f"{self.days}d"
        for unit in ("h", "m"):
            if self.seconds and self.seconds % SECONDS[unit] == 0:
                return f"{self.seconds // SECONDS[unit]}{unit}"
        return f"{self.seconds}s"


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """The budget of the whole model: at most `count` false alarms per `period` or per `windows`.

    >>> FalseAlarms.parse("1 per 30d")
    FalseAlarms(count=1.0, period=Duration(days=30, seconds=0), windows=None)
    >>> FalseAlarms.parse("2 per 100 windows").days(Duration.parse("1d"))
    50.0
    """

    count: float
    period: Duration | None = None
    windows: int | None = None

    @classmethod
    def parse(cls, text: str) -> "FalseAlarms":
        """Read `1 per 30d` or `1 per 100 windows`; anything else is a ValueError."""
        match = _BUDGET.fullmatch(" ".join(text.split()))
        budget = None
        if match is not None:
            period = Duration.parse(match["period"]) if match["period"] else None
            windows = int(match["windows"]) if match["windows"] else None
            budget = cls(float(match["count"]), period, windows)
        if (
            budget is None
            or budget.count == 0
            or not (budget.windows or (budget.period and budget.period.nominal))
        ):
            message = f"{text!r} is no budget like 1 per 30d or 1 per 100 windows"
            raise ValueError(message)
        return budget

    def days(self, window: Duration) -> float:
        """How many days there are for one false alarm, given the length of the windows."""
        period = self.period.nominal if self.period is not None else window.nominal * (self.windows or 0)
        return period / timedelta(days=1) / self.count

    def __str__(self) -> str:
        """The notation of the model file."""
        return f"{self.count:g} per {self.period if self.period is not None else f'{self.windows} windows'}"


def _duration(value: object) -> Duration:
    if isinstance(value, Duration):
        return value
    try:
        return Duration.parse(value if isinstance(value, str) else "")
    except ValueError:
        raise need(_A_DURATION) from None


def _positive(value: Duration) -> Duration:
    if not value.nominal:
        message = "a duration longer than nothing"
        raise need(message)
    return value


def _false_alarms(value: object) -> FalseAlarms:
    if isinstance(value, FalseAlarms):
        return value
    try:
        return FalseAlarms.parse(value if isinstance(value, str) else "")
    except ValueError:
        raise need(_A_BUDGET) from None


def _moment(value: object) -> datetime:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise need(_A_TIME) from None
    if moment.tzinfo is None:
        raise need(_A_TIME)
    return moment.astimezone(UTC)


def _zone(value: object) -> str:
    if not isinstance(value, str):
        message = "a time zone like UTC or Europe/Berlin"
        raise need(message)
    try:
        zoneinfo.ZoneInfo(value)
    except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
        close = get_close_matches(value, sorted(zoneinfo.available_timezones()), 1)
        known = f"; did you mean {close[0]}?" if close else ""
        message = f"the time zone is not known; write one like UTC or Europe/Berlin{known}"
        raise refusal(message) from None
    return value


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CRON_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 6, _WEEKDAYS),
)


def _cron(value: object) -> str:
    fields = value.split() if isinstance(value, str) else []
    if len(fields) != len(_CRON_FIELDS):
        message = 'five fields (minute, hour, day of month, month, day of week) like "5 * * * *"'
        raise need(message)
    for text, (name, low, high, names) in zip(fields, _CRON_FIELDS, strict=True):
        for part in text.split(","):
            _check_cron_part(part, name, low, high, names)
    return " ".join(fields)


def _check_cron_part(part: str, name: str, low: int, high: int, names: tuple[str, ...]) -> None:
    span, slash, step = part.partition("/")
    ends = [] if span == "*" else span.split("-")
    weekday = names is _WEEKDAYS
    numbers = [_cron_number(end, low, names) for end in ends]
    if weekday and any(end.isdigit() for end in ends):
        message = "weekdays are written mon to sun: their numbers mean other days in other programs"
        raise refusal(message)
    fits = all(number is not None and low <= number <= high for number in numbers)
    ordered = len(numbers) < 2 or (numbers[0] or 0) <= (numbers[-1] or 0)
    stepped = not slash or (step.isdigit() and int(step) > 0)
    if not (fits and ordered and stepped and len(ends) <= 2):
        known = f"{names[0]} to {names[-1]}" if weekday else f"{low} to {high}"
        message = f'"{part}" is no {name}; write *, */n, or values, ranges and lists of {known}'
        raise refusal(message)


def _cron_number(text: str, low: int, names: tuple[str, ...]) -> int | None:
    if text.lower() in names:
        return names.index(text.lower()) + low
    return int(text) if text.isascii() and text.isdigit() else None


def _scalar(value: object) -> bool | int | float | str:
    if not isinstance(value, (bool, int, float, str)) or (
        isinstance(value, float) and not math.isfinite(value)
    ):
        message = "a number, a boolean or text"
        raise need(message)
    return value


_TEXT = PlainSerializer(str, return_type=str)
_DURATION_SCHEMA = WithJsonSchema({"type": "string", "pattern": "^[0-9]+[smhdw]$"})

AnyDuration: TypeAlias = Annotated[Duration, PlainValidator(_duration), _TEXT, _DURATION_SCHEMA]
PositiveDuration: TypeAlias = Annotated[
    Duration, PlainValidator(_duration), AfterValidator(_positive), _TEXT, _DURATION_SCHEMA
]
Budget: TypeAlias = Annotated[
    FalseAlarms,
    PlainValidator(_false_alarms),
    _TEXT,
    WithJsonSchema({"type": "string", "pattern": r"^[0-9.]+ per ([0-9]+ windows?|[0-9]+[smhdw])$"}),
]
Moment: TypeAlias = Annotated[
    datetime,
    PlainValidator(_moment),
    PlainSerializer(iso, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Zone: TypeAlias = Annotated[str, PlainValidator(_zone), WithJsonSchema({"type": "string"})]
Cron: TypeAlias = Annotated[str, PlainValidator(_cron), WithJsonSchema({"type": "string"})]
ClassValue: TypeAlias = Annotated[
    bool | int | float | str,
    PlainValidator(_scalar),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]
