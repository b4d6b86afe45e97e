"""What the status page says of the calibration behind the alarms: false alarms to expect, and how sure."""

from collections.abc import Sequence
from typing import Final

from monitor.export.view import why_provisional
from monitor.types import Promise
from monitor.web.markup import Markup, element, join
from monitor.web.tables import titled_table
from monitor.web.words import DASH, chip, number

_COLUMNS: Final = (
    ("Kind", ""),
    ("Expected", "number"),
    ("90 % limits", "number wide"),
    ("Budget", "number"),
    ("Independent windows", "number wide"),
    ("Calibration", ""),
)


def calibration_table(promises: Sequence[Promise]) -> Markup | None:
    """Kind by kind the false alarms to expect and allowed; below it each reason for doubt, once."""
    if not promises:
        return None
    reasons = (
        element("p", f"Provisional for {', '.join(kinds)}: {reason}", class_="soft small")
        for reason, kinds in why_provisional(promises).items()
    )
    return join(titled_table("False alarms per 30 days", _COLUMNS, map(_row, promises)), *reasons)


def _row(promise: Promise) -> Markup:
    known = promise.lower is not None and promise.upper is not None
    limits = f"{rate(promise.lower)} to {rate(promise.upper)}" if known else DASH
    windows = DASH if promise.effective_windows is None else f"{promise.effective_windows:,.0f}"
    return element(
        "tr",
        element("td", promise.kind, class_="name"),
        element("td", rate(promise.false_alarms_per_30d), class_="number"),
        element("td", limits, class_="number soft wide"),
        element("td", number(promise.budget_per_30d), class_="number"),
        element("td", windows, class_="number soft wide"),
        element("td", _state(promise)),
    )


def rate(alarms: float | None) -> str:
    """False alarms in 30 days as exactly as they can be known.

    >>> rate(0.1084), rate(0.0003), rate(0.0), rate(None) == DASH
    ('0.11', '<0.01', '0.00', True)
    """
    if alarms is None:
        return DASH
    return "<0.01" if 0 < alarms < 0.01 else f"{alarms:,.2f}"


def _state(promise: Promise) -> Markup:
    """Provisional, or replayed on enough windows."""
    if promise.provisional:
        return element("span", chip("none", "Provisional"), title=promise.reason or None)
    return element("span", "settled", class_="soft")
