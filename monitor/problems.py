"""What the user should know of one window besides its statistics: stated reasons, each with a remedy."""

import re
from collections.abc import Iterator, Sequence

from monitor.plan import Plan
from monitor.profile import Profile
from monitor.scan import WindowData
from monitor.stats.bins import (
    CategoricalCounts,
    CategoricalReference,
    ColumnCounts,
    ColumnReference,
    NumericCounts,
    NumericReference,
)
from monitor.types import Column, Problem, Reason, Role

DICTIONARY = re.compile(r"^dictionary<values=(.*), indices=.*>$")
TEXTS = frozenset({"string", "large_string", "string_view"})
NAMED = 5
"""How many unseen categories a message names."""


def window_problems(plan: Plan, data: WindowData) -> tuple[Problem, ...]:
    """No rows, or too few."""
    rows = data.profile.rows
    if not rows:
        return (Problem("", Reason.EMPTY_WINDOW, "no row in this window, though later rows exist"),)
    if rows < plan.min_rows:
        text = f"{rows} rows; window.min_rows is {plan.min_rows}, so nothing is judged"
        return (Problem("", Reason.TOO_FEW_ROWS, text),)
    return ()


def column_problems(plan: Plan, profile: Profile) -> tuple[Problem, ...]:
    """What is wrong with single columns; an empty window says nothing of them."""
    if not profile.rows:
        return plan.problems
    found = list(plan.problems)
    added = [problem.column for problem in plan.problems if problem.reason is Reason.ADDED_COLUMN]
    for name, live in profile.columns.items():
        column, reference = plan.reference.columns[name]
        if name in profile.absent:
            found.append(_absent(name, added))
            continue
        if name in profile.without:
            found.append(_absent_in_some(name, profile))
        found += _of_column(column, reference, live, profile)
        found += _other_type(plan, column, live, profile)
    return tuple(found)


def _absent(name: str, added: Sequence[str]) -> Problem:
    text = f"column {name!r} is absent, which the reference has; the other columns go on"
    if added:
        new = ", ".join(map(repr, added[:NAMED]))
        text += f"; was it renamed to {new}, which is new?"
    return Problem(name, Reason.ABSENT_COLUMN, text)


def _absent_in_some(name: str, profile: Profile) -> Problem:
    text = (
        f"column {name!r} is absent from the files of {profile.without[name]} of {profile.rows} rows, "
        "where it counts as missing"
    )
    return Problem(name, Reason.ABSENT_COLUMN, text)


def _of_column(
    column: Column, reference: ColumnReference, live: ColumnCounts, profile: Profile
) -> Iterator[Problem]:
    name = column.name
    if isinstance(live, NumericCounts) and live.invalid:
        yield _invalid(column, live, profile)
    if live.missing == live.rows and not (isinstance(live, NumericCounts) and live.invalid == live.rows):
        yield Problem(name, Reason.ALL_MISSING, f"column {name!r} has no value in {live.rows} rows")
    if isinstance(live, NumericCounts) and isinstance(reference, NumericReference):
        yield from _numeric(column, reference, live)
    if isinstance(live, CategoricalCounts) and isinstance(reference, CategoricalReference) and live.unseen:
        yield _unseen(column, live)


def _invalid(column: Column, live: NumericCounts, profile: Profile) -> Problem:
    facts = profile.facts.get(column.name)
    shown = ""
    if facts is not None and facts.examples and not column.private:
        shown = f", as {', '.join(repr(example) for example in facts.examples)}"
    text = (
        f"{live.invalid} of {live.rows} values in {column.name!r} are no numbers{shown}; "
        "the reference has numbers; they count as missing"
    )
    return Problem(column.name, Reason.TYPE_CHANGED, text)


def _other_type(plan: Plan, column: Column, live: ColumnCounts, profile: Profile) -> Iterator[Problem]:
    """Categories of another Arrow type: told only where values differ, since 1 and "1" are the same."""
    facts = profile.facts.get(column.name)
    before = plan.reference.types.get(column.name, ())
    if facts is None or not isinstance(live, CategoricalCounts) or not live.unseen:
        return
    held, expected = _type_names(facts.types), _type_names(before)
    if expected and held - expected:
        text = (
            f"column {column.name!r} holds {', '.join(sorted(held - expected))}, in the reference "
            f"{', '.join(sorted(expected))}; values that the reference lacks count as unseen"
        )
        yield Problem(column.name, Reason.TYPE_CHANGED, text)


def _type_names(types: Sequence[str]) -> frozenset[str]:
    """Arrow's types by what a user calls them: encodings and widths of texts left out."""
    values = (DICTIONARY.sub(r"\1", each) for each in types)
    return frozenset("text" if each in TEXTS else each for each in values if each != "null")


def _numeric(column: Column, reference: NumericReference, live: NumericCounts) -> Iterator[Problem]:
    name = column.name
    infinite = live.pos_inf + live.neg_inf
    if infinite:
        text = (
            f"{infinite} of {live.rows} values in {name!r} are infinite; they are counted and in no distance"
        )
        yield Problem(name, Reason.INFINITE_VALUES, text)
    if column.role is Role.PROBABILITY and live.observed and (live.low < 0 or live.high > 1):
        text = f"probabilities in {name!r} reach from {live.low:g} to {live.high:g}; they belong in [0, 1]"
        yield Problem(name, Reason.BAD_PROBABILITY, text)
        return
    reach = reference.bins.high - reference.bins.low
    far = live.low < reference.bins.low - reach or live.high > reference.bins.high + reach
    if live.observed and reach > 0 and far:
        span = "" if column.private else f" ({reference.bins.low:g} to {reference.bins.high:g})"
        worst = live.high if live.high > reference.bins.high + reach else live.low
        value = "" if column.private else f", as {worst:g}"
        text = f"values in {name!r} lie far outside of the reference's range{span}{value}; distances cap them"
        yield Problem(name, Reason.OUTLIERS, text)


def _unseen(column: Column, live: CategoricalCounts) -> Problem:
    names = "" if column.private else ", none of them often"
    if not column.private and live.unseen_names:
        first = list(live.unseen_names.items())[:NAMED]
        names = f": {', '.join(f'{name!r} ({count})' for name, count in first)}"
        if len(live.unseen_names) > NAMED:
            names += " and others"
    text = f"{live.unseen} of {live.rows} rows have categories in {column.name!r} that the reference lacks"
    return Problem(column.name, Reason.UNSEEN_CATEGORY, text + names)
