"""Ids as 64-bit hashes that stay the same between processes, machines and versions."""

from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.values.arrays import (
    booleans,
    dictionary_codes,
    fixed,
    integers,
    is_text,
    matches,
    plain,
    selected,
    valid,
)
from monitor.values.categories import canonical_text, categorical

Hashes: TypeAlias = NDArray[np.uint64]
Mask: TypeAlias = NDArray[np.bool_]

_INTEGER = r"^(0|-?[1-9][0-9]{0,19})$"
_LONG = 18
"""More digits may not fit into 64 bits."""
_WORD = 8
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_TEXT_SEED = np.uint64(0x5851F42D4C957F2D)


def identity_hash(array: Any) -> tuple[Hashes, Mask]:
    """A 64-bit hash of each id, (n,), and where there is one; hashes of missing ids mean nothing.

    Ids are equal by the rule that the package states, so 7, 7.0 and "7" have one hash. Two different
    ones among a million share a hash with a chance of 3 in 100 million.

    >>> hashes, known = identity_hash(pa.array(["7", "7.0", "007", None]))
    >>> bool(hashes[0] == identity_hash(pa.array([7]))[0][0] == hashes[1]), bool(hashes[2] == hashes[0])
    (True, False)
    >>> known.tolist()
    [True, True, True, False]
    """
    array = plain(array)
    kind = array.type
    if pa.types.is_dictionary(kind):
        hashes, known = identity_hash(array.dictionary)
        codes = dictionary_codes(array)
        return np.append(hashes, np.uint64(0))[codes], np.append(known, False)[codes]
    if pa.types.is_integer(kind):
        return _mixed(_bits(integers(array))), valid(array)
    if is_text(kind):
        return _of_texts(canonical_text(array)), valid(array)
    if pa.types.is_floating(kind):
        return _of_floats(array)
    return _of_categories(array)


def _bits(values: NDArray[Any]) -> Hashes:
    """Integers as 64 bits, negative ones in two's complement."""
    wide = values.astype(np.uint64 if values.dtype.kind == "u" else np.int64)
    return wide.view(np.uint64)


def _mixed(bits: Hashes) -> Hashes:
    """The finaliser of splitmix64: every bit of the input moves half of the output's bits."""
    mixed = bits + _GOLDEN
    mixed ^= mixed >> np.uint64(30)
    mixed *= _FIRST
    mixed ^= mixed >> np.uint64(27)
    mixed *= _SECOND
    mixed ^= mixed >> np.uint64(31)
    return mixed


def _of_floats(array: Any) -> tuple[Hashes, Mask]:
    values = fixed(array, array.type.to_pandas_dtype())
    known = valid(array) & ~np.isnan(values)
    whole = known & (np.abs(values) < 2.0**63) & (np.trunc(values) == values)
    if (known & ~whole).any():
        return _of_categories(array)
    return _mixed(_bits(np.where(whole, values, 0).astype(np.int64))), known


def _of_categories(array: Any) -> tuple[Hashes, Mask]:
    """By the text of each different value."""
    found = categorical(array)
    hashes = _of_texts(pa.array(found.categories, pa.large_string()))
    return np.append(hashes, np.uint64(0))[found.codes], found.codes >= 0


def _of_texts(texts: Any) -> Hashes:
    """Texts that are integers of 64 bits hash as those; the others by their bytes."""
    maybe = np.flatnonzero(booleans(pc.ascii_is_decimal(texts)) | booleans(pc.starts_with(texts, "-")))
    rows = maybe[matches(texts.take(pa.array(maybe)), _INTEGER)]
    if not len(rows):
        return _of_bytes(texts)
    hashes = np.zeros(len(texts), np.uint64) if len(rows) == len(texts) else _of_bytes(texts)
    numbers = texts.take(pa.array(rows))
    long = booleans(pc.greater(pc.binary_length(numbers), _LONG))
    hashes[rows[~long]] = _mixed(_bits(fixed(selected(numbers, ~long).cast(pa.int64()), np.int64)))
    for row, text in zip(rows[long].tolist(), selected(numbers, long).to_pylist(), strict=True):
        number = int(text)
        fits = -(2**63) <= number < 2**64
        hashes[row] = (
            _mixed(np.array([number % 2**64], np.uint64))[0] if fits else _of_bytes(pa.array([text]))[0]
        )
    return hashes


def _of_bytes(texts: Any) -> Hashes:
    """Eight bytes after eight of all texts at once; the last ones padded with zeros, then the length."""
    texts = texts.cast(pa.large_string())
    bounds = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    starts, lengths = bounds[:-1], np.diff(bounds)
    if texts.null_count:
        lengths = np.where(booleans(texts.is_valid()), lengths, 0)
    stored = texts.buffers()[2]
    octets = np.zeros((0 if stored is None else stored.size) + _WORD, np.uint8)
    if stored is not None:
        octets[: stored.size] = np.frombuffer(stored, np.uint8)
    words = np.ndarray((len(octets) - _WORD + 1,), "<u8", octets, strides=(1,))  # one at every byte
    hashes = np.full(len(starts), _TEXT_SEED)
    rows = np.arange(len(starts))
    for done in range(0, int(lengths.max(initial=0)), _WORD):
        rows = rows[lengths[rows] > done]
        word = words[starts[rows] + done].astype(np.uint64)
        left = np.minimum(lengths[rows] - done, _WORD).astype(np.uint64)
        unused = np.uint64(64) - left * np.uint64(8)
        word = (word << unused) >> unused
        hashes[rows] = _mixed(hashes[rows] ^ word)
    return _mixed(hashes ^ lengths.astype(np.uint64))
