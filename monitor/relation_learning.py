"""What the reference's labelled rows teach of how the label depends on the features."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor.plan import Plan, features_of
from monitor.relations import FEWEST_WINDOWS, KEPT_ROWS, Relation, table_of
from monitor.rows import Classes
from monitor.sample import Sample
from monitor.sampling import WindowSamples
from monitor.sources.base import Interval, Source
from monitor.stats import relation, replay, tails
from monitor.stats.surrogate import Task as Fitted
from monitor.stats.tables import Table
from monitor.stats.threads import one_thread
from monitor.types import Role, Task, Window
from monitor.windows import micros
from monitor.within import within

MOST_ROWS, MOST_VALUES = 100_000, 10_000_000
"""So many rows of all windows, and values of them, are read."""
FEWEST_ROWS, FEWEST_HELD = 100, 25
"""So many of each window at least, and of those that no surrogate was fitted to: few tell nothing."""
EVIDENT = 0.5
"""Where the tail of evidence begins at least: both tests must agree, so most windows have next to none."""
MOST_CATEGORIES = 200

FITTED: dict[Task, Fitted] = {
    Task.BINARY: "binary",
    Task.MULTICLASS: "multiclass",
    Task.REGRESSION: "regression",
}


def learn(
    plan: Plan, source: Source, interval: Interval | None, windows: Sequence[Window]
) -> Relation | None:
    """None where there are no errors, no features of use, or too few labelled rows in these windows."""
    label = plan.names.label
    numeric, categorical = _features(plan)
    usable = plan.errors is not None and plan.task is not None and label is not None
    if not usable or not windows or not (numeric or categorical):
        return None
    assert plan.task is not None
    samples = _samples(plan, source, interval, windows, numeric, categorical)
    categories = {name: _categories(samples, name) for name in categorical}
    tables = [table_of(sample, numeric, categories) for sample in samples]
    labels = [_labels(plan, sample) for sample in samples]
    table, every = _joined(tables), np.concatenate(labels)
    try:
        with one_thread():
            found, held = relation.learn(table, every, FITTED[plan.task])
    except ValueError:
        return None
    window = np.repeat(np.arange(len(samples)), [len(each) for each in tables])[held]
    parts = [held[window == number] for number in range(len(samples))]
    parts = [part for part in parts if len(part) >= FEWEST_HELD]
    learned = Relation(found, numeric, categories)
    return _replayed(plan, learned, table, every, parts) if len(parts) >= FEWEST_WINDOWS else learned


def _features(plan: Plan) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The features whose values may be stored."""
    private = {each.name for each in plan.columns(Role.FEATURE) if each.private}
    numeric, categorical = features_of(plan.reference)
    return (
        tuple(name for name in numeric if name not in private),
        tuple(name for name in categorical if name not in private),
    )


def _samples(
    plan: Plan,
    source: Source,
    interval: Interval | None,
    windows: Sequence[Window],
    numeric: tuple[str, ...],
    categorical: tuple[str, ...],
) -> tuple[Sample, ...]:
    """Some rows of each window, of windows evenly spread where they are very many; read in one scan."""
    label = plan.names.label or ""
    numbers = tuple(dict.fromkeys((*numeric, *([label] if plan.task is Task.REGRESSION else []))))
    texts = tuple(dict.fromkeys((*categorical, *([] if plan.task is Task.REGRESSION else [label]))))
    columns = tuple(dict.fromkeys((*numbers, *texts)))
    total = min(MOST_ROWS, MOST_VALUES // len(columns))
    windows = _spread(windows, max(FEWEST_WINDOWS, total // FEWEST_ROWS))
    most = max(FEWEST_ROWS, min(KEPT_ROWS, total // len(windows)))
    samples = WindowSamples(numbers, texts, len(windows), most)
    if interval is None:
        for number, window in enumerate(windows):
            for batch in source.scan(columns, None, window.file):
                samples.add(batch, number)
        return samples.finish()
    for batch in source.scan((interval.timestamp, *columns), interval):
        times, inside = within(batch.rows, interval)
        samples.add(batch, np.where(inside, _places(times, windows), -1).astype(np.int32))
    return samples.finish()


def _spread(windows: Sequence[Window], most: int) -> Sequence[Window]:
    """At most so many of the windows, evenly spread."""
    if len(windows) <= most:
        return windows
    return [windows[place] for place in np.linspace(0, len(windows) - 1, most).round().astype(int)]


def _places(times: NDArray[np.int64], windows: Sequence[Window]) -> NDArray[np.int64]:
    """The window of each time, -1 outside of all; there may be gaps between them."""
    starts, ends = np.array(
        [(micros(each.start), micros(each.end)) for each in windows if each.start and each.end], np.int64
    ).T
    found = np.searchsorted(starts, times, side="right") - 1
    return np.where((found >= 0) & (times < ends[found]), found, -1)


def _categories(samples: Sequence[Sample], name: str) -> tuple[str, ...]:
    """The most frequent categories, by name where they are as frequent."""
    counts: dict[str, int] = {}
    for sample in samples:
        found = sample.texts[name]
        for text, count in zip(
            found.categories, np.bincount(found.codes[found.codes >= 0], minlength=1).tolist(), strict=False
        ):
            counts[text] = counts.get(text, 0) + count
    return tuple(sorted(counts, key=lambda text: (-counts[text], text))[:MOST_CATEGORIES])


def _labels(plan: Plan, sample: Sample) -> NDArray[np.float64]:
    """The label of each row: the code of its class, or its value; NaN where missing."""
    name = plan.names.label or ""
    if plan.task is Task.REGRESSION:
        values = sample.numbers[:, sample.numeric.index(name)].astype(np.float64)
        return np.where(np.isfinite(values), values, np.nan)
    found = sample.texts[name]
    classes = Classes(plan.target.classes, private=plan.names.private)
    codes = np.array([*classes.codes(found.categories), np.nan])[found.codes]
    return np.where(codes < len(plan.target.classes), codes, np.nan)


def _joined(tables: Sequence[Table]) -> Table:
    return Table(
        np.concatenate([each.numbers for each in tables]), np.concatenate([each.codes for each in tables])
    )


def _replayed(
    plan: Plan,
    learned: Relation,
    table: Table,
    labels: NDArray[np.float64],
    parts: Sequence[NDArray[np.int64]],
) -> Relation:
    """What the reference's windows teach: how much they vary, and how often chance gives such gradients."""
    known, encoding = learned.reference, learned.reference.model.encoding
    windows = [
        relation.mean_gradients(known, encoding.encode(table.take(part)), labels[part]) for part in parts
    ]
    evidence = relation.evidence(relation.replayed(known, windows))
    how = replay.settings(plan.window_days, plan.seasons, len(parts))
    tail = tails.fit(evidence, np.zeros(len(parts), np.int64), how.share, how.apart, lowest=EVIDENT)
    full = int(len(parts) / max(replay.WEEK / plan.window_days, replay.FOLD_WINDOWS))
    return replace(
        learned,
        reference=relation.with_between(known, windows),
        windows=len(parts),
        tail=tails.guarded(tail, len(parts), *replay.guard(full, len(parts))),
    )
