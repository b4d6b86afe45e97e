"""Pairs of numeric columns whose correlation is watched, and what the rows of a window say of them."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.sample import Sample
from monitor.stats import correlation
from monitor.stats.bins import NumericReference
from monitor.stats.words import shown

Pair: TypeAlias = tuple[str, str]

MOST_PAIRS = 300
"""All pairs of up to 25 columns; of more columns the pairs that are correlated most."""
MOST_OF_ONE = 0.9
"""The largest share of one value in a column that can be in a pair."""
MOST_COLUMNS = 1_000
"""Of more columns only the first so many can be in a pair: all pairs are held once."""


@dataclass(frozen=True, slots=True, eq=False)
class Correlations:
    """Fisher's z of each pair, float32 (p,), and the rows behind it, int64 (p,); both 0 where undefined."""

    z: NDArray[np.float32]
    rows: NDArray[np.int64]


def choose(
    references: Mapping[str, NumericReference], draw: Callable[[Sequence[str]], Sample]
) -> tuple[Pair, ...]:
    """The pairs to watch among these columns; `draw` samples reference rows where a choice is needed.

    A column in which one value is nearly all has a correlation of few rows, so it is in no pair.
    """
    varied = [name for name, reference in references.items() if _varies(reference)]
    names = varied[:MOST_COLUMNS]
    every = correlation.pairs(len(names), len(names) ** 2)
    if len(every) > MOST_PAIRS:
        scores = _scores(references, names, draw(names))
        every = correlation.pairs(len(names), MOST_PAIRS, correlation.moments(scores, every))
    return tuple((names[left], names[right]) for left, right in every.tolist())


def _varies(reference: NumericReference) -> bool:
    bins = reference.counts.bins
    return bool(bins.max() <= MOST_OF_ONE * bins.sum())


def read(pairs: Sequence[Pair], references: Mapping[str, NumericReference], sample: Sample) -> Correlations:
    """How the columns of each pair go together in these rows."""
    names = columns_of(pairs)
    place = {name: number for number, name in enumerate(names)}
    wanted = np.array([[place[left], place[right]] for left, right in pairs], np.int64).reshape(-1, 2)
    z, rows = correlation.fisher(correlation.moments(_scores(references, names, sample), wanted))
    known = np.isfinite(z)
    return Correlations(np.where(known, z, 0.0).astype(np.float32), np.where(known, rows, 0))


def unknown(pairs: int) -> Correlations:
    """Of rows that say nothing."""
    return Correlations(np.zeros(pairs, np.float32), np.zeros(pairs, np.int64))


def columns_of(pairs: Sequence[Pair]) -> tuple[str, ...]:
    """Every column that is in a pair, once."""
    return tuple(dict.fromkeys(name for pair in pairs for name in pair))


def _scores(
    references: Mapping[str, NumericReference], names: Sequence[str], sample: Sample
) -> NDArray[np.float64]:
    place = {name: number for number, name in enumerate(sample.numeric)}
    numbers = sample.numbers[:, [place[name] for name in names]]
    return correlation.normal_score_matrix([references[name] for name in names], numbers)


def labels_of(pairs: Sequence[Pair], taken: Collection[str]) -> tuple[str, ...]:
    r"""A text for each pair that stands for it among names of columns, and is none of those taken.

    >>> labels_of([("a", "b"), ('a"', "c")], {'["a", "b"]'})
    ('["a", "b"] ', '["a\\"", "c"]')
    """
    found = []
    for pair in pairs:
        label = json.dumps(pair, ensure_ascii=False)
        while label in taken:
            label += " "
        found.append(label)
    return tuple(found)


def words(pair: Pair, before: float, now: float) -> str:
    """What moved, given Fisher's z as expected and as found.

    >>> words(("temp", "dewp"), np.arctanh(0.86), np.arctanh(0.02)), words(("x", "y"), 2.7, 2.5)
    ('temp and dewp: correlation 0.86 to 0.02', 'x and y: correlation 0.991 to 0.987')
    """
    r, s = float(np.tanh(before)), float(np.tanh(now))
    texts = ((f"{r:z.{digits}f}", f"{s:z.{digits}f}") for digits in range(2, 9))
    one, other = next((two for two in texts if two[0] != two[1]), (f"{r:z.2f}", f"{s:z.2f}"))
    return f"{_both(pair)}: correlation {one} to {other}"


def words_without_numbers(pair: Pair) -> str:
    """What moved, where the window by itself does not tell how far."""
    return f"{_both(pair)}: correlation changed"


def _both(pair: Pair) -> str:
    return f"{shown(pair[0])} and {shown(pair[1])}"


def to_bytes(pairs: Sequence[Pair]) -> bytes:
    """The pairs, to be kept with the reference."""
    return json.dumps(pairs).encode()


def from_bytes(data: bytes) -> tuple[Pair, ...]:
    """What `to_bytes` wrote.

    >>> from_bytes(to_bytes([("a", "b")]))
    (('a', 'b'),)
    """
    return tuple((left, right) for left, right in json.loads(data))


def commonest(pairs: Sequence[Pair]) -> str:
    """The column that is in most of the pairs; of several the one that comes first."""
    counts: dict[str, int] = {}
    for pair in pairs:
        for name in pair:
            counts[name] = counts.get(name, 0) + 1
    return max(counts, key=lambda name: counts[name])
