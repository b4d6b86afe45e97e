"""A covering design: few cells in which every pair of properties occurs, by a greedy search."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import varied
from varied import Design
from worlds import DAILY, HOURLY

PROPERTIES: Mapping[str, Sequence[Any]] = {
    "marginal": varied.MARGINALS,
    "columns": (2, 10, 50, 200),
    "rows": (200, 2_000, 20_000),
    "swings": (False, True),
    "season": (False, True),
    "window": ((HOURLY, 4), (HOURLY, 2), (DAILY, 8)),
}
MOST_CELLS = 40
CANDIDATES = 60
SEED = 11
WIDE = (
    Design("mixed", 1_000, 2_000, True, True, HOURLY, 4),
    Design("normal", 1_000, 200, False, False, HOURLY, 2),
)

Pair = tuple[tuple[int, int], tuple[int, int]]


def cells() -> list[Design]:
    """The designs: every pair of properties, then a thousand columns twice."""
    found = []
    for row in covering([len(each) for each in PROPERTIES.values()], SEED):
        chosen = {name: values[level] for (name, values), level in zip(PROPERTIES.items(), row, strict=True)}
        clock, weeks = chosen.pop("window")
        found.append(Design(**chosen, clock=clock, weeks=weeks))
    assert len(found) + len(WIDE) <= MOST_CELLS
    return [*found, *WIDE]


def covering(levels: Sequence[int], seed: int) -> list[tuple[int, ...]]:
    """Rows of levels such that every pair of levels of two properties occurs in a row.

    Each row is the best of several random ones that are built property by property, each time by the level
    that covers the most pairs that are still missing.

    >>> sorted(covering([2, 2], 0))
    [(0, 0), (0, 1), (1, 0), (1, 1)]
    """
    random = np.random.default_rng(seed)
    missing = {
        ((a, x), (b, y))
        for a, b in combinations(range(len(levels)), 2)
        for x in range(levels[a])
        for y in range(levels[b])
    }
    rows = []
    while missing:
        candidates = [_candidate(levels, missing, random) for _ in range(CANDIDATES)]
        row = max(candidates, key=lambda each: len(missing & _pairs(each)))
        missing -= _pairs(row)
        rows.append(tuple(row[place] for place in range(len(levels))))
    return rows


def _candidate(levels: Sequence[int], missing: set[Pair], random: np.random.Generator) -> dict[int, int]:
    """A row that begins with a pair that is missing."""
    ordered = sorted(missing)
    row = dict(ordered[int(random.integers(len(ordered)))])
    for place in random.permutation(len(levels)).tolist():
        if place not in row:
            gains = [len(missing & _pairs({**row, place: level})) for level in range(levels[place])]
            best = [level for level, gain in enumerate(gains) if gain == max(gains)]
            row[place] = int(random.choice(best))
    return row


def _pairs(row: Mapping[int, int]) -> set[Pair]:
    return set(combinations(sorted(row.items()), 2))
