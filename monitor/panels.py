"""Which columns of a model calibration watches, kind by kind, and what it reads of them in a window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from monitor import pairs
from monitor.pairs import Correlations, Pair
from monitor.profile import StoredColumn, StoredProfile
from monitor.sample import Sample
from monitor.state import Reading
from monitor.stats.bins import CategoricalReference, ColumnReference, NumericReference
from monitor.stats.distributions import layout_of, values_of, with_correlations
from monitor.stats.panel import ERROR, SHARE, Floats, Index, Layout, Panel, arcsine
from monitor.stats.residuals import ErrorReference
from monitor.stats.summaries import Summarizer, summarizer
from monitor.types import LABEL_KINDS, Kind, Window

MISSING = "missing"
WHOLE = ""
"""The column of what is of the model and of no column."""
LONGEST_GAP = timedelta(hours=24)


@dataclass(frozen=True)
class Panels:
    """The panels of one model.

    `distributions`: by kind the columns whose distribution is watched. `missing`: those whose missing rows
    are. `errors`: the reference's errors, None where it has none. `pairs`: columns whose correlation is
    watched beside the distributions of features.
    """

    references: Mapping[str, ColumnReference]
    distributions: Mapping[Kind, tuple[str, ...]]
    missing: tuple[str, ...]
    errors: ErrorReference | None
    pairs: tuple[Pair, ...] = ()

    @cached_property
    def summarizers(self) -> Mapping[str, Summarizer]:
        """How the counts of every column are summarized."""
        return {name: summarizer(reference) for name, reference in self.references.items()}

    @cached_property
    def numeric(self) -> Mapping[str, NumericReference]:
        """The references of numeric columns."""
        return {name: each for name, each in self.references.items() if isinstance(each, NumericReference)}

    @cached_property
    def pair_columns(self) -> Mapping[str, Pair]:
        """The pair that each such column of the panel of features stands for; no real column has its name."""
        return dict(zip(pairs.labels_of(self.pairs, self.references), self.pairs, strict=True))

    @cached_property
    def columns(self) -> Mapping[Kind, tuple[str, ...]]:
        """The columns of each kind's panel, in order; none for a kind that has nothing to watch."""
        found = {kind: names for kind, names in self.distributions.items() if names}
        if self.pairs:
            found[Kind.COVARIATE] = (*found[Kind.COVARIATE], *self.pair_columns)
        if self.missing:
            found[Kind.QUALITY] = self.missing
        if self.errors is not None:
            found |= {Kind.PERFORMANCE: (WHOLE,), Kind.CONCEPT: (WHOLE,)}
        return found

    @cached_property
    def layouts(self) -> Mapping[Kind, Layout]:
        """What the numbers of each kind's panel mean."""
        return {kind: self._layout(kind, names) for kind, names in self.columns.items()}

    def _layout(self, kind: Kind, names: tuple[str, ...]) -> Layout:
        if kind is Kind.QUALITY:
            return _contrasts(len(names), np.arange(len(names)), SHARE, np.full(len(names), 0.25))
        if kind in {Kind.PERFORMANCE, Kind.CONCEPT}:
            return self._errors(kind)
        found = layout_of([self.summarizers[name] for name in self.distributions[kind]])
        return with_correlations(found, len(self.pairs)) if kind is Kind.COVARIATE else found

    def _errors(self, kind: Kind) -> Layout:
        """The mean error, and of a regression mean and spread of its residuals; of concept two residuals."""
        assert self.errors is not None
        least = 1 / (self.errors.rows + 2)  # the rule of succession's
        variance = [self.errors.variance]
        signed = self.errors.signed if kind is Kind.PERFORMANCE else None
        if kind is Kind.CONCEPT:
            variance *= 2
        if signed is not None:
            variance += [signed.variance, signed.spread_variance]
        found = _contrasts(
            1,
            np.zeros(len(variance), np.int64),
            ERROR,
            np.maximum(variance, least),
            together=kind is Kind.CONCEPT,
        )
        return found if signed is None else replace(found, one_sided=np.array([True, False, True]))

    def correlations(self, sample: Sample | None) -> Correlations | None:
        """How the columns of each pair go together in these rows; None where no pair is watched."""
        return pairs.read(self.pairs, self.numeric, sample) if sample is not None and self.pairs else None


def _contrasts(
    columns: int, column: Index, group: int, variance: Floats, *, together: bool = False
) -> Layout:
    """Contrasts of which only a rise counts, without cells."""
    nothing = np.zeros(0, np.int64)
    return Layout(
        columns,
        column,
        np.full(len(column), group),
        variance,
        np.ones(len(column), bool),
        nothing,
        nothing,
        np.zeros(0),
        np.zeros(0, bool),
        together,
    )


def watched(names: Sequence[str], references: Mapping[str, ColumnReference]) -> tuple[str, ...]:
    """The columns that calibration can watch: not ids, free text, nor categories that are all rare."""
    return tuple(dict.fromkeys(name for name in names if _testable(references.get(name))))


def _testable(reference: ColumnReference | None) -> bool:
    if reference is None:
        return False
    if not isinstance(reference, CategoricalReference):
        return True
    return not reference.bins.high_cardinality and summarizer(reference).cells > 1


def read_rows(panels: Panels, profile: StoredProfile, kind: Kind) -> Reading | None:
    """What calibration reads of a window's rows; None for a kind that reads labels, or has no panel."""
    if kind not in panels.columns or kind in LABEL_KINDS:
        return None
    if kind is Kind.QUALITY:
        return read_shares({name: profile.columns[name] for name in panels.missing})
    found = read_distributions(panels, {name: profile.columns[name] for name in panels.distributions[kind]})
    return _with_correlations(panels, found, profile.correlations) if kind is Kind.COVARIATE else found


def _with_correlations(panels: Panels, reading: Reading, found: Correlations | None) -> Reading:
    """The reading with the correlations of pairs between the contrasts and the cells."""
    count = len(panels.pairs)
    if found is None or len(found.z) != count:
        found = pairs.unknown(count)
    split = panels.layouts[Kind.COVARIATE].contrasts - count
    values = (*reading.values[:split], *found.z.tolist(), *reading.values[split:])
    return replace(reading, rows=(*reading.rows, *map(float, found.rows.tolist())), values=values)


def read_distributions(
    panels: Panels, columns: Mapping[str, StoredColumn], words: Mapping[str, str] | None = None
) -> Reading:
    """The distributions of these columns in one window."""
    how = [panels.summarizers[name] for name in columns]
    rows, values = values_of(how, [each.summary for each in columns.values()])
    return Reading(tuple(rows.tolist()), tuple(np.nan_to_num(values).tolist()), words or {})


def read_shares(columns: Mapping[str, StoredColumn]) -> Reading:
    """The shares of missing rows of these columns in one window."""
    rows = np.array([each.rows for each in columns.values()], np.float64)
    missing = np.array([each.missing for each in columns.values()], np.float64)
    values = arcsine(missing / np.maximum(rows, 1.0))
    return Reading(tuple(rows.tolist()), tuple(values.tolist()))


def panel_of(
    layout: Layout, readings: Sequence[Reading], windows: Sequence[Window], zone: str, segments: Index
) -> Panel:
    """The readings of these windows as arrays, at their local hours and weekdays."""
    rows = np.array([each.rows for each in readings], np.float64).reshape(len(readings), layout.columns)
    values = np.array([each.values for each in readings], np.float64).reshape(len(readings), -1)
    values[rows[:, layout.value_column] == 0] = np.nan
    hours, weekdays = positions(windows, zone)
    return Panel(hours, weekdays, segments, rows, values)


def positions(windows: Sequence[Window], zone: str) -> tuple[Floats, Index]:
    """Local hour and weekday of the middle of each window; 0 for windows without time."""
    hours, weekdays = np.zeros(len(windows)), np.zeros(len(windows), np.int64)
    for number, window in enumerate(windows):
        if window.start is not None and window.end is not None:
            middle = (window.start + (window.end - window.start) / 2).astimezone(ZoneInfo(zone))
            hours[number] = middle.hour + middle.minute / 60 + middle.second / 3600
            weekdays[number] = middle.weekday()
    return hours, weekdays


def segments_of(windows: Sequence[Window]) -> Index:
    """The number of each window's stretch: a new one after a gap in which memory is lost."""
    gaps = [gap(before.end, after) for before, after in pairwise(windows)]
    return np.cumsum([False, *gaps]).astype(np.int64)[: len(windows)]


def gap(last: datetime | None, window: Window) -> bool:
    """Whether more than 24 hours, and more than two windows, passed since the last window ended."""
    if last is None or window.start is None or window.end is None:
        return False
    return window.start - last > max(LONGEST_GAP, 2 * (window.end - window.start))
