"""How the features of the reference's rows lie given the label: what class shares can explain."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.plan import Plan
from monitor.profile import Folder
from monitor.rows import Classes, outcome
from monitor.sources.base import Batch, Interval, Source
from monitor.stats.bins import (
    CategoricalReference,
    ColumnCounts,
    ColumnReference,
    NumericReference,
)
from monitor.stats.given_label import explained
from monitor.stats.summaries import summarize
from monitor.types import Kind
from monitor.within import within

CELLS = 8_000_000
"""Counts held at once: of more columns and classes the reference is read several times."""
EXPLAINED = 0.5
"""Class shares that explain less of a feature's move do not explain it."""


def read(
    plan: Plan, classes: Sequence[str], source: Source, interval: Interval | None, threads: int
) -> dict[str, NDArray[np.int64]]:
    """By feature that is watched, the reference's rows by label and cell, int64 (k, cells)."""
    names = plan.panels.distributions.get(Kind.COVARIATE, ())
    label = plan.names.label
    if label is None or label not in source.schema().names:
        return {}
    found: dict[str, NDArray[np.int64]] = {}
    for part in _parts(plan, names, len(classes)):
        references = {name: plan.panels.references[name] for name in part}
        folder = Folder(references, len(classes), threads)
        codes = Classes(classes, private=plan.names.private)
        timestamp = (interval.timestamp,) if interval is not None else ()
        for batch in source.scan((*timestamp, label, *part), interval):
            folder.add(batch.rows, _class_of(plan, batch, label, codes, interval, len(classes)))
        profiles = folder.finish()
        for name in part:
            how = plan.panels.summarizers[name]
            found[name] = np.array([summarize(how, each.columns[name]).cells for each in profiles])
    return found


def _parts(plan: Plan, names: Sequence[str], classes: int) -> list[list[str]]:
    """The columns in groups that can be counted by class at once."""
    parts: list[list[str]] = [[]]
    held = 0
    for name in names:
        cells = classes * _cells(plan.panels.references[name])
        if parts[-1] and held + cells > CELLS:
            parts.append([])
            held = 0
        parts[-1].append(name)
        held += cells
    return parts if parts[-1] else []


def _cells(reference: ColumnReference) -> int:
    if isinstance(reference, NumericReference):
        return len(reference.counts.bins)
    assert isinstance(reference, CategoricalReference)
    return len(reference.counts.categories) + 2


def _class_of(
    plan: Plan, batch: Batch, label: str, codes: Classes, interval: Interval | None, classes: int
) -> NDArray[np.int32]:
    """The class of each row; -1 without one, and outside of the reference."""
    found = outcome(batch.rows, label, plan.task, codes)
    inside = found < classes
    if interval is not None:
        inside &= within(batch.rows, interval)[1]
    return np.where(inside, np.nan_to_num(found), -1).astype(np.int32)


def unexplained(
    plan: Plan, share: NDArray[np.float64], columns: Sequence[str], live: Mapping[str, ColumnCounts]
) -> tuple[str, ...]:
    """Which of the features that moved did not move as the class shares of this window imply."""
    given = plan.estimators.given_label if plan.estimators is not None else {}
    known = [name for name in columns if name in given and name in live]
    return tuple(name for name in known if _differs(plan, given, name, share, live))


def _differs(
    plan: Plan,
    given: Mapping[str, NDArray[np.int64]],
    name: str,
    share: NDArray[np.float64],
    live: Mapping[str, ColumnCounts],
) -> bool:
    part = explained(given[name], share, summarize(plan.panels.summarizers[name], live[name]).cells)
    return part is not None and part < EXPLAINED
