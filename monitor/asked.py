"""What a model file asks for, in the words of the run: columns, times, budget."""

from collections.abc import Iterator, Sequence

from monitor.columns import digest
from monitor.config.positions import Where
from monitor.config.schema import ModelConfig
from monitor.errors import BadReferenceError, SourceError
from monitor.plan import Names
from monitor.reference import Reference, TimeBounds, WantedColumn
from monitor.sources.base import Interval, Source
from monitor.stats.season import Season
from monitor.types import ColumnType, Problem, Reason, Role, Task
from monitor.windows import Calendar

SEASONS = {
    "auto": tuple(Season),
    "none": (Season.NONE,),
    "hour": (Season.HOUR,),
    "week": (Season.WEEK,),
}
"""The positions of the calendar that each `reference.season` lets a column follow."""


def names_of(config: ModelConfig) -> Names:
    """Which column plays which role."""
    columns = config.columns
    probability = columns.probability
    if isinstance(probability, str):
        probability = {"": probability}
    private = {columns.label, columns.prediction} & {*columns.features.private}
    if private:
        probability = {name and digest(name): column for name, column in (probability or {}).items()}
    return Names(
        columns.timestamp,
        columns.id,
        columns.prediction,
        dict(probability or {}),
        columns.label,
        columns.version,
        bool(private),
    )


def interval_of(config: ModelConfig) -> Interval | None:
    """The event times of the reference."""
    timestamp = config.columns.timestamp
    if timestamp is None:
        return None
    return Interval(timestamp, config.window.timezone, config.reference.start, config.reference.end)


def bounds_of(interval: Interval | None) -> TimeBounds | None:
    """The same times, as learning wants them."""
    if interval is None:
        return None
    return TimeBounds(interval.timestamp, interval.zone, interval.start, interval.end)


def columns_read(wanted: Sequence[WantedColumn], interval: Interval | None) -> tuple[str, ...]:
    """The columns that learning reads: the wanted ones, and event time."""
    timestamp = (interval.timestamp,) if interval is not None else ()
    return tuple(dict.fromkeys((*timestamp, *(column.name for column in wanted))))


def placed(config: ModelConfig) -> Iterator[tuple[Where, str]]:
    """The columns that the reference must have, each with the keys that lead to it in the model file."""
    columns, features = config.columns, config.columns.features
    for key, name in (("timestamp", columns.timestamp), ("prediction", columns.prediction)):
        if name is not None:
            yield ("columns", key), name
    if isinstance(columns.probability, str):
        yield ("columns", "probability"), columns.probability
    else:
        yield from (
            (("columns", "probability", key), name) for key, name in (columns.probability or {}).items()
        )
    for key, names in (("numeric", features.numeric), ("categorical", features.categorical)):
        yield from ((("columns", "features", key, index), name) for index, name in enumerate(names))


def needed(config: ModelConfig) -> tuple[str, ...]:
    """The columns that the reference must have."""
    return tuple(dict.fromkeys(name for _, name in placed(config)))


def named(config: ModelConfig) -> frozenset[str]:
    """Every column that the model file names."""
    columns, features = config.columns, config.columns.features
    wanted = [*needed(config), columns.id, columns.version, columns.label, *features.ignore]
    if config.ground_truth is not None:
        truth = config.ground_truth
        wanted += [truth.label, truth.timestamp, truth.id]
    return frozenset(name for name in wanted if name)


def wanted(config: ModelConfig, schema: Sequence[str], task: Task | None) -> tuple[WantedColumn, ...]:
    """The columns to learn: features, those too that the file does not name; predictions; label."""
    columns, features = config.columns, config.columns.features
    private = frozenset(features.private)
    outcome = ColumnType.NUMERIC if task is Task.REGRESSION else ColumnType.CATEGORICAL
    found = [
        WantedColumn(name, Role.FEATURE, ColumnType.NUMERIC, name in private) for name in features.numeric
    ]
    found += [
        WantedColumn(name, Role.FEATURE, ColumnType.CATEGORICAL, name in private)
        for name in features.categorical
    ]
    rest = (name for name in schema if name not in named(config))
    found += [WantedColumn(name, Role.FEATURE, None, name in private) for name in rest]
    if columns.prediction is not None:
        found.append(
            WantedColumn(columns.prediction, Role.PREDICTION, outcome, columns.prediction in private)
        )
    found += [WantedColumn(name, Role.PROBABILITY, ColumnType.NUMERIC) for name in columns.probabilities]
    if columns.label in schema and columns.label is not None:
        found.append(WantedColumn(columns.label, Role.LABEL, outcome, columns.label in private))
    return tuple(found)


def calendar_of(config: ModelConfig) -> Calendar:
    """How the model's event time is cut into windows."""
    length = config.window.length
    if length.days:
        return Calendar(config.window.timezone, days=length.days)
    return Calendar(config.window.timezone, length=length.nominal)


def budget_days(config: ModelConfig) -> float:
    """Days between two false alarms of the model; windows where there is no time."""
    budget = config.alarms.false_alarms
    if config.columns.timestamp is not None:
        return budget.days(config.window.length)
    if budget.windows is None:
        message = "alarms.false_alarms counts days, but without columns.timestamp only windows can be counted"
        raise BadReferenceError(message)
    return budget.windows / budget.count


def added(config: ModelConfig, reference: Reference, live: Source) -> Iterator[Problem]:
    """Columns that arrive and that the reference does not have."""
    try:
        arriving = live.schema().names
    except SourceError:
        return
    known = {
        *reference.types,
        *reference.columns,
        *named(config),
        *(each.column for each in reference.problems),
    }
    for name in arriving:
        if name not in known:
            text = f"column {name!r} is new: the reference does not have it, so it is not measured"
            yield Problem(name, Reason.ADDED_COLUMN, text)
