"""The two sides that a detector compares, of the type and with the rows that it needs."""

from monitor.errors import DetectorError
from monitor.stats.bins import (
    CategoricalCounts,
    CategoricalReference,
    ColumnCounts,
    ColumnReference,
    NumericCounts,
    NumericReference,
)


def numeric(reference: ColumnReference, live: ColumnCounts) -> tuple[NumericReference, NumericCounts]:
    """Both sides of a numeric column with rows; DetectorError for another."""
    if not isinstance(reference, NumericReference) or not isinstance(live, NumericCounts):
        message = "categories have no order: this detector takes numeric columns"
        raise DetectorError(message)
    check_rows(reference, live)
    return reference, live


def categorical(
    reference: ColumnReference, live: ColumnCounts
) -> tuple[CategoricalReference, CategoricalCounts]:
    """Both sides of a categorical column with rows; DetectorError for another."""
    if not isinstance(reference, CategoricalReference) or not isinstance(live, CategoricalCounts):
        message = "numbers have no categories: this detector takes categorical columns"
        raise DetectorError(message)
    check_rows(reference, live)
    return reference, live


def check_rows(reference: ColumnReference, live: ColumnCounts) -> None:
    """DetectorError where a side has no rows."""
    for name, counts in (("reference", reference.counts), ("live window", live)):
        if not counts.rows:
            message = f"the {name} has no rows"
            raise DetectorError(message)


def check_values(reference: ColumnReference, live: ColumnCounts) -> None:
    """DetectorError where a side has no value: a finite number, or a category."""
    for name, counts in (("reference", reference.counts), ("live window", live)):
        if not counts.observed:
            message = f"the {name} has no value in this column"
            raise DetectorError(message)
