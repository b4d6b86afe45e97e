"""Norms of vectors, along an axis where wanted, and the distances and clipping that follow from them.

`p` is 0, any number from 1 on, or infinity. L0 counts the entries that are not zero; it is no norm in
the strict sense (it does not scale), but is called one everywhere. Sources: Golub and Van Loan, Matrix
Computations, section 2.2; for L0 Donoho, Compressed sensing (2006).

Every function raises ValueError for NaN and for a `p` between 0 and 1; the norm of the empty vector is 0.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]


def l0(x: ArrayLike, *, tolerance: float = 0.0, axis: int | None = None) -> Floats:
    """How many entries are larger than `tolerance` in absolute value.

    `axis` None takes all entries as one vector; else the result has the shape of `x` without it.

    >>> int(l0([0, 3, 0, 5]))
    2
    >>> int(l0([0.01, -3, 0.01], tolerance=0.05))
    1
    """
    if not tolerance >= 0:
        message = f"tolerance is {tolerance}; it is a number of at least 0"
        raise ValueError(message)
    return np.asarray(np.count_nonzero(np.abs(_checked(x)) > tolerance, axis=axis), dtype=np.float64)


def l1(x: ArrayLike, *, axis: int | None = None) -> Floats:
    """The sum of absolute values: how much in total.

    >>> float(l1([3, -2, 4]))
    9.0
    """
    return lp(x, 1, axis=axis)


def l2(x: ArrayLike, *, axis: int | None = None) -> Floats:
    """The Euclidean length.

    >>> round(float(l2([3, -2, 4])) ** 2, 9)
    29.0
    """
    return lp(x, 2, axis=axis)


def linf(x: ArrayLike, *, axis: int | None = None) -> Floats:
    """The largest absolute value: the worst one.

    >>> float(linf([3, -2, 4]))
    4.0
    """
    return lp(x, np.inf, axis=axis)


def lp(x: ArrayLike, p: float, *, axis: int | None = None) -> Floats:
    """`(sum |x|^p)^(1/p)`; the number of non-zero entries for p = 0, the largest entry for p = infinity.

    Entries are divided by the largest one before they are raised, so that nothing overflows or
    vanishes on the way.

    >>> round(float(lp([3, 4], 2)), 9), round(float(lp([3e200, 4e200], 2)) / 1e200, 9)
    (5.0, 5.0)
    >>> lp([[3, -2, 4], [0, 0, 1]], 1, axis=1).tolist()
    [9.0, 1.0]
    """
    if not (p == 0 or p >= 1):
        message = f"p is {p}; a norm has p = 0, p >= 1 or infinity"
        raise ValueError(message)
    if p == 0:
        return l0(x, axis=axis)
    size = np.abs(_checked(x))
    largest = size.max(axis=axis, keepdims=True, initial=0.0)
    if np.isinf(p):
        return _without(largest, axis)
    if p == 1:
        return np.asarray(size.sum(axis=axis), dtype=np.float64)
    unit = np.where((largest > 0) & np.isfinite(largest), largest, 1.0)
    total = ((size / unit) ** p).sum(axis=axis, keepdims=True)
    return _without(total ** (1.0 / p) * unit, axis)


def distance(a: ArrayLike, b: ArrayLike, p: float = 2, *, axis: int | None = None) -> Floats:
    """The Lp norm of `a - b`; the shapes broadcast.

    >>> [float(distance([0, 0], [3, 4], p)) for p in (1, 2, np.inf)]
    [7.0, 5.0, 4.0]
    """
    with np.errstate(invalid="ignore"):
        return lp(_checked(a) - _checked(b), p, axis=axis)


def clip(x: ArrayLike, limit: float, p: float = 2, *, axis: int | None = None) -> Floats:
    """`x` scaled down so that its Lp norm is at most `limit`; a shorter vector stays as it is.

    Along an axis each vector is clipped by itself. p = 0 cannot be had by scaling and is refused.

    >>> clip([6, 8], 5).tolist()
    [3.0, 4.0]
    >>> clip([[6, 8], [0, 1]], 5, axis=1).tolist()
    [[3.0, 4.0], [0.0, 1.0]]
    """
    if not limit >= 0:
        message = f"limit is {limit}; it is a number of at least 0"
        raise ValueError(message)
    if p == 0:
        message = "scaling does not change how many entries are not zero; p is at least 1 here"
        raise ValueError(message)
    values = _checked(x)
    if not np.isfinite(values).all():
        message = "an infinite entry cannot be scaled to a finite norm"
        raise ValueError(message)
    norm = lp(values, p, axis=axis)
    if axis is not None:
        norm = np.expand_dims(norm, axis)
    longer = norm > limit
    factor = np.divide(limit, norm, out=np.ones_like(norm), where=longer)
    return np.asarray(values * factor, dtype=np.float64)


def _checked(x: ArrayLike) -> Floats:
    """The values as float64; NaN is refused, since no norm of it means anything."""
    values = np.asarray(x, dtype=np.float64)
    if np.isnan(values).any():
        message = "a vector with NaN has no norm; leave the unknown entries out first"
        raise ValueError(message)
    return values


def _without(values: Floats, axis: int | None) -> Floats:
    """Drop the kept axis, or all of them."""
    return np.asarray(values.squeeze() if axis is None else values.squeeze(axis), dtype=np.float64)
