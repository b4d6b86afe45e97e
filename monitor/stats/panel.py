"""Windows of one kind as arrays: contrasts that move either way, and blocks of cells that only grow apart."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]

LOCATION, SCALE, SHARE, ERROR, CORRELATION = range(5)
"""The groups of contrasts.

Mean scores of ranks, mean squares of them, shares as arcsines, mean errors, Fisher's z of correlations.
"""


def arcsine(share: Floats) -> Floats:
    """A share on the scale where one row has the variance 1/4, whatever the share.

    >>> round(float(arcsine(np.array([0.5]))[0] * 4 / np.pi), 12)
    1.0
    """
    found: Floats = np.arcsin(np.sqrt(np.clip(share, 0.0, 1.0)))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What the numbers of a panel mean; k columns, c contrasts, b blocks with j cells in all.

    `column` (c,): the column of each contrast. `group` (c,): contrasts of one group are whitened together.
    `variance` (c,): of one row. `one_sided` (c,): whether only a rise counts. `block_column` (b,), `sizes`
    (b,): the blocks. `cell_variance` (j,): of one row where cells are no shares, 0 where they are. `largest`
    (b,): whether the block's largest cell is a channel of its own. `together`: whether all contrasts must
    move, not any.
    """

    columns: int
    column: Index
    group: Index
    variance: Floats
    one_sided: Flags
    block_column: Index
    sizes: Index
    cell_variance: Floats
    largest: Flags
    together: bool = False

    @property
    def contrasts(self) -> int:
        """How many contrasts."""
        return len(self.column)

    @property
    def blocks(self) -> int:
        """How many blocks."""
        return len(self.sizes)

    @property
    def starts(self) -> Index:
        """(b,) the first cell of each block."""
        return np.cumsum(self.sizes) - self.sizes

    @property
    def cell_block(self) -> Index:
        """(j,) the block of each cell."""
        return np.repeat(np.arange(self.blocks), self.sizes)

    @property
    def value_column(self) -> Index:
        """(c + j,) the column of each contrast, then of each cell."""
        return np.concatenate([self.column, self.block_column[self.cell_block]])

    @property
    def block_channel_column(self) -> Index:
        """(b + l,) the column of each channel that comes from a block: chi-squares, then largest cells."""
        return np.concatenate([self.block_column, self.block_column[self.largest]])

    @property
    def channel_column(self) -> Index:
        """(z,) the column of each channel: contrasts, then chi-squares, then largest cells."""
        return np.concatenate([self.column, self.block_channel_column])

    def part(self, columns: Index) -> "Layout":
        """The layout of these columns alone, renumbered in their order."""
        number = np.full(self.columns, -1, np.int64)
        number[columns] = np.arange(len(columns))
        contrasts, blocks = number[self.column] >= 0, number[self.block_column] >= 0
        return replace(
            self,
            columns=len(columns),
            column=number[self.column[contrasts]],
            group=self.group[contrasts],
            variance=self.variance[contrasts],
            one_sided=self.one_sided[contrasts],
            block_column=number[self.block_column[blocks]],
            sizes=self.sizes[blocks],
            cell_variance=self.cell_variance[blocks[self.cell_block]],
            largest=self.largest[blocks],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Windows in time order.

    `hours`, `weekdays` (t,): local position of the window's middle, Monday is 0. `segments` (t,): memory
    restarts where it changes. `rows` (t, k): rows behind each column. `values` (t, c + j): contrasts, then
    cells as shares of rows; NaN where the column has no rows.
    """

    hours: Floats
    weekdays: Index
    segments: Index
    rows: Floats
    values: NDArray[np.floating]

    def __len__(self) -> int:
        """How many windows."""
        return len(self.hours)

    def take(self, chosen: Flags | Index | slice) -> "Panel":
        """These windows."""
        return Panel(
            self.hours[chosen],
            self.weekdays[chosen],
            self.segments[chosen],
            self.rows[chosen],
            self.values[chosen],
        )

    def part(self, layout: Layout, columns: Index) -> "Panel":
        """These columns alone."""
        mine = np.isin(layout.value_column, columns)
        return replace(self, rows=self.rows[:, columns], values=self.values[:, mine].astype(np.float64))
