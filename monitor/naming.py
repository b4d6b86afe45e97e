"""Which columns a calibrated alarm names, and in which words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from monitor import pairs
from monitor.pairs import Pair
from monitor.stats.materiality import Pool, Seen
from monitor.stats.panel import Layout
from monitor.verdicts import NAMED


@dataclass(frozen=True, slots=True)
class Named:
    """Real columns, each once, the surest first; `words` of the first ones, and how many `more` there are."""

    columns: tuple[str, ...]
    words: tuple[str, ...]
    more: int


def named(
    moved: Sequence[str],
    watched: Mapping[str, Pair],
    correlation: Callable[[str], tuple[float, float] | None],
    words: Callable[[str], str],
) -> Named:
    """Name the columns of a panel that moved, of which some stand for pairs.

    A column that moved by itself moves its correlations too, so pairs are named only where one of them is
    the surest: first those of the column that most of them share. `correlation`: Fisher's z of a pair as
    expected and as found, None where the window does not tell. `words`: of a real column.
    """
    together = {name: watched[name] for name in moved if name in watched}
    plain = [name for name in moved if name not in watched]
    if plain and moved[0] == plain[0]:
        together = {}
    if together:
        together = _shared_first(together)
    told: list[tuple[tuple[str, ...], str]] = [
        (pair, _correlation(pair, correlation(name))) for name, pair in list(together.items())[:NAMED]
    ]
    told += [((name,), words(name)) for name in plain[: NAMED - len(told)]]
    columns = dict.fromkeys(name for group in (*together.values(), plain) for name in group if name)
    covered = {name for names, _ in told for name in names}
    return Named(tuple(columns), tuple(text for _, text in told), len(columns.keys() - covered))


def _shared_first(together: Mapping[str, Pair]) -> dict[str, Pair]:
    """The pairs, first those of the column that most of them share, which stands first in them."""
    first = pairs.commonest(list(together.values()))
    turned = {name: pair if pair[1] != first else (first, pair[0]) for name, pair in together.items()}
    having = [name for name, pair in turned.items() if pair[0] == first]
    return {name: turned[name] for name in (*having, *(name for name in turned if name not in having))}


def _correlation(pair: Pair, found: tuple[float, float] | None) -> str:
    return pairs.words(pair, *found) if found is not None else pairs.words_without_numbers(pair)


def correlation_of(layout: Layout, pool: Pool, window: Seen, column: int) -> tuple[float, float] | None:
    """Fisher's z of the pair at this column: as expected in the window, and as found since it moved."""
    if not window.rows[column]:
        return None
    contrast = int(np.flatnonzero(layout.column == column)[0])
    before = float(window.expected[contrast])
    return before, before + float(pool.effects[contrast] / max(pool.rows[column], 1.0))
